"""A response, and what its headers say about time."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from reconciliation.times import from_rfc1123

_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]+)?")


class Response(NamedTuple):
    """A response with its whole body, and the times of request and response in seconds of this machine's clock."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    sent_at: float
    responded_at: float


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of ``Retry-After``, which may be a number or a date; None if it is missing or invalid."""
    value = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        # Both dates are the server's, so this machine's clock does not matter.
        return (from_rfc1123(value) - from_rfc1123(headers.get("Date", ""))).total_seconds()
    except ValueError:
        return None


def clock_ahead(headers: Mapping[str, str], sent_at: float, responded_at: float) -> timedelta:
    """How far the server's clock is ahead of this machine's (negative: behind), to within a second or two: its ``Date``
    is compared with the middle of the request's time, which is given in seconds. Zero without a valid date.
    """
    there = date_in(headers)
    if there is None:
        return timedelta(0)
    return there - datetime.fromtimestamp((sent_at + responded_at) / 2, UTC)


def date_in(headers: Mapping[str, str]) -> datetime | None:
    """The server's own clock, in whole seconds; None without a valid ``Date``."""
    try:
        return from_rfc1123(headers.get("Date", ""))
    except ValueError:
        return None
