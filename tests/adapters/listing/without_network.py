"""An event loop whose time is a number, and connections of which a test says what becomes of them. What takes minutes
is tried in no time, and exactly.
"""

import asyncio
import selectors
from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.listing import opening
from adapters.listing.account import Account, Limits
from adapters.listing.connection import Connection
from adapters.patience import Patience


class QuickLoop(asyncio.SelectorEventLoop):
    """Does not wait for a timer but goes on to its moment. Raises ``AssertionError`` if nothing can ever happen. To be
    used by ``asyncio.Runner(loop_factory=QuickLoop)``.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        super().__init__(_Selector(self))

    def time(self) -> float:
        return self.now


class _Selector(selectors.SelectSelector):
    def __init__(self, loop: QuickLoop) -> None:
        super().__init__()
        self._of = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "nobody is left who could go on"
        self._of.now += timeout
        return super().select(0)


class Wire(asyncio.Transport):
    """A connection's transport; ``request`` is what was sent and is not answered yet."""

    def __init__(self, connection: Connection, on_request: Callable[["Wire"], None]) -> None:
        super().__init__()
        self.connection = connection
        self.request: bytes | None = None
        self.is_open = True
        self._on_request = on_request
        self._loop = asyncio.get_running_loop()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.request = bytes(data)
        self._on_request(self)

    def say(self, data: bytes) -> None:
        """What the server answers."""
        self.request = None
        self.connection.get_buffer(-1)[: len(data)] = data
        self.connection.buffer_updated(len(data))

    def abort(self) -> None:
        self.end()

    def end(self) -> None:
        """As either side does it; the connection learns it in the next turn of the loop, as of a socket."""
        if self.is_open:
            self.is_open, self.request = False, None
            self._loop.call_soon(self.connection.connection_lost, None)


@dataclass
class Network:
    """``opening`` are the connections whose opening is neither done nor failed, ``wires`` those that are open.

    What is opened comes about at once where ``is_prompt``, or else when the test says so, or times out.
    """

    is_prompt: bool = False
    opening: list[asyncio.Future[None]] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)

    async def open(self, make: Callable[[], Connection]) -> Connection:
        """In place of ``Way.open``."""
        if not self.is_prompt:
            outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.opening.append(outcome)
            try:
                async with asyncio.timeout(opening.SECONDS):
                    await outcome
            finally:
                self.opening.remove(outcome)
        connection = make()
        wire = Wire(connection, self.on_request)
        connection.connection_made(wire)
        self.wires = [one for one in self.wires if one.is_open] + [wire]
        return connection

    def on_request(self, wire: Wire) -> None:
        """When a request has been sent."""

    @property
    def asked(self) -> list[Wire]:
        """Those that owe an answer."""
        return [wire for wire in self.wires if wire.request is not None]

    def account(self, limits: Limits, patience: Patience | None = None) -> Account:
        """An account at the other end."""
        account = Account("http://account.example", limits=limits, patience=patience)
        account._gate._connections._open_one = self.open
        return account
