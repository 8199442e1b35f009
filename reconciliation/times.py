"""Times as the audit writes and reads them: UTC, ISO 8601 with ``Z``, and RFC 1123 as storage sends them."""

from datetime import UTC, datetime
from functools import lru_cache

_MONTHS = {
    name: number
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


@lru_cache(maxsize=65536)
def from_rfc1123(text: str) -> datetime:
    """``Wed, 12 Aug 2026 09:30:00 GMT`` as storage writes it; the fixed layout makes slicing enough, and fast.

    Raises ``ValueError`` for any other layout.
    """
    month = _MONTHS.get(text[8:11])
    if month is None or text[25:] != " GMT":
        raise ValueError(f"{text!r} is not an RFC 1123 date")
    return datetime(
        int(text[12:16]),
        month,
        int(text[5:7]),
        int(text[17:19]),
        int(text[20:22]),
        int(text[23:25]),
        tzinfo=UTC,
    )
