"""A host that is killed at any moment, and the next one that goes on."""

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.dev.devhost.hosts import RunningHost, running_host, until, write_app

SOURCE = """
import asyncio
import datetime as dt
import os
import pathlib
import time
import azure.functions as func
import azure.durable_functions as df

app = df.DFApp()
RUNS = pathlib.Path(__file__).parent / "runs"


@app.orchestration_trigger(context_name="context")
def journey(context):
    first = yield context.task_all([context.call_activity("step", i) for i in range(12)])
    yield context.create_timer(context.current_utc_datetime + dt.timedelta(seconds=0.7))
    last = yield context.call_activity("pause", 5)
    return [sum(first), last]


@app.activity_trigger(input_name="number")
async def step(number: int) -> int:
    await asyncio.sleep(0.15)
    with RUNS.open("a") as runs:
        runs.write(f"{number}\\n")
    return number


@app.activity_trigger(input_name="number")
async def pause(number: int) -> int:
    RUNS.with_name("pausing").touch()
    await asyncio.sleep(0.5)
    return number


@app.orchestration_trigger(context_name="context")
def fan(context):
    results = yield context.task_all([context.call_activity("noop", i) for i in range(context.get_input())])
    return sum(results)


@app.activity_trigger(input_name="x")
def noop(x: int) -> int:
    return x


@app.activity_trigger(input_name="x")
async def hang(x: int) -> None:
    await asyncio.sleep(60)


@app.activity_trigger(input_name="x")
def block(x: int) -> None:
    RUNS.with_name("blocking").touch()
    time.sleep(60)


@app.orchestration_trigger(context_name="context")
def blocked(context):
    yield context.call_activity("block", 1)


@app.orchestration_trigger(context_name="context")
def slow(context):
    yield context.call_activity("hang", 1)
"""


def steps_reach(folder: Path, count: int) -> bool:
    return len(set(finished_steps(folder))) >= count


def finished_steps(folder: Path) -> list[str]:
    runs = folder / "runs"
    return runs.read_text().split() if runs.exists() else []


@pytest.mark.parametrize("moment", ["at once", "during the fan-out", "during the timer", "during the last step"])
def test_a_killed_host_loses_nothing_and_completes_nothing_twice(tmp_path: Path, moment: str) -> None:
    write_app(tmp_path, SOURCE, maxConcurrentActivityFunctions=3)
    with running_host(tmp_path) as host:
        host.start("journey", "j")
        if moment == "during the fan-out":
            until(lambda: len(finished_steps(tmp_path)) >= 4)
        elif moment == "during the timer":
            until(lambda: len(finished_steps(tmp_path)) >= 12)
        elif moment == "during the last step":
            until((tmp_path / "pausing").exists)
        host.kill()
    before = len(finished_steps(tmp_path))
    with running_host(tmp_path) as host:
        ended = host.ended("j")
    assert ended["output"] == [sum(range(12)), 5], ended
    completed = [row for row in ended["historyEvents"] if row["EventType"] == "TaskCompleted"]
    assert len(completed) == 13
    runs = finished_steps(tmp_path)
    assert sorted(set(runs), key=int) == [str(i) for i in range(12)]
    assert len(runs) - 12 <= 3, f"only activities in flight run again ({before} had run)"


def test_repeated_kills_during_a_fan_out(tmp_path: Path) -> None:
    write_app(tmp_path, SOURCE, maxConcurrentActivityFunctions=4)
    with running_host(tmp_path) as host:
        host.start("journey", "j")
        until(lambda: len(finished_steps(tmp_path)) >= 2)
        host.kill()
    for count in (5, 8):
        with running_host(tmp_path) as host:
            until(partial(steps_reach, tmp_path, count))
            host.kill()
    with running_host(tmp_path) as host:
        assert host.ended("j")["output"] == [66, 5]


@pytest.fixture
def host(tmp_path: Path) -> Any:
    write_app(tmp_path, SOURCE, maxConcurrentActivityFunctions=4)
    with running_host(tmp_path) as running:
        yield running


def test_a_fan_out_of_256_takes_no_time(host: RunningHost) -> None:
    import time

    began = time.monotonic()
    host.start("fan", "wide", 256)
    assert host.ended("wide")["output"] == sum(range(256))
    assert time.monotonic() - began < 5


def test_one_state_folder_serves_one_host(host: RunningHost) -> None:
    with pytest.raises(AssertionError, match="is used by another host"), running_host(host.folder):
        pass


def test_the_state_of_another_release_is_refused(tmp_path: Path) -> None:
    write_app(tmp_path, SOURCE)
    (tmp_path / "state").mkdir()
    with closing(sqlite3.connect(tmp_path / "state" / "durable.sqlite3")) as database:
        database.execute("CREATE TABLE instances (id TEXT PRIMARY KEY, parent TEXT)")
    with (
        pytest.raises(AssertionError, match="of another release of devhost"),
        running_host(tmp_path),
    ):
        pass


def test_an_instance_whose_orchestrator_is_gone_stays_as_it_is(tmp_path: Path) -> None:
    write_app(tmp_path, SOURCE)
    with running_host(tmp_path) as running:
        running.start("slow", "s")
        until(lambda: running.instance("s")["runtimeStatus"] == "Running")
        running.kill()
    write_app(tmp_path, SOURCE.replace("def slow(", "def renamed(").replace("sleep(60)", "sleep(0)"))
    with running_host(tmp_path) as running:
        until(lambda: "the app has no orchestrator 'slow' any more" in running.log)
        running.start("fan", "f", 3)
        assert running.ended("f")["output"] == 3
        assert running.instance("s")["runtimeStatus"] == "Running"
        assert running.log.count("has no orchestrator 'slow' any more") == 1
    write_app(tmp_path, SOURCE)
    with running_host(tmp_path) as running:
        assert running.ended("s")["runtimeStatus"] == "Completed"


def test_function_timeout(tmp_path: Path) -> None:
    write_app(tmp_path, SOURCE)
    text = (tmp_path / "host.json").read_text().replace('"version"', '"functionTimeout": "00:00:01", "version"')
    (tmp_path / "host.json").write_text(text)
    with running_host(tmp_path) as running:
        running.start("slow", "s")
        output = running.ended("s")["output"]
    assert "Timeout value of 00:00:01 was exceeded by function: Functions.hang" in output


def test_the_host_stops_at_once_whatever_runs(host: RunningHost) -> None:
    host.start("blocked", "b")
    host.start("slow", "s")
    until((host.folder / "blocking").exists)
    host.process.terminate()
    assert host.process.wait(5) == 0


def test_the_host_ends_with_its_launcher(tmp_path: Path) -> None:
    write_app(tmp_path, SOURCE)
    with running_host(tmp_path) as running:
        assert running.process.stdin is not None
        running.process.stdin.close()
        assert running.process.wait(10) == 0
