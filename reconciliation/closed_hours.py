"""The hours of a day in which nothing is changed, because the audited system's own jobs are at work then."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True)
class ClosedHours:
    """From ``start`` (included) to ``end`` (excluded) of each day, in UTC; ``why`` names what is at work then.

    ``voids``: what is at work then changes the very rows that are planned for, so that a plan is void afterwards.
    """

    start: time
    end: time
    why: str
    voids: bool = False

    def __post_init__(self) -> None:
        if not self.start < self.end:
            raise ValueError(f"{self.start}-{self.end} ends before it begins: give two spans, up to and from midnight")

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M} UTC ({self.why})"


def closed_hours_in(text: str) -> tuple[ClosedHours, ...]:
    """Spans such as ``17:45-19:30``, with commas between; ``none`` for none at all. Raises ``ValueError``."""
    if text == "none":
        return ()
    spans = [span.strip().partition("-") for span in text.split(",")]
    return tuple(ClosedHours(_clock(start), _clock(end), "by AUDIT_REPAIR_CLOSED_HOURS") for start, _, end in spans)


def _clock(text: str) -> time:
    if re.fullmatch("[0-9]{2}:[0-9]{2}", text) is None:
        raise ValueError(f"{text!r} is not a time such as 17:45")
    return time.fromisoformat(text)


def opens_at(closed: Sequence[ClosedHours], at: datetime) -> datetime | None:
    """When the hours end that are closed at a moment; None if it is open."""
    at = at.astimezone(UTC)
    ends = [hours.end for hours in closed if hours.start <= at.time() < hours.end]
    return _on(at, max(ends)) if ends else None


def closes_at(closed: Sequence[ClosedHours], at: datetime) -> datetime | None:
    """When the next closed hours begin, after a moment that is open; None if there are none at all."""
    at = at.astimezone(UTC)
    starts = [_on(at, hours.start) for hours in closed]
    return min((start if start > at else start + timedelta(days=1) for start in starts), default=None)


def in_zones(at: datetime, zone: str) -> str:
    """A moment in UTC and in a time zone (``2026-06-01 17:45 UTC, 18:45 Europe/London``); in UTC alone where that zone
    is not known to this machine.
    """
    utc = f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    try:
        local = at.astimezone(ZoneInfo(zone))
    except ZoneInfoNotFoundError:
        return utc
    return utc if zone == "UTC" else f"{utc}, {local:%H:%M} {zone}"


def _on(day: datetime, clock: time) -> datetime:
    return datetime.combine(day.date(), clock, UTC)
