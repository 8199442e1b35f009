"""The one worker process dies under the host, which lives on with a new one."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.dev.devhost.hosts import RunningHost, running_host, until, write_app

SOURCE = """
import asyncio
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

import cache

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


def begun(name):
    with (Path(__file__).parent / "begun").open("a") as file:
        file.write(f"{name}\\n")


@app.orchestration_trigger(context_name="context")
def careful(context):
    tasks = [context.call_activity("hang", i) for i in range(3)]
    texts = []
    try:
        yield context.task_all(tasks)
    except Exception:
        pass
    for task in tasks:
        try:
            yield task
        except Exception as error:
            texts.append(str(error).splitlines()[0])
    counted = yield context.call_activity("count", 1)
    return {"texts": texts, "counted": counted}


@app.orchestration_trigger(context_name="context")
def two_steps(context):
    yield context.call_activity("count", 1)
    return (yield context.call_activity("count", 1))


@app.activity_trigger(input_name="x")
async def hang(x: int) -> None:
    begun(f"hang {x}")
    await asyncio.sleep(60)


@app.activity_trigger(input_name="x")
def count(x: int) -> int:
    cache.COUNTED.append(x)
    return len(cache.COUNTED)


@app.route(route="wait")
async def wait(req: func.HttpRequest) -> func.HttpResponse:
    begun("wait")
    await asyncio.sleep(60)
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[RunningHost]:
    write_app(tmp_path, SOURCE, maxConcurrentActivityFunctions=3)
    (tmp_path / "cache.py").write_text("COUNTED: list[int] = []\n")
    with running_host(tmp_path) as running:
        yield running


def begun(host: RunningHost) -> list[str]:
    path = host.folder / "begun"
    return path.read_text().splitlines() if path.exists() else []


def crash(host: RunningHost, query: str = "") -> Any:
    return host.call("POST", f"/admin/devhost/worker-crash{query}").json


def test_what_is_in_flight_fails_with_the_real_text_and_the_orchestration_goes_on(host: RunningHost) -> None:
    host.start("careful", "c")
    until(lambda: len(begun(host)) == 3)
    assert crash(host) == {"activities_failed": 3, "orchestrations_failed": 0, "crashes": 1}
    output = host.ended("c")["output"]
    text = "Exception while executing function: Functions.hang python exited with code 137"
    assert [t.rstrip() for t in output["texts"]] == [f"Activity function 'hang' failed: {text}"] * 3


def test_later_calls_find_the_app_made_anew(host: RunningHost) -> None:
    host.start("two_steps", "before")
    assert host.ended("before")["output"] == 2
    assert crash(host)["crashes"] == 1
    host.start("two_steps", "after")
    assert host.ended("after")["output"] == 2


def test_an_orchestrator_that_is_being_called_fails_its_instance_for_good(host: RunningHost) -> None:
    host.start("careful", "c")
    until(lambda: len(begun(host)) == 3)
    assert host.call("POST", "/admin/devhost/worker-crash?at=orchestrator").status == 202
    assert crash(host)["activities_failed"] == 3
    instance = host.ended("c")
    assert instance["runtimeStatus"] == "Failed"
    assert instance["output"].startswith(
        "Orchestrator function 'careful' failed: Non-Deterministic workflow detected: A previous execution of this "
        "orchestration scheduled an activity task with sequence ID 0 and name 'hang'"
    )
    host.start("two_steps", "c")
    assert host.ended("c")["output"] == 2


def test_an_orchestrator_that_had_no_task_yet_fails_with_the_bare_reason(host: RunningHost) -> None:
    crash(host, "?at=orchestrator")
    host.start("two_steps", "t")
    instance = host.ended("t")
    assert instance["runtimeStatus"] == "Failed"
    text = "Exception while executing function: Functions.two_steps python exited with code 137"
    assert instance["output"] == f"Orchestrator function 'two_steps' failed: {text}"


def test_a_request_in_flight_is_answered_500_without_a_body(host: RunningHost) -> None:
    answers: list[Any] = []
    asking = Thread(target=lambda: answers.append(host.call("GET", "/api/wait")))
    asking.start()
    until(lambda: begun(host) == ["wait"])
    crash(host)
    asking.join(10)
    assert [(answer.status, answer.body) for answer in answers] == [(500, b"")]


def test_after_the_third_death_within_half_an_hour_the_host_ends_itself(host: RunningHost) -> None:
    host.start("careful", "c")
    until(lambda: len(begun(host)) == 3)
    assert [crash(host)["crashes"] for _ in range(3)] == [1, 2, 3]
    assert host.process.wait(10) == 0
    assert "Exceeded language worker restart retry count for runtime:python." in host.log
    with running_host(host.folder) as again:  # on what it left behind, as the platform does
        again.start("two_steps", "t")
        assert again.ended("t")["output"] == 2
