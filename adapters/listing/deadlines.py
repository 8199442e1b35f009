"""Deadlines for many short requests.

A timer for each request (``asyncio.timeout``, aiohttp's own) costs a tenth of a small request's CPU and almost never
fires. Here one timer checks all requests in flight, so a deadline is met to within a quarter of its length.
"""

import asyncio
from types import TracebackType


class Deadlines:
    """Cancels requests that take longer than ``seconds``; for one event loop."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._in_flight: set[Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None

    def one(self) -> "Deadline":
        """The deadline of one request of the current task: ``with deadlines.one(): ...``. Raises ``TimeoutError``."""
        return Deadline(self)

    def begin(self, deadline: "Deadline") -> None:
        self._in_flight.add(deadline)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds / 4, self._look)

    def end(self, deadline: "Deadline") -> None:
        self._in_flight.discard(deadline)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        latest = loop.time() - self._seconds
        for deadline in self._in_flight:
            if deadline.begun < latest:
                deadline.pass_by()
        self._timer = loop.call_later(self._seconds / 4, self._look) if self._in_flight else None


class Deadline:
    """A block that is cancelled when its time is up, and then raises ``TimeoutError`` instead."""

    __slots__ = ("_cancelling", "_deadlines", "_passed", "_task", "begun")

    def __init__(self, deadlines: Deadlines) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._deadlines = deadlines
        self._cancelling = task.cancelling()
        self._passed = False
        self.begun = asyncio.get_running_loop().time()

    def pass_by(self) -> None:
        """Cancel the request's task; idempotent."""
        if not self._passed:
            self._passed = True
            self._task.cancel()

    def __enter__(self) -> None:
        self._deadlines.begin(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deadlines.end(self)
        # As asyncio.timeout does it: a cancellation from elsewhere at the same moment must not be swallowed.
        if self._passed and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error
