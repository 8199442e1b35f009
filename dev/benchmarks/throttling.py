"""Our lister on an account that allows only so many requests per second, as Azure does it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from dev.benchmarks.clients import CONCURRENCY_AT_LATENCY, by_python
from dev.benchmarks.measure import say
from dev.devstack.stub import Limit, fast_storage

LATENCY_MS = (5, 20)
SECONDS = 90
PER_SECOND = (5_000, 500)
RETRY_AFTER = (1, None)


@dataclass(frozen=True)
class Throttled:
    """One run: what was allowed (requests per second), what was listed in how many seconds, and the requests that were
    made of which so many were refused. ``wall`` is infinite if the lister gave up.
    """

    limit: Limit
    containers: int
    wall: float
    requests: int
    refused: int

    @property
    def efficiency(self) -> float:
        """Containers per second of those allowed."""
        return self.containers / self.wall / self.limit.per_second

    @property
    def refused_share(self) -> float:
        """Of all requests."""
        return self.refused / self.requests


def throttled(seconds: int = SECONDS, per_second: Sequence[int] = PER_SECOND) -> list[Throttled]:
    """List as many containers as are allowed in so many seconds, with each limit, with and without ``Retry-After``."""
    say(f"\nThrottled, {seconds} s long if all that is allowed is used")
    return [_once(Limit(rate, after), rate * seconds) for rate in per_second for after in RETRY_AFTER]


def _once(limit: Limit, containers: int) -> Throttled:
    with fast_storage(f"{containers}x4", latency_ms=LATENCY_MS, limit=limit) as storage:
        try:
            wall = by_python("ours", storage, CONCURRENCY_AT_LATENCY, containers * 4).cost.wall
        except RuntimeError as error:
            say(str(error).strip().splitlines()[-1])
            wall = math.inf
        counts = httpx.get(f"{storage.root}/stats").json()
    done = Throttled(limit, containers, wall, counts["requests"], counts["refused"])
    after = f"Retry-After: {limit.retry_after}" if limit.retry_after is not None else "no Retry-After"
    say(
        f"  {limit.per_second:>6,}/s, {after:<15}{containers / wall:>8,.0f} containers/s {done.efficiency:>8.1%} used "
        f"{done.refused_share:>8.2%} refused"
    )
    return done
