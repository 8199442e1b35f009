"""Dates that differ, as those of a real account do."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

_FIRST = datetime(2025, 3, 20, 9, 30, tzinfo=UTC)
_YEAR = 365 * 86400
_APART = 7919  # a prime that does not divide a year, so that no two of a year's blobs share a second


def date_of(number: int, index: int = 0) -> str:
    """The date of the ``index``-th blob of the container with that number, in the form of RFC 1123."""
    return format_datetime(_FIRST + timedelta(seconds=(number + _APART * index) % _YEAR), usegmt=True)
