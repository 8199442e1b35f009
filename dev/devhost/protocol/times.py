"""Timestamps and durations in the forms the protocol uses. All datetimes are aware and in UTC."""

import re
from datetime import UTC, datetime, timedelta

_TIMESPAN = re.compile(r"(-)?(?:(\d+)\.)?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,7}))?)?")
_FRACTION = re.compile(r"\.(\d{6})\d+")


def stamp(moment: datetime) -> str:
    """``2024-01-02T03:04:05.678901Z``, the form of every history timestamp."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds_stamp(moment: datetime) -> str:
    """``2024-01-02T03:04:05Z``, the form of createdTime and lastUpdatedTime."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_stamp(text: str) -> datetime:
    """Parse an ISO 8601 time with up to 7 fraction digits; one without a zone is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(_FRACTION.sub(r".\1", text.strip().replace(" ", "+")))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def parse_timespan(text: str) -> timedelta:
    """Parse a .NET TimeSpan, ``[-][d.]hh:mm[:ss[.fffffff]]``. Raises ValueError."""
    match = _TIMESPAN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text}' is not a duration of the form [d.]hh:mm:ss")
    sign, days, hours, minutes, seconds, fraction = match.groups()
    value = timedelta(
        days=int(days or 0),
        hours=int(hours),
        minutes=int(minutes),
        seconds=int(seconds or 0),
        microseconds=int((fraction or "0").ljust(6, "0")[:6]),
    )
    return -value if sign else value


def timespan(value: timedelta) -> str:
    """Print a .NET TimeSpan in its short form, ``[d.]hh:mm:ss``."""
    days, rest = divmod(int(value.total_seconds()), 86400)
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days}.{clock}" if days else clock
