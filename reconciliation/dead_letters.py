"""Shards that still had unread units after all their passes: kept, to be inspected, replayed or discarded."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from reconciliation.evidence import Record, has_failed
from reconciliation.fields import Fields
from reconciliation.shards import Shard
from reconciliation.times import to_text

SCHEMA_VERSION = 2
_CALLED_CONTAINERS = 1
"""The schema of earlier releases, in which units were called containers."""
MOST_ERRORS_KEPT = 100


@dataclass(frozen=True)
class Discard:
    """The decision not to look any further: why, by whom, when."""

    reason: str
    by: str
    at: datetime

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` gives back an equal value."""
        return {"reason": self.reason, "by": self.by, "at": to_text(self.at)}

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Raises ``ValueError`` if ``value`` is not what ``to_json`` makes."""
        fields = Fields.of(value)
        return cls(fields.text("reason"), fields.text("by"), fields.moment("at"))


@dataclass(frozen=True)
class DeadLetter:
    """One shard: where its names begin, how many units it has and how many were not read, with the first
    ``MOST_ERRORS_KEPT`` of their errors; ``attempts`` counts the scans that ended so.
    """

    shard: int
    start: str
    units: int
    failed: int
    errors: tuple[tuple[str, str], ...]
    attempts: int
    first_at: datetime
    last_at: datetime
    discarded: Discard | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` gives back an equal value."""
        return {
            "schema_version": SCHEMA_VERSION,
            "complete": True,
            "shard": self.shard,
            "start": self.start,
            "units": self.units,
            "failed": self.failed,
            "errors": [{"unit": unit, "error": error} for unit, error in self.errors],
            "attempts": self.attempts,
            "first_at": to_text(self.first_at),
            "last_at": to_text(self.last_at),
            "discarded": self.discarded and self.discarded.to_json(),
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Raises ``ValueError`` if ``value`` is not what ``to_json`` makes, or an earlier release made."""
        fields = Fields.of_version(value, SCHEMA_VERSION, _CALLED_CONTAINERS)
        earlier = fields.whole("schema_version") == _CALLED_CONTAINERS
        units, unit = ("containers", "container") if earlier else ("units", "unit")
        discarded = fields.optional("discarded", fields.inner)
        return cls(
            shard=fields.whole("shard"),
            start=fields.text("start"),
            units=fields.whole(units),
            failed=fields.whole("failed"),
            errors=tuple((error.text(unit), error.text("error")) for error in fields.objects("errors")),
            attempts=fields.whole("attempts"),
            first_at=fields.moment("first_at"),
            last_at=fields.moment("last_at"),
            discarded=None if discarded is None else Discard.from_json(discarded.members),
        )


def dead_letter(
    shard: Shard, records: Iterable[Record], attempts: int, at: datetime, before: DeadLetter | None
) -> DeadLetter | None:
    """The dead letter of a scanned shard; None if all of it was read. ``before`` is the one it had, if any."""
    unread = [record for record in records if has_failed(record)]
    if not unread:
        return None
    errors = tuple((record.unit, record.reason) for record in unread[:MOST_ERRORS_KEPT])
    letter = DeadLetter(shard.index, shard.start, shard.units, len(unread), errors, attempts, at, at)
    if before is None:
        return letter
    return replace(letter, attempts=before.attempts + attempts, first_at=before.first_at, discarded=before.discarded)
