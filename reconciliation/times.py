"""Times as the audit writes and reads them: UTC, ISO 8601 with ``Z``, and RFC 1123 as storage sends them."""

import re
from collections.abc import Collection
from datetime import UTC, datetime
from functools import lru_cache
from operator import add, itemgetter

RFC1123_FORM = "[^<]{17}(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9] GMT"
"""What ``Wed, 12 Aug 2026 09:30:00 GMT``, as storage writes a moment, looks like; ``stamps_of`` looks at the day."""
_RFC1123 = re.compile(RFC1123_FORM)
_DAY_IN, _TIME_IN = itemgetter(slice(4, 17)), itemgetter(slice(16, 25))
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
    return f"{moment.date().isoformat()}T{moment.time().isoformat()}Z"


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
    if not _RFC1123.fullmatch(date):
        raise ValueError(f"{date!r} is not an RFC 1123 date")
    return from_stamp(stamps_of([date])[0])


def stamps_of(dates: Collection[str]) -> list[str]:
    """``2026-08-12 09:30:00`` for each of the dates, which have the ``RFC1123_FORM``: stamps ascend as moments do.

    Raises ``ValueError`` if the day of any is none, or does not exist.
    """
    # The fixed form makes slicing enough, and there is no Python in between.
    return [*map(add, map(_day_of, map(_DAY_IN, dates)), map(_TIME_IN, dates))]


def from_stamp(stamp: str) -> datetime:
    """The moment of a stamp of ``stamps_of``."""
    return datetime.fromisoformat(f"{stamp}Z")


@lru_cache(maxsize=4096)
def _day_of(text: str) -> str:
    """The day of a date, which has a blank on either side, in ISO 8601. Many things are written on one day."""
    month = _MONTHS.get(text[4:7])
    if month is None or not _DAY.fullmatch(text):
        raise ValueError(f"{text!r} is not the day of an RFC 1123 date")
    day = f"{text[8:12]}-{month}-{text[1:3]}"
    datetime.fromisoformat(day)  # raises for one that does not exist
    return day
