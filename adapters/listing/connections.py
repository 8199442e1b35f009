"""The connections to one server: as many as are needed, up to a limit, each kept open for the next request."""

import asyncio
from collections import deque
from collections.abc import Mapping

from adapters.listing.connection import BrokenError, Connection, LostError
from adapters.listing.opening import Way
from adapters.response_headers import Response

# A handshake costs the loop a millisecond, so a burst of them makes everyone else on it late.
MOST_OPENING = 16
IDLE_SECONDS = 30.0
# The callers of as many answers go on in one turn of the loop, a longer one counting as several. If all of them did,
# everyone else on the loop were late.
ANSWERS_A_TURN = 32
_BYTES_OF_ONE = 32 * 1024
_BUFFER = 256 * 1024


class Connections:
    """Asks one server for many things at once, over ``most`` connections; for one event loop.

    The connection that was used last is used first, so that those which are not needed grow old and are closed. Who
    finds none free waits, first come, first served. An answer has ``seconds`` from when its request is sent, to within
    a quarter; one timer sees to that for all connections, since a timer for each request would cost a tenth of its CPU.
    ``headers`` go with each request, beside ``Host``.
    """

    def __init__(self, way: Way, headers: Mapping[str, str], *, seconds: float = 30.0, most: int = 128) -> None:
        self._way = way
        self._prefix = f"GET {way.prefix}"
        self._head = f" HTTP/1.1\r\n{way.head}{_lines(headers)}"
        self._seconds = seconds
        self._most = most
        self._loop = asyncio.get_running_loop()
        self._buffer = memoryview(bytearray(_BUFFER))
        self._all: set[Connection] = set()
        self._idle: list[Connection] = []
        self._waiting: deque[asyncio.Future[Connection]] = deque()
        self._opening: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._handed_out = 0
        self._held: deque[tuple[asyncio.Future[Response], Response]] = deque()

    async def get(self, target: str, headers: Mapping[str, str]) -> Response:
        """The answer to a GET of a path with its query, both encoded, with further headers.

        A connection whose caller is cancelled is closed, as its answer may still come. Raises what ``Way.open`` and
        ``Connection.ask`` do except ``LostError``, after which it asks again, and ``TimeoutError``.
        """
        request = f"{self._prefix}{target}{self._head}{_lines(headers)}\r\n".encode()
        while True:
            connection = self._idle.pop() if self._idle else await self._next()
            try:
                return await connection.ask(request)
            except LostError:
                continue
            except BaseException:
                connection.abort()
                raise
            finally:
                self._give(connection)

    def close(self) -> None:
        """Closes all connections at once; who waits gets ``BrokenError``."""
        self._most = 0
        for task in self._opening:
            task.cancel()
        for connection in list(self._all):
            connection.abort()
        while self._waiting:
            self._refuse(BrokenError())

    async def _next(self) -> Connection:
        """The next connection that is free."""
        if self._most == 0:
            raise BrokenError
        waiting: asyncio.Future[Connection] = self._loop.create_future()
        self._waiting.append(waiting)
        self._open_more()
        try:
            return await waiting
        except asyncio.CancelledError:
            if not waiting.cancelled() and waiting.exception() is None:  # both at the same moment
                self._give(waiting.result())
            raise

    def _give(self, connection: Connection) -> None:
        """A connection to whoever waits for one."""
        if not connection.usable:
            return  # its place is free when it is lost
        waiting = self._first_waiting()
        if waiting is None:
            self._idle.append(connection)
        else:
            waiting.set_result(connection)

    def _refuse(self, error: Exception) -> None:
        waiting = self._first_waiting()
        if waiting is not None:
            waiting.set_exception(error)

    def _first_waiting(self) -> asyncio.Future[Connection] | None:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():  # its caller was not cancelled
                return waiting
        return None

    def _open_more(self) -> None:
        while (
            len(self._waiting) > len(self._opening) < MOST_OPENING and len(self._all) + len(self._opening) < self._most
        ):
            self._opening.add(self._loop.create_task(self._open()))

    async def _open(self) -> None:
        """One connection more, or its error for whoever waits."""
        try:
            connection = await self._way.open(lambda: Connection(self._buffer, self._hand_out, self._lost))
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for it
            self._refuse(error)
        else:
            self._all.add(connection)
            self._give(connection)
            if self._timer is None:
                self._timer = self._loop.call_later(self._seconds / 4, self._look)
        task = asyncio.current_task()
        assert task is not None
        self._opening.discard(task)
        self._open_more()

    def _lost(self, connection: Connection) -> None:
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._open_more()

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


def _lines(headers: Mapping[str, str]) -> str:
    """Header lines. Raises ``ValueError`` if a value would be more than one."""
    if not headers:  # most requests are signed in their query
        return ""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers):
        raise ValueError("A header holds the end of a line.")
    return lines
