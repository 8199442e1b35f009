"""Room on the disk of this process, for all who unpack something at once."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Room:
    """So many bytes. Whoever needs more than are left waits, and whoever has waited longest is next.

    Of one event loop, and safe for many concurrent callers on it.
    """

    def __init__(self, size: int) -> None:
        self._size = self._left = size
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def of(self, needed: int) -> AsyncIterator[None]:
        """So many bytes, to the end of the block; all there are, if it needs more than that."""
        taken = min(needed, self._size)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((taken, turn))
        self._let_in()
        try:
            await turn
            yield
        finally:
            if turn.done() and not turn.cancelled():  # also where it was cancelled in the moment of its turn
                self._left += taken
            self._let_in()

    def _let_in(self) -> None:
        while self._waiting:
            taken, turn = self._waiting[0]
            if not turn.done():
                if taken > self._left:
                    return
                self._left -= taken
                turn.set_result(None)
            self._waiting.popleft()
