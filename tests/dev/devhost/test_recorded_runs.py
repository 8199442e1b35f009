"""The recorded scenarios, run through a running host: what is compared is how they end."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.dev.devhost.hosts import DEADLINE_SECONDS, RunningHost, running_host, write_app
from tests.dev.devhost.recorded import alike, app_source, load, names, same_rows, timeless

BASE = "/runtime/webhooks/durabletask"
SCENARIOS = [name for name in names() if name != "purged"]  # that one leaves nothing to compare
LIVE = ("Pending", "Running")


async def until(session: aiohttp.ClientSession, url: str, has_come: Callable[[dict[str, Any]], bool]) -> None:
    """Wait until an instance's document says so, or the deadline."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DEADLINE_SECONDS
    while loop.time() < deadline:
        async with session.get(f"{url}?showHistory=true") as response:
            if has_come(await response.json()):
                return
        await asyncio.sleep(0.02)


async def terminated(session: aiohttp.ClientSession, url: str) -> None:
    """Wait until an instance is terminated: that takes effect in its next turn."""
    await until(session, url, lambda document: document["runtimeStatus"] == "Terminated")


async def come_as_far(session: aiohttp.ClientSession, url: str, recorded: list[dict[str, Any]]) -> None:
    """Wait until an instance has done what it had when it was terminated: a busy machine is late."""
    done = [row["EventType"] for row in recorded].index("ExecutionTerminated")
    await until(session, url, lambda document: len(document["historyEvents"]) >= done)


async def run(session: aiohttp.ClientSession, host: RunningHost, name: str) -> Any:
    """Start a scenario, terminate it when the recording did, wait for the end; the status document."""
    recording = load(name)
    loop = asyncio.get_running_loop()
    began = loop.time()
    raw = recording["calls"][0]["body"]["history"][1]["Input"]
    start = f"{host.url}{BASE}/orchestrators/{recording['function']}/{name}"
    async with session.post(start, data=raw or "null") as response:
        assert response.status == 202, await response.text()
    unexpected: list[str] = []
    for step in recording["http"]:
        method, path = step["request"].split(" ")
        if not path.partition("?")[0].endswith("/terminate"):
            continue
        await asyncio.sleep(max(0.0, step["ms"] / 1000 - (loop.time() - began)))
        at = f"{host.url}{BASE}/instances/{name}"
        if step["status"] == 202:
            await come_as_far(session, at, recording["status"]["historyEvents"])
        if step["status"] == 410:
            await terminated(session, at)
        async with session.request(method, host.url + path) as response:
            if response.status != step["status"]:
                unexpected.append(f"{step['request']}: {response.status}")
    query = "?showHistory=true&showHistoryOutput=true&showInput=true"
    deadline = began + DEADLINE_SECONDS
    while True:
        async with session.get(f"{host.url}{BASE}/instances/{name}{query}") as response:
            document = await response.json()
        if document["runtimeStatus"] not in LIVE or loop.time() > deadline:
            return document | {"unexpected": unexpected}
        await asyncio.sleep(0.1)


async def run_all(host: RunningHost) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session:
        documents = await asyncio.gather(*(run(session, host, name) for name in SCENARIOS))
    return dict(zip(SCENARIOS, documents, strict=True))


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The end of every scenario; all of them run at the same time."""
    folder: Path = tmp_path_factory.mktemp("recorded")
    write_app(folder, app_source(names()), maxConcurrentActivityFunctions=100, maxConcurrentOrchestratorFunctions=4)
    with running_host(folder) as host:
        return asyncio.run(run_all(host))


@pytest.mark.parametrize("name", SCENARIOS)
def test_ends_as_on_the_real_host(ends: dict[str, Any], name: str) -> None:
    recorded, actual = load(name)["status"], dict(ends[name])
    assert actual.pop("unexpected") == []
    rows, actual_rows = recorded.pop("historyEvents"), actual.pop("historyEvents")
    assert alike(timeless(recorded), timeless(actual)), actual
    assert same_rows(rows, actual_rows), actual_rows
