"""A forward proxy on loopback that notes what passes: whole requests for http, CONNECT for https."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from dev.devstack.azurite import HOST


@dataclass
class ForwardProxy:
    """A running proxy. ``heads`` are the requests it was given, in order; ``refusal`` answers them all if it is set."""

    heads: list[str] = field(default_factory=list)
    refusal: bytes = b""
    port: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Its address, with a name and a password that it does not check."""
        return f"http://someone:s3cr3t@{HOST}:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: to one target, or one after another."""
        there: asyncio.StreamWriter | None = None
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.heads.append(head)
                if self.refusal:
                    writer.write(self.refusal)
                    continue
                method, target, _ = head.split(" ", 2)
                authority = target if method == "CONNECT" else target.split("/")[2]
                if there is None:
                    host, _, port = authority.partition(":")
                    back, there = await asyncio.open_connection(host, int(port))
                    answers = asyncio.create_task(_pipe(back, writer))
                    self.tasks.add(answers)
                if method == "CONNECT":
                    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    await _pipe(reader, there)
                    await answers
                    return
                length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
                body = await reader.readexactly(int(length[1])) if length else b""
                there.write(head.replace(f"http://{authority}", "", 1).encode() + body)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            if there is not None:
                there.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def forward_proxy(refusal: bytes = b"") -> AsyncIterator[ForwardProxy]:
    """Run a proxy until the block ends."""
    proxy = ForwardProxy(refusal=refusal)
    server = await asyncio.start_server(proxy.serve, HOST, 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in proxy.tasks:
            task.cancel()
        await asyncio.gather(*proxy.tasks, return_exceptions=True)
