"""Worker processes of a running host: several share the work, and each lives and dies by itself."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest

from tests.dev.devhost.hosts import Answer, RunningHost, running_host, until, write_app

SOURCE = """
import asyncio
import os
import time
from enum import IntEnum
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
FOLDER = Path(__file__).parent
if (FOLDER / "broken").exists():
    raise RuntimeError("the app is broken")


@app.orchestration_trigger(context_name="context")
def each(context):
    name, number = context.get_input()
    tasks = [context.call_activity(name, i) for i in range(number)]
    try:
        yield context.task_all(tasks)
    except Exception:
        pass
    ends = []
    for task in tasks:
        try:
            ends.append((yield task))
        except Exception as error:
            ends.append(str(error).splitlines()[0].rstrip())
    return ends


@app.activity_trigger(input_name="x")
def where(x: int) -> int:
    return os.getpid()


@app.activity_trigger(input_name="x")
async def wait(x: int) -> int:
    (FOLDER / f"waits-{os.getpid()}-{x}").touch()
    try:
        while not (FOLDER / "go").exists():
            await asyncio.sleep(0.01)
    except asyncio.CancelledError:
        (FOLDER / "cancelled").touch()
        raise
    return os.getpid()


@app.activity_trigger(input_name="x")
async def block(x: int) -> None:
    (FOLDER / f"waits-{os.getpid()}-{x}").touch()
    time.sleep(60)


@app.activity_trigger(input_name="x")
def leave(x: int) -> None:
    os._exit(3)


@app.route("where")
def at(req: func.HttpRequest) -> str:
    return str(os.getpid())


@app.route("fails")
async def fails(req: func.HttpRequest) -> str:
    raise ValueError("what the log tells")


@app.route("cancels")
async def cancels(req: func.HttpRequest) -> str:
    raise asyncio.CancelledError


class Status(IntEnum):
    TEAPOT = 418


@app.route("own-enum")
async def own_enum(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(status_code=Status.TEAPOT)


@app.route("back", methods=["POST"])
async def back(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.get_body(), mimetype="application/octet-stream")
"""


@pytest.fixture
def two(tmp_path: Path) -> Iterator[RunningHost]:
    write_app(tmp_path, SOURCE, maxConcurrentActivityFunctions=4)
    with running_host(tmp_path, FUNCTIONS_WORKER_PROCESS_COUNT="2") as running:
        yield running


@pytest.fixture
def one(tmp_path: Path) -> Iterator[RunningHost]:
    write_app(tmp_path, SOURCE)
    with running_host(tmp_path) as running:
        yield running


def pids_of(host: RunningHost) -> set[int]:
    return {worker.pid for worker in psutil.Process(host.process.pid).children()}


def each(host: RunningHost, instance_id: str, name: str, number: int) -> Any:
    host.start("each", instance_id, [name, number])
    return host.ended(instance_id)["output"]


def waiting(host: RunningHost, pid: int) -> int:
    return len(list(host.folder.glob(f"waits-{pid}-*")))


def lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def died(name: str) -> str:
    what = f"Exception while executing function: Functions.{name} python exited with code"
    return f"Activity function '{name}' failed: {what}"


def crash(host: RunningHost, query: str = "") -> Answer:
    return host.call("POST", f"/admin/devhost/worker-crash{query}")


def test_two_workers_take_turns(two: RunningHost) -> None:
    pids = pids_of(two)
    assert len(pids) == 2
    assert set(each(two, "e", "where", 20)) == pids
    asked = [int(two.call("GET", "/api/where").body) for _ in range(6)]
    assert Counter(asked) == dict.fromkeys(pids, 3)


@pytest.mark.parametrize("how", ["asked for", "from outside"])
def test_only_what_a_dead_worker_did_fails(two: RunningHost, how: str) -> None:
    pids = pids_of(two)
    two.start("each", "e", ["wait", 4])
    until(lambda: sum(waiting(two, pid) for pid in pids) == 4)
    answer = None
    if how == "asked for":
        answer = crash(two).json
    else:
        os.kill(min(pids), signal.SIGKILL)
    until(lambda: "Language Worker Process exited. python exited with code 137." in two.log)
    (dead,), (other,) = pids - pids_of(two), pids & pids_of(two)
    ended = waiting(two, dead)
    assert 1 <= ended <= 3
    assert answer in (None, {"activities_failed": ended, "orchestrations_failed": 0, "crashes": 1})
    (two.folder / "go").touch()
    assert Counter(two.ended("e")["output"]) == {other: 4 - ended, f"{died('wait')} 137": ended}
    until(lambda: len(pids_of(two)) == 2)
    names = (f"again-{number}" for number in count())
    until(lambda: set(each(two, next(names), "where", 8)) == pids_of(two))


def test_which_worker_is_killed_can_be_said(two: RunningHost) -> None:
    before = pids_of(two)
    assert crash(two, "?worker=1").json["crashes"] == 1
    assert len(before & pids_of(two)) == 1
    assert crash(two, "?worker=0").json["crashes"] == 2
    assert not before & pids_of(two)
    refused = crash(two, "?worker=2")
    assert (refused.status, refused.body) == (404, b"There is no worker process 2; they are counted from 0.")


def test_a_worker_that_ends_itself_tells_its_own_exit_code(one: RunningHost) -> None:
    assert each(one, "l", "leave", 1) == [f"{died('leave')} 3"]
    assert "Language Worker Process exited. python exited with code 3." in one.log
    assert set(each(one, "w", "where", 1)) == pids_of(one)


def test_calls_wait_for_a_worker_that_is_being_started(one: RunningHost) -> None:
    answers: list[Answer] = []
    for _ in range(2):
        crash(one)
        asking = [Thread(target=lambda: answers.append(one.call("GET", "/api/where"))) for _ in range(3)]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join(30)
    assert [answer.status for answer in answers] == [200] * 6


def test_dead_workers_are_not_replaced_for_ever_and_the_host_ends_with_the_last(two: RunningHost) -> None:
    crashes = [crash(two, f"?worker={number % 2}").json["crashes"] for number in range(6)]
    assert crashes == [1, 2, 3, 4, 5, 6]
    assert two.call("GET", "/api/where").status == 200
    assert crash(two, "?worker=1").status == 404
    assert two.process.poll() is None
    assert crash(two).json["crashes"] == 7
    assert two.process.wait(10) == 0
    assert two.log.count("Exceeded language worker restart retry count for runtime:python.") == 1


def test_a_host_that_is_killed_leaves_no_worker_whatever_that_does(two: RunningHost) -> None:
    two.start("each", "e", ["block", 2])
    pids = pids_of(two)
    until(lambda: sum(waiting(two, pid) for pid in pids) == 2)
    two.kill()
    until(lambda: not any(lives(pid) for pid in pids))


def test_a_host_that_is_stopped_leaves_no_worker(two: RunningHost) -> None:
    two.start("each", "e", ["wait", 4])
    pids = pids_of(two)
    until(lambda: sum(waiting(two, pid) for pid in pids) == 4)
    two.process.terminate()
    assert two.process.wait(10) == 0
    assert not any(lives(pid) for pid in pids)


def test_ctrl_c_reaches_all_and_only_the_host_answers_it(tmp_path: Path) -> None:
    write_app(tmp_path, SOURCE)
    with running_host(tmp_path) as host:
        (pid,) = pids_of(host)
        os.kill(pid, signal.SIGINT)
        assert host.call("GET", "/api/where").body == str(pid).encode()
        host.process.send_signal(signal.SIGINT)
        assert host.process.wait(10) == 0
        assert "Traceback" not in host.log


def test_large_bodies_pass_both_ways(one: RunningHost) -> None:
    body = b"x" * 60_000_000
    answer = one.call("POST", "/api/back", body)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/octet-stream")
    assert answer.body == body


def test_an_answer_may_be_made_of_what_only_the_app_knows(one: RunningHost) -> None:
    assert one.call("GET", "/api/own-enum").status == 418


def test_what_a_function_raises_is_in_the_log_with_its_traceback(one: RunningHost) -> None:
    assert one.call("GET", "/api/fails").status == 500
    lines = one.log.partition("Executed 'Functions.fails' (Failed)\n")[2].splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "ValueError: what the log tells" in lines
    assert any("function_app.py" in line for line in lines)


def test_a_function_that_cancels_itself_has_failed(one: RunningHost) -> None:
    assert one.call("GET", "/api/cancels").status == 500
    assert "asyncio.exceptions.CancelledError" in one.log


def test_a_function_that_ran_out_of_time_is_cancelled(tmp_path: Path) -> None:
    write_app(tmp_path, SOURCE)
    text = (tmp_path / "host.json").read_text().replace('"version"', '"functionTimeout": "00:00:01", "version"')
    (tmp_path / "host.json").write_text(text)
    with running_host(tmp_path) as host:
        (end,) = each(host, "w", "wait", 1)
        until((tmp_path / "cancelled").exists)
    assert end.endswith("Timeout value of 00:00:01 was exceeded by function: Functions.wait")


def test_an_app_that_breaks_while_the_host_runs_ends_it(one: RunningHost) -> None:
    (one.folder / "broken").touch()
    crash(one)
    assert one.process.wait(10) == 0
    assert one.log.count("The worker process could not load the app: the app is broken") == 2
    assert "Exceeded language worker restart retry count" in one.log


def test_a_host_does_not_start_with_a_wrong_number_of_workers(tmp_path: Path) -> None:
    write_app(tmp_path, SOURCE)
    with (
        pytest.raises(AssertionError, match=r"FUNCTIONS_WORKER_PROCESS_COUNT must be .* not '11'"),
        running_host(tmp_path, FUNCTIONS_WORKER_PROCESS_COUNT="11"),
    ):
        pass


def test_a_host_does_not_start_with_an_app_that_one_worker_cannot_load(tmp_path: Path) -> None:
    write_app(tmp_path, SOURCE)
    (tmp_path / "broken").touch()
    with (
        pytest.raises(AssertionError, match="devhost cannot start: the app is broken"),
        running_host(tmp_path, FUNCTIONS_WORKER_PROCESS_COUNT="2"),
    ):
        pass
