"""The runs of a video, as the engine of runs has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from profiles.stuck_uploads.keys import video_id
from reconciliation.clock import Clock
from reconciliation.times import optional_from_text

PROCESS, CROP = "process", "crop"
"""What a run is for: the first processing of a video, or what follows once its layout is approved."""
TERMINAL = frozenset({"COMPLETED", "FAILED", "CANCELLED", "CRASHED"})
SCHEDULED, PENDING, RUNNING = "SCHEDULED", "PENDING", "RUNNING"
COMPLETED, CANCELLED = "COMPLETED", "CANCELLED"
BROKEN = frozenset({"FAILED", "CRASHED"})

MEMBERS = (
    "id",
    "of",
    "video_id",
    "state",
    "state_name",
    "created",
    "due",
    "started",
    "ended",
    "since",
    "key",
    "begun",
)
"""The members of a row of runs, in order."""

LIMIT = timedelta(minutes=45)
"""A run that has been running longer is dead: its one long task has 30 minutes, and the others together some 10."""
PICK_UP = timedelta(minutes=10)
"""A run that is due, or that a worker has taken, and that does not begin for longer is not going to."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run. ``of`` is what it is for; ``due`` is when it is to begin, ``since`` when it came into its state. ``key``
    is its idempotency key, "" if it has none. ``begun``: a worker has begun it (one cancelled before that has a start
    all the same). A moment that cannot be read counts as not given.
    """

    id: str
    of: str
    video_id: str
    state: str
    state_name: str
    created: datetime | None
    due: datetime | None
    started: datetime | None
    ended: datetime | None
    since: datetime | None
    key: str
    begun: bool

    @property
    def is_active(self) -> bool:
        """True unless it has ended; also for a state that this release does not know."""
        return self.state not in TERMINAL

    @property
    def was_called_off(self) -> bool:
        """True if it was cancelled before it began."""
        return self.state == CANCELLED and not self.begun

    @property
    def last_moment(self) -> datetime | None:
        """When it ended, or else the latest moment that is known of it."""
        return self.ended or self.since or self.started or self.created

    def is_dead(self, clock: Clock) -> bool:
        """True if whoever worked on it is gone: nobody ends it any more."""
        if self.state == RUNNING:
            # A run that is begun again keeps its first start.
            return _is_over(clock, self.since or self.started, LIMIT)
        return self.state == PENDING and _is_over(clock, self.since or self.started, PICK_UP)

    def is_overdue(self, clock: Clock) -> bool:
        """True if no worker takes it."""
        return self.state == SCHEDULED and _is_over(clock, self.due, PICK_UP)

    @classmethod
    def from_json(cls, values: list[Any]) -> Self:
        """From the values of ``MEMBERS``. Raises ``ValueError`` if they are not as many."""
        row = dict(zip(MEMBERS, values, strict=True))
        return cls(
            id=str(row["id"]),
            of=str(row["of"]),
            video_id=video_id(row["video_id"]),
            state=str(row["state"]),
            state_name=str(row["state_name"] or ""),
            created=_moment(row["created"]),
            due=_moment(row["due"]),
            started=_moment(row["started"]),
            ended=_moment(row["ended"]),
            since=_moment(row["since"]),
            key=str(row["key"] or ""),
            begun=bool(row["begun"]),
        )


def _is_over(clock: Clock, moment: datetime | None, span: timedelta) -> bool:
    """True if a moment is longer ago than ``span``; a moment that is not known is no proof of that."""
    return moment is not None and (ours := by_our_clock(clock, moment)) <= clock.latest and clock.age(ours) > span


def by_our_clock(clock: Clock, moment: datetime) -> datetime:
    """A moment of a run, which the engine of runs tells by its own clock."""
    return moment - clock.api_ahead


def _moment(value: Any) -> datetime | None:
    try:
        return optional_from_text(value)
    except (TypeError, ValueError):
        return None


def each_once(runs: Sequence[Run]) -> tuple[Run, ...]:
    """The runs without repetition, as they were read last: a sweep that was not trusted is read again. The oldest comes
    first, one of unknown age last.
    """
    known = {run.id: run for run in runs}
    return tuple(sorted(known.values(), key=lambda run: (run.created is None, run.created or _NEVER, run.id)))


_NEVER = datetime.min
