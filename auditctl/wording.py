"""The wording of numbers, times and coverage, the same on a terminal and in a pipe."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from auditctl.responses import Audited, Given, Place, Progress, SinceLast

UNKNOWN: Final = "-"
_NO_KEY: Final = re.compile(r"[^\w.-]")
_NEEDS_NO_QUOTES: Final = re.compile(r"[\w.,:;/+@%?&()~-]+")


def count(number: float | None) -> str:
    """A count for people: 20,000, or ? if it is unknown."""
    return "?" if number is None else f"{number:,.0f}"


def percent(number: float | None) -> str:
    """A percentage for people, rounded down, so that it is 100 only when everything is done."""
    if number is None:
        return ""
    return f"{min(int(number), 100)}%"


def duration(seconds: float) -> str:
    """Hours, minutes and seconds: 1:02:03."""
    return str(timedelta(seconds=int(min(seconds, 8_640_000))))


def now() -> str:
    """The present moment in UTC to the second: 2026-01-31T08:00:00Z."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_since(moment: str | None) -> float:
    """Seconds since an ISO 8601 moment; zero if it is absent, unreadable, without an offset or in the future."""
    try:
        began = datetime.fromisoformat(moment or "")
        return max((datetime.now(UTC) - began).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return 0.0


def minute(moment: str | None) -> str:
    """An ISO 8601 moment in UTC to the minute; as it is if it cannot be read."""
    try:
        return datetime.fromisoformat(moment or "").astimezone(UTC).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError):
        return moment or ""


def coverage(progress: Progress) -> str:
    """The coverage as a sentence; empty before anything was listed."""
    if progress.listed is None:
        return ""
    return (
        f"{count(progress.listed)} {progress.units} listed: {count(progress.scanned)} scanned, "
        f"{count(progress.skipped)} skipped, {count(progress.failed)} failed"
    )


def audited(of: Audited) -> str:
    """The environment and places of an audit, as a phrase."""
    return f"{of.environment}: {', '.join(filter(None, map(_place, of.places)))}"


def _place(one: Place) -> str:
    """Empty for a place that was not configured."""
    name = "" if not one.value else f"{one.name.replace('_', ' ')} {one.value}"
    return f"{name or one.name} at {one.host}" if one.host else name


def places(of: Audited) -> dict[str, str | None]:
    """The places of an audit by their names, and of databases the hosts."""
    told: dict[str, str | None] = {}
    for one in of.places:
        name = _NO_KEY.sub("_", one.name)
        told |= {f"{name}_host": one.host, f"{name}_name": one.value} if one.is_database else {name: one.value}
    return told


def needing_nobody(given: Sequence[Given]) -> str:
    """The verdicts that need nobody, most frequent first."""
    idle = sorted((one for one in given if not one.asks), key=lambda one: -one.count)
    return ", ".join(f"{count(one.count)} {one.verdict}" for one in idle)


def changes(since: SinceLast) -> str:
    """What changed since the last audit, as a sentence."""
    resolved = "" if since.resolved is None else f", {count(since.resolved)} resolved"
    return f"{count(since.new)} new, {count(since.persisting)} persisting{resolved} since audit {since.previous}"


def key_value(**pairs: str | float | None) -> str:
    """One line of ``key=value`` pairs in the order given. Unknown is ``-``; text with spaces or quotes is JSON text."""
    return " ".join(f"{key}={_value(value)}" for key, value in pairs.items())


def _value(value: str | float | None) -> str:
    if value is None or value == "":
        return UNKNOWN
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:.1f}".removesuffix(".0")
    return value if _NEEDS_NO_QUOTES.fullmatch(value) and value != UNKNOWN else json.dumps(value, ensure_ascii=False)
