"""A world as plain data: every row of the database, every container of the storage account, and what is asked of them.

It tells all that an audit of it can depend on. How it is turned into answers is told in ``plain_audits``, what an audit
must say of it in ``oracle``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from profiles.pre_capture_sessions.candidates import Candidate, RegisteredRecording
from reconciliation.lookups import Blob
from reconciliation.parameters import AuditParameters


@dataclass(frozen=True)
class PlainContainer:
    """A container and its blobs. ``refused``: nobody may open it. ``deleted``: it goes right after it was listed."""

    name: str
    blobs: tuple[Blob, ...] = ()
    refused: bool = False
    deleted: bool = False


@dataclass(frozen=True)
class PlainWorld:
    """All there is. A session's value that cannot be understood stands in its ``unreadable``, as the text it is.

    ``later``: how long after ``as_of`` verdicts are given; ``storage_ahead``: how far storage's clock is ahead.
    ``ingest`` are the containers of the ingest account, named by booking (None: there is no such account).
    ``is_replica``: the database is one. ``database_lost``: it cannot be reached a second time. ``registered_meanwhile``
    are rows that are written after the first reading of the database; each makes its session available.
    ``page_size`` and ``per_shard`` must not matter.
    """

    as_of: datetime
    parameters: AuditParameters
    sessions: tuple[Candidate, ...] = ()
    rows: tuple[RegisteredRecording, ...] = ()
    containers: tuple[PlainContainer, ...] = ()
    ingest: Mapping[str, PlainContainer] | None = None
    later: timedelta = timedelta(minutes=1)
    storage_ahead: timedelta = field(default_factory=timedelta)
    is_replica: bool = False
    database_lost: bool = False
    registered_meanwhile: tuple[RegisteredRecording, ...] = ()
    page_size: int = 2
    per_shard: int = 2

    def afterwards(self) -> "PlainWorld":
        """The world once everything is registered that is registered meanwhile."""
        sessions = [_registered(session, self.registered_meanwhile, self.sessions) for session in self.sessions]
        return replace(self, sessions=tuple(sessions), rows=(*self.rows, *self.registered_meanwhile))


def _registered(session: Candidate, new: Sequence[RegisteredRecording], all_sessions: Sequence[Candidate]) -> Candidate:
    booking = {one.session_id: one.booking_id for one in all_sessions}
    own = sum(row.session_id == session.session_id for row in new)
    siblings = sum(booking.get(row.session_id) == session.booking_id for row in new) - own
    return replace(
        session,
        status="RECORDING_AVAILABLE" if own else session.status,
        live_recordings=session.live_recordings + own,
        sibling_recordings=session.sibling_recordings + siblings,
    )
