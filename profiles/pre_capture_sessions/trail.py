"""How a session ended according to the audit trail.

A real stop writes an extra row with activity ``Stop``; the evening sweep, which relabels what it finds unfinished, does
not (pre-api, ``CaptureSessionService.stopCaptureSession`` and ``CleanupLiveEvents``).
"""

from datetime import UTC, datetime
from enum import StrEnum

STOPS_ARE_WRITTEN_SINCE = datetime(2025, 5, 19, tzinfo=UTC)
"""Before that day a real stop wrote no row (pre-api commit c67a1d42c), so a missing row means nothing."""


class Trail(StrEnum):
    """How a session left PROCESSING."""

    STOPPED = "stopped"  # the media service said what there was, or that there was nothing
    SWEPT = "swept"  # relabelled while it was being processed: its recording may exist
    UNKNOWN = "unknown"  # was being processed, too long ago for the trail to tell more
    NEVER = "never"  # never seen being processed


def trail_of(processing_at: datetime | None, left_at: datetime | None, stopped_at: datetime | None) -> Trail:
    """Judge by the last row that says PROCESSING, the first later one that says another status, and the last stop."""
    if processing_at is None:
        return Trail.NEVER if stopped_at is None else Trail.STOPPED
    if stopped_at is not None and stopped_at >= processing_at:
        return Trail.STOPPED
    return Trail.SWEPT if (left_at or processing_at) >= STOPS_ARE_WRITTEN_SINCE else Trail.UNKNOWN
