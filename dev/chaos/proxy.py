"""What the proxies have in common: a port of their own, and connections that are all cut at the end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from dev.chaos.faults import Weather

HOST = "127.0.0.1"


@dataclass
class Proxy:
    """A server before the one on ``target_port``; its ``port`` is known once it listens."""

    weather: Weather
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
