"""The rows of an audit: sessions in question, and the recordings that the database already accounts for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Self

from reconciliation.keys import session_key
from reconciliation.times import optional_from_text, optional_text

_CLOCKS = ("started_at", "finished_at", "scheduled_for", "deleted_at")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A capture session whose row says that it is stuck, failed or empty.

    ``case_live`` is False when its booking or case was deleted. ``row_token`` changes with every write to the row.
    """

    session_id: str
    status: str | None
    started_at: datetime | None
    finished_at: datetime | None
    scheduled_for: datetime | None
    deleted_at: datetime | None
    booking_id: str
    case_id: str
    case_state: str
    case_live: bool
    live_recordings: int
    deleted_recordings: int
    row_token: str

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

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` gives back an equal value."""
        return {
            "session_id": self.session_id,
            "status": self.status,
            "started_at": optional_text(self.started_at),
            "finished_at": optional_text(self.finished_at),
            "scheduled_for": optional_text(self.scheduled_for),
            "deleted_at": optional_text(self.deleted_at),
            "booking_id": self.booking_id,
            "case_id": self.case_id,
            "case_state": self.case_state,
            "case_live": self.case_live,
            "live_recordings": self.live_recordings,
            "deleted_recordings": self.deleted_recordings,
            "row_token": self.row_token,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Raises ``TypeError`` or ``ValueError`` if ``value`` is not what ``to_json`` makes."""
        return cls(**(value | {clock: optional_from_text(value[clock]) for clock in _CLOCKS}))


class RegisteredRecording(NamedTuple):
    """A recording id that has a row, live or soft-deleted; its container is accounted for either way."""

    recording_id: str
    session_id: str
    deleted: bool
