"""A server on a socket that says, byte for byte, what a test has written down."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from yarl import URL

from dev.devstack.azurite import HOST


@dataclass
class Caller:
    """One connection, as the server sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def request(self) -> str:
        """The next request's head. Raises ``IncompleteReadError`` at the end of the connection."""
        return (await self.reader.readuntil(b"\r\n\r\n")).decode()

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    def reset(self) -> None:
        """Ends the connection as a machine does that knows nothing of it any more."""
        there = self.writer.get_extra_info("socket")
        there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def turn_deaf(self) -> None:
        """Reads nothing any more, so that it never answers the end of TLS."""
        cast("asyncio.Transport", self.writer.transport).pause_reading()

    async def closed(self) -> None:
        """Waits until the other side has ended the connection."""
        async with asyncio.timeout(5):
            try:
                while await self.reader.read(65536):
                    pass
            except ConnectionError:
                pass


Talk = Callable[[Caller], Awaitable[None]]


@dataclass
class Server:
    """``callers`` are all connections so far, ``most`` how many of them there were at once."""

    callers: list[Caller] = field(default_factory=list)
    open: int = 0
    most: int = 0
    port: int = 0
    scheme: str = "http"

    @property
    def address(self) -> URL:
        return URL(f"{self.scheme}://{HOST}:{self.port}")


@asynccontextmanager
async def server(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Runs a server that holds ``talk`` with each caller, and then closes the connection."""
    state = Server(scheme="https" if tls else "http")
    tasks = set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        caller = Caller(reader, writer)
        state.callers.append(caller)
        state.open += 1
        state.most = max(state.most, state.open)
        try:
            await talk(caller)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            state.open -= 1
            tasks.discard(task)
            writer.close()

    listening = await asyncio.start_server(serve, HOST, 0, ssl=tls)
    state.port = listening.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        listening.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answer(body: bytes = b"ok", status: int = 200, *headers: str) -> bytes:
    """An answer with its length."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", *headers]
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body


async def turns(count: int = 5) -> None:
    """Lets the loop go round, so that what was written is read in one piece."""
    for _ in range(count):
        await asyncio.sleep(0)


async def until(fulfilled: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not fulfilled():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)
