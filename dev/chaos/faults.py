"""What can go wrong between the app and its servers, drawn at random from a seed and counted by kind."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

OptionT = TypeVar("OptionT")


class Fault(StrEnum):
    """A fault of storage or of the database, as it is counted in the summary."""

    DROP = "storage_drop"
    RESET = "storage_reset"
    LOST_RESPONSE = "storage_lost_answer"
    SLOW = "storage_slow"
    STALLED = "storage_stalled"
    TRUNCATED = "storage_truncated"
    WRONG_LENGTH = "storage_wrong_length"
    GARBLED = "storage_garbled_xml"
    BUSY = "storage_503"
    BUSY_RETRY_AFTER = "storage_503_retry_after"
    THROTTLED = "storage_429"
    THROTTLED_RETRY_AFTER = "storage_429_retry_after"
    UNAUTHORIZED = "storage_401"
    FORBIDDEN = "storage_403"
    REPEATED_MARKER = "storage_repeated_marker"
    WRONG_SHAPE = "storage_wrong_shape"
    LOST_MARKER = "storage_lost_marker"
    EMPTIED_PAGE = "storage_emptied_page"
    LEFT_OUT = "storage_left_out_container"
    VANISHED = "storage_vanished_container"
    BEING_DELETED = "storage_container_being_deleted"
    FUTURE_BLOBS = "storage_future_blobs"
    CLOCK_AHEAD = "storage_clock_ahead_or_behind"
    CLOSED_CONTAINER = "storage_closed_container"
    DB_REFUSED = "database_refused"
    DB_CUT_AT_ONCE = "database_cut_at_once"
    DB_CUT_MIDWAY = "database_cut_midway"
    DB_DELAYED = "database_delayed"
    DB_TIMEOUT = "database_statement_timeout"
    DB_DENIED = "database_permission_denied"


LISTING_FAULTS: tuple[Fault, ...] = (
    Fault.DROP,
    Fault.RESET,
    Fault.LOST_RESPONSE,
    Fault.SLOW,
    Fault.STALLED,
    Fault.TRUNCATED,
    Fault.WRONG_LENGTH,
    Fault.GARBLED,
    Fault.BUSY,
    Fault.BUSY_RETRY_AFTER,
    Fault.THROTTLED,
    Fault.THROTTLED_RETRY_AFTER,
    Fault.UNAUTHORIZED,
    Fault.FORBIDDEN,
    Fault.REPEATED_MARKER,
    Fault.WRONG_SHAPE,
)
"""Faults of the audited account that the client can notice."""

LIES: tuple[Fault, ...] = (
    Fault.LOST_MARKER,
    Fault.EMPTIED_PAGE,
    Fault.LEFT_OUT,
    Fault.VANISHED,
    Fault.BEING_DELETED,
)
"""Responses of the audited account with the right shape that are untrue, which nothing in them shows. A lie that is
repeated every time cannot be detected, so each container is lied about at most once in an audit."""

RUN_STORE_FAULTS: tuple[Fault, ...] = (
    Fault.DROP,
    Fault.RESET,
    Fault.LOST_RESPONSE,
    Fault.SLOW,
    Fault.TRUNCATED,
    Fault.WRONG_LENGTH,
    Fault.BUSY,
    Fault.BUSY_RETRY_AFTER,
    Fault.THROTTLED,
    Fault.FORBIDDEN,
)
"""Faults of the account of the run store."""

CONNECTION_FAULTS: tuple[Fault, ...] = (
    Fault.DB_REFUSED,
    Fault.DB_CUT_AT_ONCE,
    Fault.DB_CUT_MIDWAY,
    Fault.DB_DELAYED,
)
"""What happens to a connection to the database."""


@dataclass
class Weather:
    """Draws faults: at ``rate`` (0 to 1) of all draws, one of ``kinds``, each as likely as the other.

    ``counts`` is shared by all that are to be summed up together. Calm weather has a rate of 0.
    """

    seed: int
    kinds: tuple[Fault, ...]
    counts: Counter[Fault] = field(default_factory=Counter)
    rate: float = 0.0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - reproducible, not secret

    def draw(self, possible: Iterable[Fault] | None = None) -> Fault | None:
        """A fault out of those possible here, counted; None most of the time."""
        if self._random.random() >= self.rate:
            return None
        allowed = self.kinds if possible is None else [kind for kind in self.kinds if kind in set(possible)]
        return self.happened(self._random.choice(allowed)) if allowed else None

    def happened(self, fault: Fault) -> Fault:
        """Count a fault."""
        self.counts[fault] += 1
        return fault

    def one_of(self, options: Sequence[OptionT]) -> OptionT:
        """One of them, each as likely as the other, from the same seed."""
        return self._random.choice(options)

    def uniform(self, low: float, high: float) -> float:
        """A number between the two, from the same seed."""
        return self._random.uniform(low, high)
