"""An HTTP API that answers what a test has written down, call by call, and a clock that only moves when it sleeps."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.api_connection import ApiConnection
from adapters.http_api import HttpApi, Tries, open_api_session

SETTING = "JOBS_API"
TOKEN = "t0ken-of-the-test"
Handler = Callable[[web.Request], web.StreamResponse | Awaitable[web.StreamResponse]]


@dataclass
class Clock:
    """Seconds that pass by sleeping; ``slept`` are those of each time."""

    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return sum(self.slept)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@asynccontextmanager
async def scripted(
    *answers: Handler, tries: Tries | None = None, clock: Clock | None = None
) -> AsyncIterator[tuple[HttpApi, list[web.Request]]]:
    """An API on a server that gives these answers one after another, the last again and again; the requests are kept
    in order, with their bodies read.
    """
    seen: list[web.Request] = []
    clock = clock or Clock()

    async def handle(request: web.Request) -> web.StreamResponse:
        await request.read()
        seen.append(request)
        answered = answers[min(len(seen), len(answers)) - 1](request)
        return await answered if isinstance(answered, Awaitable) else answered

    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", handle)
    server = TestServer(app)
    await server.start_server()
    try:
        async with open_api_session() as session:
            connection = ApiConnection(SETTING, f"http://127.0.0.1:{server.port}/some/api", bearer_token=TOKEN)
            yield HttpApi(connection, session, tries=tries, sleep=clock.sleep, clock=clock.now), seen
    finally:
        await server.close()


def answers(value: Any, status: int = 200, **headers: str) -> Handler:
    """JSON, as an API sends it."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return lambda _: web.json_response(text=json.dumps(value), status=status, headers=named)


def says(body: bytes, content_type: str = "application/json", status: int = 200, **headers: str) -> Handler:
    """Just these bytes."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return lambda _: web.Response(body=body, status=status, headers={"Content-Type": content_type, **named})


def hangs_up(request: web.Request) -> web.StreamResponse:
    """The connection is closed when the request has been read."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def breaks_off(request: web.Request) -> web.StreamResponse:
    """The connection is closed in the middle of the answer."""
    answer = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "100"})
    await answer.prepare(request)
    await answer.write(b'{"half": ')
    assert request.transport is not None
    request.transport.close()
    return answer
