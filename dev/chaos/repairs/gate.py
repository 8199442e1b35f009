"""A proxy between a repair and its database that disturbs it at the moment which matters: around its commit."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from dev.chaos.proxy import HOST, Proxy, until_one_ends

# With its end: a transaction begins with the words READ COMMITTED.
_COMMIT, _FIRST_LOCK = b"COMMIT\0", b"for share"


class Moment(StrEnum):
    """When a repair is disturbed, and how."""

    CUT_BEFORE_COMMIT = "cut_before_commit"
    CUT_AFTER_COMMIT = "cut_between_commit_and_answer"
    KILLED_BEFORE_COMMIT = "killed_before_commit"
    KILLED_AFTER_COMMIT = "killed_between_commit_and_ledger"
    FROZEN_AT_COMMIT = "frozen_at_commit"
    FROZEN_AT_LOCK = "frozen_before_its_first_lock"

    @property
    def is_after(self) -> bool:
        """True if the commit gets through, and its answer does not."""
        return self in {Moment.CUT_AFTER_COMMIT, Moment.KILLED_AFTER_COMMIT}

    @property
    def freezes(self) -> bool:
        """True if whoever commits stands still for a while."""
        return self in {Moment.FROZEN_AT_COMMIT, Moment.FROZEN_AT_LOCK}

    @property
    def kills(self) -> bool:
        """True if whoever commits is killed."""
        return self in {Moment.KILLED_BEFORE_COMMIT, Moment.KILLED_AFTER_COMMIT}

    @property
    def mark(self) -> bytes:
        """What is looked for in the words of a client."""
        return _FIRST_LOCK if self is Moment.FROZEN_AT_LOCK else _COMMIT


@dataclass
class Armed:
    """A disturbance that is to happen once; ``do`` kills or freezes, and returns when that is over."""

    moment: Moment
    do: Callable[[], Awaitable[None]]
    happened: bool = False


@dataclass
class Gate(Proxy):
    """Passes everything on, but for what it is ``armed`` with."""

    armed: Armed | None = None

    async def serve(self, reader: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        """Pass one connection on."""
        self._writers.add(out)
        back: asyncio.StreamWriter | None = None
        try:
            to, back = await asyncio.open_connection(HOST, self.target_port)
            self._writers.add(back)
            passing = _Passing(self)
            await until_one_ends(passing.forth(reader, back), passing.back(to, out))
        except ConnectionError:
            pass
        except asyncio.CancelledError:
            return  # the loop ends; Python 3.11 prints a traceback for each connection that is told so
        finally:
            for writer in (out, back):
                if writer is not None:
                    self._writers.discard(writer)
                    writer.transport.abort()


class _Passing:
    """One connection through a gate."""

    def __init__(self, through: Gate) -> None:
        self._gate = through
        self._committing: Armed | None = None

    async def forth(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Pass on what the client says."""
        while data := await source.read(16_384):
            armed = self._gate.armed
            if armed is not None and armed.moment.mark in data:
                self._gate.armed = None
                if armed.moment.is_after:
                    self._committing = armed
                else:
                    armed.happened = True
                    # The server may end the connection meanwhile, and this with it: what was begun goes on.
                    await asyncio.shield(asyncio.ensure_future(armed.do()))
                    if not armed.moment.freezes:
                        return
            sink.write(data)
            await sink.drain()

    async def back(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Pass on what the server says."""
        while data := await source.read(16_384):
            if self._committing is not None and _COMMIT in data:
                self._committing.happened = True
                await self._committing.do()
                return
            sink.write(data)
            await sink.drain()


@asynccontextmanager
async def gate(target_port: int) -> AsyncIterator[Gate]:
    """Run one before the server on ``target_port`` until the block ends."""
    one = Gate(target_port)
    async with one.listening(one.serve):
        yield one
