"""The gate before Prefect: it tells what passes, and does with it as it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from dev.chaos.passing import head
from dev.chaos.proxy import HOST
from dev.chaos.request import read_request
from dev.chaos.stuck_uploads.gate import Asked, Fate, HttpGate, http_gate

FILTER, CREATE = "/api/flow_runs/filter", "/api/deployments/x/create_flow_run"
ACTIVE = {"state": {"type": {"any_": ["SCHEDULED"]}}}


@dataclass
class Saying:
    """A watcher that says the same of everything that is asked, and of every answer."""

    of_request: Fate = Fate.PASSED
    of_answer: Fate = Fate.PASSED
    heard: list[tuple[Asked, Any]] = field(default_factory=list)

    async def asked(self, gate: HttpGate, what: Asked) -> Fate:
        self.heard.append((what, "asked"))
        return self.of_request

    async def answered(self, gate: HttpGate, what: Asked, body: Any) -> Fate:
        self.heard.append((what, body))
        return self.of_answer


@asynccontextmanager
async def gated(requests: list[str]) -> AsyncIterator[tuple[HttpGate, aiohttp.ClientSession]]:
    """A gate before a server that answers everything with an empty list, and notes what it was asked for."""

    async def serve(reader: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        while (request := await read_request(reader)) is not None:
            requests.append(request.target)
            out.write(head("200 OK", "Content-Type: application/json\r\n", 2) + b"[]")
        out.close()

    server = await asyncio.start_server(serve, HOST, 0)
    async with server, http_gate(server.sockets[0].getsockname()[1]) as gate, aiohttp.ClientSession() as session:
        yield gate, session


async def post(gate: HttpGate, session: aiohttp.ClientSession, path: str, wanted: Any = None) -> int:
    body = {"flow_runs": wanted or {}}
    async with session.post(f"http://{HOST}:{gate.port}{path}", json=body) as response:
        await response.read()
        return response.status


async def test_a_look_is_told_by_its_first_page_and_noted_with_its_moment() -> None:
    requests: list[str] = []
    async with gated(requests) as (gate, session):
        watcher = Saying()
        gate.watch(watcher)
        later = {**ACTIVE, "expected_start_time": {"after_": "2026-01-31T09:30:00Z"}}
        for path, wanted in ((FILTER, ACTIVE), (FILTER, later), (FILTER, {"tags": {}}), (CREATE, None)):
            assert await post(gate, session, path, wanted) == 200
        asked = [what for what, said in watcher.heard if said == "asked"]
        assert asked == [Asked.LOOK, Asked.OTHER, Asked.OTHER, Asked.CREATE]
        assert [said for _, said in watcher.heard if said != "asked"] == [[]] * 4
        assert len(gate.looks) == 1
        assert gate.last_asked is not None
        assert gate.last_asked > gate.looks[0]
        assert gate.on_their_way == 0


@pytest.mark.parametrize(
    ("watcher", "status", "arrives"),
    [
        pytest.param(Saying(of_request=Fate.CUT), None, False, id="cut before"),
        pytest.param(Saying(of_answer=Fate.CUT), None, True, id="cut after"),
        pytest.param(Saying(of_request=Fate.BUSY), 503, False, id="busy before"),
        pytest.param(Saying(of_answer=Fate.BUSY), 503, True, id="busy after"),
    ],
)
async def test_what_is_cut_or_refused_has_arrived_or_not_as_it_was_told(
    watcher: Saying, status: int | None, arrives: bool
) -> None:
    requests: list[str] = []
    async with gated(requests) as (gate, session):
        gate.watch(watcher)
        if status is None:
            with pytest.raises(aiohttp.ClientError):
                await post(gate, session, CREATE)
        else:
            assert await post(gate, session, CREATE) == status
        assert bool(requests) == arrives
