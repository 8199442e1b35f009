"""How long storage is waited for, and how often it is asked again."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """The retries of one request; times in seconds. Waits double from ``first_wait``, with jitter."""

    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 30.0
    request_timeout: float = 30.0

    def wait(self, attempt: int, hint: float | None = None) -> float:
        """The seconds to wait after the ``attempt``-th try, of which the first is 1. What storage asks for, ``hint``,
        can only make that longer.
        """
        wait = min(max(self.first_wait * 2.0 ** (attempt - 1), hint or 0.0), self.longest_wait)
        return wait * random.uniform(1.0, 1.25)  # noqa: S311 - jitter
