"""The connections to one server: as many as are needed, up to a limit, each kept open for the next request."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from adapters.listing.connection import Connection
from adapters.response_headers import Response

# A handshake costs the loop a millisecond, so a burst of them makes everyone else on it late.
MOST_OPENING = 16
IDLE_SECONDS = 30.0
# The callers of as many answers go on in one turn of the loop, a longer one counting as several. If all of them did,
# everyone else on the loop were late.
ANSWERS_A_TURN = 32
_BYTES_OF_ONE = 32 * 1024
_BUFFER = 256 * 1024
OpenOne = Callable[[Callable[[], Connection]], Awaitable[Connection]]


class Connections:
    """The connections to one server: at most ``most``, opened by ``open_one`` when asked for. For one event loop.

    The one that was used last is used first, so that those which are not needed grow old and are closed. An answer has
    ``seconds`` from when its request is sent, to within a quarter; one timer sees to that for all connections, since a
    timer for each request would cost a tenth of its CPU. ``on_room`` is called when there is one more to take or to
    open, ``on_failed`` with the error of one that was not opened; whoever takes them sets both.
    """

    on_room: Callable[[], None]
    on_failed: Callable[[Exception], None]

    def __init__(self, open_one: OpenOne, *, seconds: float, most: int) -> None:
        self._open_one = open_one
        self._seconds = seconds
        self._most = most
        self._loop = asyncio.get_running_loop()
        self._buffer = memoryview(bytearray(_BUFFER))
        self._all: set[Connection] = set()
        self._idle: list[Connection] = []
        self._opening: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._handed_out = 0
        self._held: deque[tuple[asyncio.Future[Response], Response]] = deque()

    @property
    def is_empty(self) -> bool:
        """True if none is open, idle or not."""
        return not self._all

    def take(self) -> Connection | None:
        """One that is idle; whoever takes it gives it back, usable or not."""
        return self._idle.pop() if self._idle else None

    def give(self, connection: Connection) -> None:
        """Give one back. The place of one that is not usable is free when it is lost."""
        if connection.usable:
            self._idle.append(connection)

    def open(self, wanted: int) -> None:
        """See to it that ``wanted`` are being opened, or as many as may be at once and in all."""
        while len(self._opening) < min(wanted, MOST_OPENING, self._most - len(self._all)):
            self._opening.add(self._loop.create_task(self._open()))

    def close(self) -> None:
        """Close all at once, and open no more; who waits for an answer gets ``BrokenError``."""
        self._most = 0
        self._idle.clear()
        for task in self._opening:
            task.cancel()
        for connection in list(self._all):
            connection.abort()

    async def _open(self) -> None:
        error: Exception | None = None
        try:
            connection = await self._open_one(lambda: Connection(self._buffer, self._hand_out, self._lost))
        except Exception as raised:  # noqa: BLE001 - whatever it is, somebody waits for it
            error = raised
        task = asyncio.current_task()
        assert task is not None
        self._opening.discard(task)
        if error is not None:
            self.on_failed(error)
            return
        self._all.add(connection)
        self._idle.append(connection)
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds / 4, self._look)
        self.on_room()

    def _lost(self, connection: Connection) -> None:
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self.on_room()

    def _hand_out(self, answer: asyncio.Future[Response], response: Response) -> None:
        """Lets a caller go on, in this turn of the loop or in a later one."""
        if self._handed_out == 0:
            self._loop.call_soon(self._next_turn)
        if self._handed_out < ANSWERS_A_TURN:
            self._handed_out += 1 + len(response.body) // _BYTES_OF_ONE
            if not answer.done():  # its caller was not cancelled
                answer.set_result(response)
        else:
            self._held.append((answer, response))

    def _next_turn(self) -> None:
        self._handed_out = 0
        while self._held and self._handed_out < ANSWERS_A_TURN:
            self._hand_out(*self._held.popleft())

    def _look(self) -> None:
        """Ends what takes too long, and what was not needed for a while."""
        now = self._loop.time()
        for connection in list(self._all):
            if not connection.is_asked:
                if connection.asked_at < now - IDLE_SECONDS:
                    connection.abort()  # a goodbye over TLS would keep its place until the server answers it
            elif connection.asked_at < now - self._seconds:
                connection.abort(TimeoutError())
        self._timer = self._loop.call_later(self._seconds / 4, self._look) if self._all else None
