"""What the proxies have in common: a port of their own, and connections that are all cut at the end."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

HOST = "127.0.0.1"
ServersT = TypeVar("ServersT")


@contextmanager
def on_a_thread(servers: Callable[[], AbstractAsyncContextManager[ServersT]]) -> Iterator[ServersT]:
    """Run servers by an event loop in a thread of their own until the block ends."""
    started, stop = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []
    running: list[ServersT] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        async with servers() as one:
            running.append(one)
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    if not started.wait(10):
        raise TimeoutError("the proxies did not start")
    try:
        yield running[0]
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(15)


@dataclass
class Proxy:
    """A server before the one on ``target_port``; its ``port`` is known once it listens."""

    target_port: int
    port: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def cut_all(self) -> None:
        """End every open connection."""
        for writer in list(self._writers):
            writer.transport.abort()

    @asynccontextmanager
    async def listening(
        self, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], backlog: int = 100
    ) -> AsyncIterator[None]:
        """Serve each connection until the block ends."""
        server = await asyncio.start_server(serve, HOST, 0, backlog=backlog)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            self.cut_all()
            with suppress(TimeoutError):
                await asyncio.wait_for(server.wait_closed(), 5)


async def until_one_ends(*ways: Coroutine[Any, Any, None]) -> None:
    """Run both ways of a connection until one of them ends; then neither goes on."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
