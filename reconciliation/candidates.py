"""The rows of an audit: sessions in question, and the recordings that the database already accounts for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Self

from reconciliation.keys import session_key
from reconciliation.times import from_text, optional_text
from reconciliation.trail import Trail, trail_of

_CLOCKS = (
    "started_at",
    "finished_at",
    "scheduled_for",
    "deleted_at",
    "case_closed_at",
    "processing_at",
    "left_at",
    "stopped_at",
    "job_at",
)
_NOT_SHOWN = ("session_id", "asked", "case_closed_at", "processing_at", "left_at", "stopped_at")


@dataclass(slots=True)
class Candidate:
    """A capture session as its rows tell of it; not changed once it is read.

    ``case_live`` is False when its booking or case was deleted. ``sibling_recordings`` are live recordings of other
    sessions of its booking. ``processing_at``, ``left_at`` and ``stopped_at`` are moments of the audit trail (see
    ``trail``), ``job_at`` when its newest encode job was made. ``row_token`` changes with every write to the row.
    ``asked`` is False for a session that a container names but that the audit's question leaves out.
    """

    session_id: str
    status: str | None
    origin: str
    started_at: datetime | None
    finished_at: datetime | None
    scheduled_for: datetime | None
    deleted_at: datetime | None
    booking_id: str
    case_id: str
    case_state: str
    case_closed_at: datetime | None
    case_live: bool
    live_recordings: int
    deleted_recordings: int
    sibling_recordings: int
    has_ingest_address: bool
    processing_at: datetime | None
    left_at: datetime | None
    stopped_at: datetime | None
    job_at: datetime | None
    row_token: str
    asked: bool

    @property
    def key(self) -> str:
        """The form in which blob names carry the session's id."""
        return session_key(self.session_id)

    @property
    def hearing_at(self) -> datetime | None:
        """When the hearing was. PRE's evening sweep rewrites ``finished_at``, so the start counts first."""
        return self.started_at or self.finished_at or self.scheduled_for

    @property
    def last_clock(self) -> datetime | None:
        """The latest moment at which something is known to have happened to the session."""
        return self.finished_at or self.started_at

    @property
    def trail(self) -> Trail:
        """What the audit trail says of the session's end."""
        return trail_of(self.processing_at, self.left_at, self.stopped_at)

    def shown(self) -> dict[str, Any]:
        """The session as a report shows it, without its id."""
        values = zip(COLUMNS, self.to_json(), strict=True)
        return {name: value for name, value in values if name not in _NOT_SHOWN} | {"trail": self.trail.value}

    def to_json(self) -> list[Any]:
        """A JSON array in the order of ``COLUMNS``; ``from_json`` gives back an equal value."""
        return [optional_text(getattr(self, n)) if n in _CLOCKS else getattr(self, n) for n in COLUMNS]

    @classmethod
    def from_json(cls, values: list[Any]) -> Self:
        """Takes ``values`` over. Raises ``ValueError`` if they are not what ``to_json`` makes."""
        if len(values) != len(COLUMNS):
            raise ValueError(f"a session has {len(values)} values instead of {len(COLUMNS)}")
        for at in _CLOCKS_AT:
            if (text := values[at]) is not None:
                values[at] = from_text(text)
        return cls(*values)


# Thousands of rows travel without their names: half the bytes, and a third of the time to make and to parse them.
COLUMNS: tuple[str, ...] = tuple(Candidate.__slots__)
_CLOCKS_AT = tuple(map(COLUMNS.index, _CLOCKS))


class RegisteredRecording(NamedTuple):
    """A recording id that has a row, live or soft-deleted; its container is accounted for either way.

    ``marks`` say what is special about the row: any of ``MARKS``. ``file_digest`` is the digest of the file name, None
    if it is the usual one for its session: the name itself may hold personal data and never leaves the database.
    """

    recording_id: str
    session_id: str
    marks: tuple[str, ...] | list[str]
    file_digest: str | None

    @property
    def deleted(self) -> bool:
        """True for a soft-deleted row."""
        return "deleted" in self.marks


MARKS = (
    "deleted",
    "child",  # an edit or a re-encode: it has a parent, or is not version 1
    "recent",  # created within the grace time
    "legacy",  # of a session that was not recorded by PRE
    "no_duration",
    "double",  # another live version 1 of the same session
)
