"""What the audit trail says of how a session ended (DOMAIN.md 2.5)."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from dev.demo.prodlike.rows import Audit, CaptureSession, Recording

STOP_ROWS_SINCE = datetime(2025, 5, 19, tzinfo=UTC)
"""Before this day a real stop wrote no ``Stop`` row, so its absence says nothing."""

BACKLOG_SWEEP = datetime(2025, 6, 12, 18, tzinfo=UTC)
"""The first evening sweep that turned stuck sessions into NO_RECORDING took the whole backlog with it."""

_MINUTE = timedelta(minutes=1)
_TABLES = {"CaptureSession": "capture_sessions", "Recording": "recordings"}
NewId = Callable[[], UUID]


class Trail(StrEnum):
    """A way for a session to end, as its audit rows show it."""

    ABSENT = "absent"  # no rows at all
    NEVER = "never"  # created, and never seen PROCESSING
    PROCESSING = "processing"  # PROCESSING, and nothing after it
    STOPPED = "stopped"  # PROCESSING, then a real stop
    STOPPED_ONLY = "stopped only"  # a real stop of a session that was never seen PROCESSING
    SWEPT = "swept"  # PROCESSING, then another status without a stop
    STOPPED_THEN_SWEPT = "stopped then swept"  # a first attempt was stopped, the second one swept
    SWEPT_WITH_BACKLOG = "swept with the backlog"  # PROCESSING before stops wrote rows, swept after


def session_trail(session: CaptureSession, trail: Trail, ended: datetime, new_id: NewId) -> Iterator[Audit]:
    """The rows of a session whose end was asked for at ``ended``."""
    if trail is Trail.ABSENT:
        return
    created = (session.started_at or ended) - 30 * _MINUTE
    final = session.status or "NO_RECORDING"

    def row(at: datetime, activity: str, status: str) -> Audit:
        details = {"captureSessionStatus": status}
        return _row(session.id, "CaptureSession", activity, at, details, row_id=new_id())

    yield row(created, "CREATE", "INITIALISING")
    if session.started_at is not None:
        yield row(created + _MINUTE, "UPDATE", "INITIALISING")
        yield row(created + 2 * _MINUTE, "UPDATE", "STANDBY")
    if trail is Trail.NEVER:
        return
    yield row(created + 29 * _MINUTE, "UPDATE", "RECORDING")
    if trail is Trail.STOPPED_ONLY:
        yield row(ended, "Stop", final)
        return
    if trail is Trail.STOPPED_THEN_SWEPT:
        yield row(ended - 90 * _MINUTE, "UPDATE", "PROCESSING")
        yield row(ended - 87 * _MINUTE, "Stop", "FAILURE")
        yield row(ended - 60 * _MINUTE, "UPDATE", "RECORDING")
    yield row(ended, "UPDATE", "PROCESSING")
    if trail is Trail.PROCESSING:
        return
    left = BACKLOG_SWEEP if trail is Trail.SWEPT_WITH_BACKLOG else ended + 3 * _MINUTE
    yield row(left, "UPDATE", final)
    if trail is Trail.STOPPED:
        yield row(left, "Stop", final)


def recording_trail(recording: Recording, new_id: NewId) -> Audit:
    """The row that registering a recording wrote."""
    details = {"captureSessionId": str(recording.capture_session_id)}
    return _row(recording.id, "Recording", "CREATE", recording.created_at, details, row_id=new_id())


def _row(of: UUID, category: str, activity: str, at: datetime, details: dict[str, str], *, row_id: UUID) -> Audit:
    return Audit(row_id, _TABLES[category], of, "AUTO", category, activity, "API", of, at, json.dumps(details))
