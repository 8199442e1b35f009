"""A TCP gate in front of a server: lets all connections through until it is shut, and then none."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from dev.devstack.azurite import HOST

_PORTION_BYTES = 64 * 1024


@dataclass
class Gate:
    """A running gate. All methods may be called from any thread."""

    loop: asyncio.AbstractEventLoop
    port: int = 0
    refused: int = 0
    _is_open: bool = True
    _ways: set[asyncio.StreamWriter] = field(default_factory=set)

    def shut(self) -> None:
        """Cut every connection, and every one that is tried from now on. Returns when that is done."""
        self._done(self._shut())

    def open(self) -> None:
        """Let connections through again."""
        self._done(self._open())

    def _done(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    async def _shut(self) -> None:
        self._is_open, self.refused = False, 0
        for writer in self._ways:
            writer.transport.abort()

    async def _open(self) -> None:
        self._is_open = True

    async def join(self, target_port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to the server and back until either side ends it."""
        if not self._is_open:
            self.refused += 1
            writer.transport.abort()
            return
        server_reader, server_writer = await asyncio.open_connection(HOST, target_port)
        ways = {writer, server_writer}
        self._ways |= ways
        try:
            await asyncio.gather(_carry(reader, server_writer), _carry(server_reader, writer))
        finally:
            self._ways -= ways
            for way in ways:
                way.transport.abort()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(_PORTION_BYTES):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


@contextmanager
def tcp_gate(target_port: int) -> Iterator[Gate]:
    """Run a gate before the server on ``target_port`` in a thread of its own."""
    started = threading.Event()
    gates: list[Gate] = []
    stop = asyncio.Event()

    async def serve() -> None:
        gate = Gate(asyncio.get_running_loop())
        server = await asyncio.start_server(lambda *way: gate.join(target_port, *way), HOST, 0)
        gate.port = server.sockets[0].getsockname()[1]
        gates.append(gate)
        started.set()
        await stop.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(10), "the gate did not start"
    try:
        yield gates[0]
    finally:
        gates[0].loop.call_soon_threadsafe(stop.set)
        thread.join(10)
