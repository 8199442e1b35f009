"""Where the requests to one account wait for their turn: those of all callers of this process, in one queue."""

import asyncio
from collections import deque

from adapters.listing.throttle import Throttle

# As fine as the loop's clock; shorter ones would only keep it busy.
_SHORTEST_TIMER = 0.001


class Gate:
    """Lets requests begin in the order in which they came, as soon as its throttle allows. For one event loop."""

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle
        self._waiting: deque[asyncio.Future[float]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def enter(self) -> float:
        """Wait until one more request may begin; its beginning, by the loop's clock.

        The caller calls ``leave`` or ``leave_refused`` once when it has ended, whatever came of it.
        """
        loop = asyncio.get_running_loop()
        now = loop.time()
        if not self._waiting and self._throttle.wait(now) == 0:
            self._throttle.begin(now)
            return now
        turn: asyncio.Future[float] = loop.create_future()
        self._waiting.append(turn)
        self._let_in()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was let in at that moment
                self.leave()
            raise

    def leave(self) -> None:
        """One that was let in has ended, and was not refused for want of room."""
        self._throttle.end()
        if self._waiting:
            self._let_in()

    def leave_refused(self, begun: float, hint: float | None) -> bool:
        """One that was let in at ``begun`` was refused for want of room; as ``Throttle.end_refused``."""
        is_cut = self._throttle.end_refused(begun, asyncio.get_running_loop().time(), hint)
        self._let_in()
        return is_cut

    @property
    def per_second(self) -> float | None:
        """How many are let in per second at most; None: as many as there are places for."""
        return self._throttle.per_second

    def _let_in(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._waiting:
            if self._waiting[0].done():  # whoever waited was cancelled
                self._waiting.popleft()
                continue
            wait = self._throttle.wait(now)
            if wait is None:
                return
            if wait > 0:
                if self._timer is None:
                    self._timer = loop.call_later(max(wait, _SHORTEST_TIMER), self._look_again)
                return
            self._throttle.begin(now)
            self._waiting.popleft().set_result(now)

    def _look_again(self) -> None:
        self._timer = None
        self._let_in()
