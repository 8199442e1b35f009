"""The rows of the world. A class is a table of ``dev/demo/pre_schema.sql``, and its fields are columns of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Court:
    """A row in ``courts``."""

    id: UUID
    court_type: str
    name: str


@dataclass(frozen=True, slots=True)
class User:
    """A row in ``users``: invented, and yet never to be read by an audit."""

    id: UUID
    first_name: str
    last_name: str
    email: str


@dataclass(frozen=True, slots=True)
class CourtCase:
    """A row in ``cases``. ``reference`` is unique in a court; ``closed_at`` has no time zone."""

    id: UUID
    court_id: UUID
    reference: str
    state: str
    deleted_at: datetime | None
    closed_at: datetime | None
    origin: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Booking:
    """A row in ``bookings``."""

    id: UUID
    case_id: UUID
    scheduled_for: datetime
    deleted_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CaptureSession:
    """A row in ``capture_sessions``."""

    id: UUID
    booking_id: UUID
    origin: str
    ingest_address: str | None
    live_output_url: str | None
    started_at: datetime | None
    finished_at: datetime | None
    deleted_at: datetime | None
    status: str | None

    @property
    def key(self) -> str:
        """The form in which its id stands in the names of tracks."""
        return self.id.hex


@dataclass(frozen=True, slots=True)
class Recording:
    """A row in ``recordings``; its id is the name of its container."""

    id: UUID
    capture_session_id: UUID
    parent_recording_id: UUID | None
    version: int
    filename: str
    created_at: datetime
    duration: timedelta | None
    edit_instruction: str | None
    deleted_at: datetime | None
    is_reencode: bool


@dataclass(frozen=True, slots=True)
class EncodeJob:
    """A row in ``encode_jobs``."""

    id: UUID
    capture_session_id: UUID
    recording_id: UUID
    job_name: str
    transform: str
    created_at: datetime
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class EditRequest:
    """A row in ``edit_requests``."""

    id: UUID
    source_recording_id: UUID
    status: str
    created_by: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Audit:
    """A row in ``audits``; ``audit_details`` is JSON."""

    id: UUID
    table_name: str
    table_record_id: UUID
    source: str
    category: str
    activity: str
    functional_area: str
    created_by: UUID
    created_at: datetime
    audit_details: str


Row = Court | User | CourtCase | Booking | CaptureSession | Recording | EncodeJob | EditRequest | Audit


@dataclass(frozen=True)
class Rows:
    """All rows. A field is a table, in an order in which foreign keys hold."""

    courts: list[Court] = field(default_factory=list)
    users: list[User] = field(default_factory=list)
    cases: list[CourtCase] = field(default_factory=list)
    bookings: list[Booking] = field(default_factory=list)
    capture_sessions: list[CaptureSession] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    encode_jobs: list[EncodeJob] = field(default_factory=list)
    edit_requests: list[EditRequest] = field(default_factory=list)
    audits: list[Audit] = field(default_factory=list)

    def tables(self) -> Iterator[tuple[str, Sequence[Row]]]:
        """Each table's name with its rows, in the order in which they can be written."""
        for table in fields(self):
            yield table.name, getattr(self, table.name)
