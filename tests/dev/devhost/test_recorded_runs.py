"""The recorded scenarios, run through a running host: what is compared is how they end."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.dev.devhost.hosts import DEADLINE_SECONDS, RunningHost, running_host, write_app
from tests.dev.devhost.recorded import alike, app_source, load, names, same_rows, timeless

BASE = "/runtime/webhooks/durabletask"
HAZARDS = ("any_old_and_new", "task_all_retry_drift")
MANUAL = {"purged", "same_id", "restarted", "rewound"}  # their steps depend on each other's answers: tests of their own
SCENARIOS = [name for name in names() if name not in MANUAL]
EXPECTED_STATE = {410: ("Completed", "Terminated", "Failed"), 500: ("Suspended",)}
"""The state that the recording had when an operation was refused so."""
LIVE = ("Pending", "Running", "Suspended")


async def reached(session: aiohttp.ClientSession, url: str, statuses: tuple[str, ...]) -> None:
    """Wait until an instance's status is one of these, or the deadline: operations take effect in the next turn."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DEADLINE_SECONDS
    while loop.time() < deadline:
        async with session.get(url) as response:
            if (await response.json())["runtimeStatus"] in statuses:
                return
        await asyncio.sleep(0.02)


async def run(session: aiohttp.ClientSession, host: RunningHost, name: str) -> Any:
    """Start a scenario, do what the recording did at its times, wait for the end; the status document."""
    recording = load(name)
    await asyncio.sleep(0.03 * SCENARIOS.index(name))  # not all in the same instant: some steps are 15 ms apart
    loop = asyncio.get_running_loop()
    began = loop.time()
    raw = recording["calls"][0]["body"]["history"][1]["Input"]
    start = f"{host.url}{BASE}/orchestrators/{recording['function']}/{name}"
    async with session.post(start, data=raw or "null") as response:
        assert response.status == 202, await response.text()
    unexpected: list[str] = []
    for step in recording["http"]:
        method, path = step["request"].split(" ")
        if method == "GET" or path.startswith("/api/start"):
            continue
        await asyncio.sleep(max(0.0, step["ms"] / 1000 - (loop.time() - began)))
        if step["status"] in EXPECTED_STATE and name not in HAZARDS:
            await reached(session, f"{host.url}{BASE}/instances/{name}", EXPECTED_STATE[step["status"]])
        data = step.get("request_body")
        headers = {} if data is None else {"Content-Type": "application/json"}
        async with session.request(method, host.url + path, data=data, headers=headers) as response:
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


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name not in HAZARDS])
def test_ends_as_on_the_real_host(ends: dict[str, Any], name: str) -> None:
    recorded, actual = load(name)["status"], dict(ends[name])
    assert actual.pop("unexpected") == []
    rows, actual_rows = recorded.pop("historyEvents"), actual.pop("historyEvents")
    assert alike(timeless(recorded), timeless(actual)), actual
    assert same_rows(rows, actual_rows), actual_rows


@pytest.mark.parametrize("name", HAZARDS)
def test_hazards_fail_loudly(ends: dict[str, Any], name: str) -> None:
    assert ends[name]["runtimeStatus"] == "Failed"
    assert "hazard" in ends[name]["output"]
