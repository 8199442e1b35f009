"""Times as the audit writes and reads them: UTC, ISO 8601 with ``Z``, and RFC 1123 as storage sends them."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache

RFC1123_FORM = "[^<]{25} GMT"
"""What ``Wed, 12 Aug 2026 09:30:00 GMT``, as storage writes a moment, looks like; ``moments_of`` looks closer."""
_DAY = re.compile(r" [0-9]{2} [A-Z][a-z]{2} [0-9]{4} ")
_MONTHS = {
    name: f"{number:02}"
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}


def to_text(moment: datetime) -> str:
    """``2026-01-31T09:30:00Z``, with microseconds only where there are any. The moment must carry its zone.

    Raises ``ValueError`` for a moment without a time zone.
    """
    if moment.tzinfo is not UTC:
        if moment.tzinfo is None:
            raise ValueError(f"{moment.isoformat()} has no time zone")
        moment = moment.astimezone(UTC)
    # In two halves, which takes half the time: neither has a zone that must be asked for its offset.
    return f"{moment.date()}T{moment.time()}Z"


def optional_text(moment: datetime | None) -> str | None:
    """As ``to_text``; None stays None."""
    return None if moment is None else to_text(moment)


def from_text(text: str) -> datetime:
    """The inverse of ``to_text``; any ISO 8601 moment that names its zone is taken, and comes back in UTC.

    Raises ``ValueError`` for anything else.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is UTC:
        return moment
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} does not exist in UTC") from None


def optional_from_text(text: str | None) -> datetime | None:
    """As ``from_text``; None stays None."""
    return None if text is None else from_text(text)


def from_rfc1123(date: str) -> datetime:
    """The moment of a date as storage writes it.

    Raises ``ValueError`` for one that has not that form, or does not exist.
    """
    if len(date) != len("Wed, 12 Aug 2026 09:30:00 GMT") or not date.endswith(" GMT"):
        raise ValueError(f"{date!r} is not an RFC 1123 date")
    return moments_of([date])[date]


def moments_of(dates: Iterable[str]) -> dict[str, datetime]:
    """The moment of each of the dates, which have the ``RFC1123_FORM``.

    Raises ``ValueError`` if one of them is none, or does not exist.
    """
    read = datetime.fromisoformat
    # The fixed form makes slicing enough, and fast.
    return {date: read(f"{_day_of(date[4:17])}T{date[17:25]}Z") for date in dates}


@lru_cache(maxsize=4096)
def _day_of(text: str) -> str:
    """The day of a date, which has a blank on either side, in ISO 8601. Many things are written on one day."""
    month = _MONTHS.get(text[4:7])
    if month is None or not _DAY.fullmatch(text):
        raise ValueError(f"{text!r} is not the day of an RFC 1123 date")
    return f"{text[8:12]}-{month}-{text[1:3]}"
