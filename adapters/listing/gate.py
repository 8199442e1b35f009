"""Where the requests to one account wait for their turn: those of all callers of this process, in one queue."""

import asyncio
from collections import deque
from collections.abc import Callable

from adapters.listing import opening
from adapters.listing.connection import BrokenError, Connection
from adapters.listing.connections import Connections
from adapters.listing.throttle import Throttle

# As fine as the loop's clock; shorter ones would only keep it busy.
_SHORTEST_TIMER = 0.001
Turn = tuple[Connection, float]
"""A connection to ask on, and when that begins, by the loop's clock."""


class Gate:
    """Lets requests begin in the order in which they came, as soon as the throttle allows and there is a connection.
    For one event loop.

    Each turn is given back once by ``leave``, ``leave_refused`` or ``enter_again``, whatever came of it.
    """

    def __init__(self, throttle: Throttle, connections: Connections) -> None:
        self._throttle = throttle
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[asyncio.Future[Turn]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._cut_off_since: float | None = None  # the first lacks a connection, and none is open at all
        self._is_closed = False
        connections.on_room, connections.on_failed = self._let_in, self._fail

    async def enter(self) -> Turn:
        """Wait for a turn. Raises what ``Way.open`` does if no connection comes about, ``BrokenError`` when closed."""
        now = self._loop.time()
        if not self._waiting and self._throttle.wait(now) == 0 and (connection := self._connections.take()):
            self._throttle.begin(now)
            return connection, now
        return await self._wait(self._waiting.append)

    async def enter_again(self) -> Turn:
        """Another turn, before all that wait, for one whose kept connection was lost. Raises as ``enter``."""
        self._throttle.end()
        return await self._wait(self._waiting.appendleft)

    def leave(self, connection: Connection) -> None:
        """A turn has ended, and was not refused for want of room."""
        self._connections.give(connection)
        self._throttle.end()
        if self._waiting:
            self._let_in()

    def leave_refused(self, connection: Connection, begun: float, hint: float | None) -> bool:
        """A turn was refused for want of room; as ``Throttle.end_refused``."""
        self._connections.give(connection)
        is_cut = self._throttle.end_refused(begun, self._loop.time(), hint)
        self._let_in()
        return is_cut

    @property
    def per_second(self) -> float | None:
        """How many are let in per second at most; None: as many as there are connections for."""
        return self._throttle.per_second

    def close(self) -> None:
        """Close all connections at once; who waits gets ``BrokenError``."""
        self._is_closed = True
        self._connections.close()
        self._refuse(BrokenError(), len(self._waiting))

    async def _wait(self, line_up: Callable[[asyncio.Future[Turn]], None]) -> Turn:
        if self._is_closed:
            raise BrokenError
        turn: asyncio.Future[Turn] = self._loop.create_future()
        line_up(turn)
        self._let_in()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:  # it was let in at that moment
                self.leave(turn.result()[0])
            raise

    def _let_in(self) -> None:
        now = self._loop.time()
        since, self._cut_off_since = self._cut_off_since, None
        while self._waiting:
            if self._waiting[0].done():  # whoever waited was cancelled
                self._waiting.popleft()
                continue
            wait = self._throttle.wait(now)
            if wait is None:
                return
            if wait > 0:
                if self._timer is None:
                    self._timer = self._loop.call_later(max(wait, _SHORTEST_TIMER), self._look_again)
                return
            connection = self._connections.take()
            if connection is None:
                if self._connections.is_empty:
                    self._cut_off_since = now if since is None else since
                self._connections.open(len(self._waiting))
                return
            self._throttle.begin(now)
            self._waiting.popleft().set_result((connection, now))

    def _look_again(self) -> None:
        self._timer = None
        self._let_in()

    def _fail(self, error: Exception) -> None:
        """An error of the first that waits for a connection. But where none is open, and those that are tried take
        long to fail, it is everybody's: if each found it out for itself, a few at a time, it would take many times as
        long until anybody gives up.
        """
        now, since = self._loop.time(), self._cut_off_since
        if since is not None and now - since >= opening.SECONDS / 2:
            self._refuse(error, len(self._waiting))
        elif self._throttle.wait(now) == 0:  # it is a connection that the first lacks
            self._refuse(error, 1)
        self._let_in()

    def _refuse(self, error: Exception, most: int) -> None:
        while self._waiting and most > 0:
            turn = self._waiting.popleft()
            if not turn.done():  # whoever waited was not cancelled
                turn.set_exception(error)
                most -= 1
