"""Moments of columns that name no time zone: what a wall clock showed, in a zone that the app is configured with."""

from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo


class Spread(NamedTuple):
    """When something happened, in UTC: a wall clock shows the hour in which summer ends twice, so it may be one of two
    moments.
    """

    earliest: datetime
    latest: datetime


def spread(text: str, zone: ZoneInfo) -> Spread:
    """From ISO 8601; the zone counts only if the text names none. Raises ``ValueError`` for anything else."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            readings = sorted(moment.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        else:
            readings = [moment.astimezone(UTC)] * 2
    except (OverflowError, TypeError):
        raise ValueError(f"{text!r} is no moment") from None
    return Spread(*readings)


def wall_clock(moment: datetime, zone: ZoneInfo) -> str:
    """What a wall clock in the zone shows, as a column without a zone takes it."""
    return moment.astimezone(zone).replace(tzinfo=None).isoformat(sep=" ")


def optional_spread(text: str | None, zone: ZoneInfo) -> Spread | None:
    """As ``spread``; None stays None."""
    return None if text is None else spread(text, zone)
