"""A proxy between a repair and Prefect: it tells what is asked and answered, and is told what is to become of that."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, StrEnum, auto
from functools import partial
from typing import Any, Protocol

import aiohttp

from dev.chaos.passing import Response, head, passed_on
from dev.chaos.proxy import Proxy
from dev.chaos.request import Request, read_request

_BUSY = b'{"detail": "Not now."}'


class Asked(StrEnum):
    """What a repair asks Prefect for."""

    LOOK = "look"  # the active runs, from the first
    CREATE = "create"
    OTHER = "other"


class Fate(Enum):
    """What becomes of a request, or of its answer."""

    PASSED = auto()
    CUT = auto()
    BUSY = auto()  # answered 503 in its place


class Watcher(Protocol):
    """Who is told what passes; both return when it may go on."""

    async def asked(self, gate: "HttpGate", what: Asked) -> Fate:
        """Before a request is passed on."""
        ...

    async def answered(self, gate: "HttpGate", what: Asked, body: Any) -> Fate:
        """Once the server has answered: with 200 or 201 this JSON, or with anything else None."""
        ...


@dataclass
class HttpGate(Proxy):
    """A running one; without a watcher it passes everything on. ``looks`` are the moments at which looks at all active
    runs were asked for that were answered; ``last_asked`` is that of the last request; ``answers`` is what the server
    has answered, in words; ``on_their_way`` is how many are being answered, also if nobody waits for that any more.
    """

    watcher: Watcher | None = None
    looks: list[datetime] = field(default_factory=list)
    last_asked: datetime | None = None
    answers: list[str] = field(default_factory=list)
    on_their_way: int = 0

    def watch(self, watcher: Watcher | None) -> None:
        """Forget what was, and begin with a watcher."""
        self.watcher, self.looks, self.last_asked, self.answers = watcher, [], None, []

    async def serve(
        self, session: aiohttp.ClientSession, reader: asyncio.StreamReader, out: asyncio.StreamWriter
    ) -> None:
        """Answer the requests of one connection until it ends."""
        self._writers.add(out)
        try:
            while (request := await read_request(reader)) is not None:
                self.on_their_way += 1
                try:
                    if not await self._answer(session, request, out):
                        return
                finally:
                    self.on_their_way -= 1
                await out.drain()
        except (ConnectionError, asyncio.IncompleteReadError, aiohttp.ClientError):
            pass
        except asyncio.CancelledError:
            return  # the loop ends; Python 3.11 prints a traceback for each connection that is told so
        finally:
            self._writers.discard(out)
            out.transport.abort()

    async def _answer(self, session: aiohttp.ClientSession, request: Request, out: asyncio.StreamWriter) -> bool:
        """False if the connection is to be cut."""
        watcher, what = self.watcher, _asked(request)
        fate = Fate.PASSED if watcher is None else await watcher.asked(self, what)
        if fate is Fate.PASSED:
            at = datetime.now(UTC)
            response = await passed_on(session, self.target_port, request)
            if watcher is self.watcher:  # else it comes too late to matter
                self.last_asked = at
                self.answers.append(f"{at:%H:%M:%S.%f}-{datetime.now(UTC):%S.%f} {what} {response.status}")
                if what is Asked.LOOK and response.good:
                    self.looks.append(at)
            if watcher is not None:
                fate = await watcher.answered(self, what, _json_in(response))
        if fate is Fate.CUT:
            return False
        if fate is Fate.BUSY:
            response = Response("503 Service Unavailable", "Content-Type: application/json\r\n", _BUSY)
        out.write(head(response.status, response.headers, len(response.body)) + response.body)
        return True


def _asked(request: Request) -> Asked:
    if request.target.endswith("/create_flow_run"):
        return Asked.CREATE
    if request.target.endswith("/flow_runs/filter"):
        wanted = json.loads(request.body).get("flow_runs", {})
        # What comes while pages are read may be missing in them: a look is as of its first page.
        return Asked.LOOK if "state" in wanted and "expected_start_time" not in wanted else Asked.OTHER
    return Asked.OTHER


def _json_in(response: Response) -> Any:
    return json.loads(response.body) if response.status[:3] in {"200", "201"} and response.body else None


@asynccontextmanager
async def http_gate(target_port: int) -> AsyncIterator[HttpGate]:
    """Run one before the server on ``target_port`` until the block ends."""
    one = HttpGate(target_port)
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=2)  # shorter than the server keeps one
    timeout = aiohttp.ClientTimeout(total=60)
    async with (
        aiohttp.ClientSession(auto_decompress=False, connector=connector, timeout=timeout) as session,
        one.listening(partial(one.serve, session)),
    ):
        yield one
