"""An account that has room for so many requests per second, and a crowd that asks it, without a clock: time is a number
that goes from event to event.
"""

import heapq
import random
from dataclasses import dataclass, field

from adapters.listing.throttle import Throttle

LATENCY = (0.005, 0.020)


@dataclass
class Account:
    """A bucket of tokens, as services limit their callers: ``burst`` of them, refilled with ``rate`` per second."""

    rate: float
    burst: float
    tokens: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def has_room(self, now: float) -> bool:
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class Course:
    """What came of a crowd's requests: when each began and was answered, and when each refusal came."""

    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    begun: list[float] = field(default_factory=list)

    def per_second(self, since: float, until: float) -> float:
        return sum(since <= at < until for at in self.answered) / (until - since)

    @property
    def refused_share(self) -> float:
        return len(self.refused) / (len(self.refused) + len(self.answered))


def ask(
    account: Account,
    throttle: Throttle,
    seconds: float,
    hint: float | None = None,
    *,
    connections: int = 128,
    seed: int = 1,
    changes: dict[float, float] | None = None,
) -> Course:
    """Ask as fast as the throttle and the number of connections allow; refusals carry the hint. ``changes``: the
    account's rate from moments on.
    """
    chance, course = random.Random(seed), Course()
    random.seed(seed)  # the throttle's jitter
    to_come = sorted((changes or {}).items())
    under_way: list[tuple[float, int, float, bool]] = []
    now, number = 0.0, 0
    while now < seconds:
        while to_come and to_come[0][0] <= now:
            account.rate = to_come.pop(0)[1]
        wait = throttle.wait(now)
        while wait == 0 and len(under_way) < connections:
            throttle.begin(now)
            course.begun.append(now)
            latency = chance.uniform(*LATENCY)
            heapq.heappush(under_way, (now + latency, number, now, account.has_room(now + latency / 2)))
            number += 1
            wait = throttle.wait(now)
        turn = float("inf") if wait is None or len(under_way) == connections else now + max(wait, 0.001)
        if under_way and under_way[0][0] <= turn:
            now, _, begun, had_room = heapq.heappop(under_way)
            if had_room:
                course.answered.append(now)
                throttle.end()
            else:
                course.refused.append(now)
                throttle.end_refused(begun, now, hint)
        else:
            now = turn
    return course
