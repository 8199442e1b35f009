"""How fast an account may be asked, learned from what it refuses. Pure: whoever asks says what time it is.

Storage allows an account some number of requests per second, which differs and is not told; the audited application
lives on the same number. A request beyond it is refused (503, or 429), often with a pause that is meant for everybody.

The number of requests under way doubles per round trip, from a few to as many as there are connections. A refusal cuts
the pace: by how much depends on how long the pace before it had gone well. One that was refused at once was far too
fast. One that had gone well for a second is known to within a few per cent, as a bucket that is slowly drained: the new
one is a little below it, and is held for many times as long as the pause has cost. After that it grows by a per cent
each second, and faster the longer that goes well, since the limit may have been raised, or whoever took the rest of it
may be gone.

https://learn.microsoft.com/azure/storage/common/scalability-targets-standard-account: 20,000 requests per second by
default, 503 beyond, and "avoid sudden spikes".
"""

import random
from collections import deque

FIRST_UNDER_WAY = 16
LEAST_PER_SECOND = 100.0
"""No pace is slower; the pauses that storage asks for come on top of it."""

_FAR_TOO_FAST, _TOO_FAST, _A_LITTLE_TOO_FAST = 0.35, 0.7, 0.93
_AT_ONCE, _FOR_A_WHILE, _SEEN_SECONDS = 0.15, 1.0, 0.7
# A cut's own burst is over when what was under way has been answered.
_SHORTEST_PAUSE = 0.05
# Where less than this part of the pace was asked for, others took the room: how much there is has not been tried.
_TRIED = 0.5
_HOLD_PER_PAUSE = 30
_SEARCH_STEP, _SEARCH_SECONDS = 1.1, 0.25
_FIRST_STEP, _STEP_GROWTH, _LARGEST_STEP, _STEP_SECONDS = 0.01, 1.3, 0.1, 1.0
# A pace that no request reaches is none.
_FASTEST = 1_000_000.0
# How far requests that come late may be made up for: a busy loop looks that often.
_SLACK_SECONDS = 0.05


class Throttle:
    """The requests to one account: how many may be under way, and how soon the next one may begin.

    ``ceiling`` is in requests per second (None: there is none). No pause is longer than ``longest_pause``. Times are in
    seconds of any one clock. Each request that ``begin`` counted is told to ``end`` once, refused or not.
    """

    def __init__(self, ceiling: float | None, longest_pause: float = 30.0) -> None:
        self._ceiling = ceiling or _FASTEST
        self._longest_pause = longest_pause
        self._under_way = 0
        self._window = FIRST_UNDER_WAY
        self._pace: float | None = None
        self._next = 0.0
        self._since = 0.0  # the moment from which this pace holds: until then, all pause
        self._cut_at = float("-inf")
        self._grows_at = 0.0
        self._is_known = False
        self._step = _FIRST_STEP
        self._begun = _Meter()

    @property
    def per_second(self) -> float | None:
        """The pace, in requests per second; None as long as nothing was refused and there is no ceiling."""
        pace = min(self._pace or _FASTEST, self._ceiling)
        return pace if pace < _FASTEST else None

    def wait(self, now: float) -> float | None:
        """How many seconds the next request has to wait, 0 for none; None: until another one has ended."""
        if self._under_way >= self._window:
            return None
        return max(0.0, self._next - now)

    def begin(self, now: float) -> None:
        """Count a request that begins now, which has nothing to wait for."""
        self._under_way += 1
        self._begun.add(now)
        if self._pace is not None and now >= self._grows_at:
            self._grow(now)
        if pace := self.per_second:
            self._next = max(self._next, now - _SLACK_SECONDS) + 1 / pace

    def end(self) -> None:
        """Count a request that has ended in any way but being refused."""
        self._under_way -= 1
        self._window += 1

    def end_refused(self, begun: float, now: float, hint: float | None) -> bool:
        """Count a request that the account had no room for, which began at ``begun``; ``hint`` are the seconds that
        it asked everybody to wait for. True if that cut the pace.
        """
        self._under_way -= 1
        pause = min(self._longest_pause, max(hint or 0.0, _SHORTEST_PAUSE)) * random.uniform(1.0, 1.1)  # noqa: S311 - jitter
        if begun > self._cut_at:  # the others of a burst began before its cut
            self._cut(now, pause)
            return True
        if hint:
            self._since = self._next = max(self._since, now + pause)
        return False

    def _cut(self, now: float, pause: float) -> None:
        lasted = now - self._since
        if self._pace is None:
            pace = _FAR_TOO_FAST * self._begun.per_second(now, 2 * _Meter.SLOT)
        elif lasted >= _FOR_A_WHILE:
            # While it grew it was slower than it is now.
            seen = self._begun.per_second(now, _SEEN_SECONDS)
            pace = _A_LITTLE_TOO_FAST * min(self._pace, seen)
            self._is_known = seen >= _TRIED * min(self._pace, self._ceiling)
        elif lasted >= _AT_ONCE:
            pace = (_A_LITTLE_TOO_FAST if self._is_known else _TOO_FAST) * self._pace
        else:
            pace = _FAR_TOO_FAST * self._pace
            self._is_known = False
        self._pace = max(LEAST_PER_SECOND, min(pace, self._ceiling))
        self._cut_at, self._since = now, now + pause
        self._next = self._since
        self._step = _FIRST_STEP
        self._grows_at = self._since + (_HOLD_PER_PAUSE * pause if self._is_known else _SEARCH_SECONDS)

    def _grow(self, now: float) -> None:
        assert self._pace is not None
        if self._is_known:
            grown, self._grows_at = self._pace * (1 + self._step), now + _STEP_SECONDS
            self._step = min(_LARGEST_STEP, self._step * _STEP_GROWTH)
        else:
            grown, self._grows_at = self._pace * _SEARCH_STEP, now + _SEARCH_SECONDS
        self._pace = min(_FASTEST, grown)


class _Meter:
    """How many requests began lately, in slots of time."""

    SLOT = 0.05
    _SLOTS = 20

    def __init__(self) -> None:
        self._counts: deque[tuple[int, int]] = deque([(0, 0)], maxlen=self._SLOTS + 1)
        self._first = float("inf")

    def add(self, now: float) -> None:
        slot = int(now / self.SLOT)
        last, count = self._counts[-1]
        if slot == last:
            self._counts[-1] = (slot, count + 1)
        else:
            self._counts.append((slot, 1))
        self._first = min(self._first, now)

    def per_second(self, now: float, seconds: float) -> float:
        """How many began in each of the last ``seconds``, or since the first one if that is later."""
        first = int((now - seconds) / self.SLOT) + 1
        since = max(first * self.SLOT, self._first)
        return sum(count for slot, count in self._counts if slot >= first) / max(now - since, self.SLOT / 10)
