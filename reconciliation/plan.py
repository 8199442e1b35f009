"""What the first steps of an audit freeze: the moment it speaks about, its waiting times, and its shards."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from reconciliation.facts import Clock
from reconciliation.parameters import AuditParameters
from reconciliation.shards import Shard
from reconciliation.times import from_text, to_text

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Listing:
    """What the first step freezes: the moment the audit speaks about, how many containers there were, and how far
    storage's clock was ahead of the app's (0 if no further than clocks may differ).
    """

    as_of: datetime
    listed: int
    storage_ahead_seconds: int = 0

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` gives back an equal value."""
        return {
            "schema_version": SCHEMA_VERSION,
            "complete": True,
            "as_of": to_text(self.as_of),
            "listed": self.listed,
            "storage_ahead_seconds": self.storage_ahead_seconds,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Raises ``KeyError`` or ``ValueError`` if ``value`` is not what ``to_json`` makes."""
        return cls(from_text(value["as_of"]), value["listed"], value.get("storage_ahead_seconds", 0))


@dataclass(frozen=True)
class PlannedShard:
    """A shard and where its container names stand in ``work.jsonl.gz``: one gzip member, in bytes."""

    shard: Shard
    offset: int
    length: int


@dataclass(frozen=True)
class Plan:
    """The frozen plan of one audit: ``listed`` = what its shards hold + ``skipped`` (a count for each reason)."""

    as_of: datetime
    settle_minutes: int
    max_passes: int
    listed: int
    skipped: dict[str, int]
    shards: tuple[PlannedShard, ...]
    storage_ahead_seconds: int = 0

    def clock(self, parameters: AuditParameters, latest: datetime) -> Clock:
        """The moment and the waiting times that verdicts are given by; ``latest`` is as in ``Clock``."""
        settle, ahead = timedelta(minutes=self.settle_minutes), timedelta(seconds=self.storage_ahead_seconds)
        return Clock(self.as_of, parameters.grace, settle, latest, ahead)

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` gives back an equal value."""
        return {
            "schema_version": SCHEMA_VERSION,
            "complete": True,
            "as_of": to_text(self.as_of),
            "settle_minutes": self.settle_minutes,
            "max_passes": self.max_passes,
            "listed": self.listed,
            "skipped": self.skipped,
            "storage_ahead_seconds": self.storage_ahead_seconds,
            "shards": [
                planned.shard.to_json() | {"offset": planned.offset, "length": planned.length}
                for planned in self.shards
            ],
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Raises ``KeyError`` or ``ValueError`` if ``value`` is not what ``to_json`` makes."""
        return cls(
            as_of=from_text(value["as_of"]),
            settle_minutes=value["settle_minutes"],
            max_passes=value["max_passes"],
            listed=value["listed"],
            skipped=value["skipped"],
            storage_ahead_seconds=value.get("storage_ahead_seconds", 0),
            shards=tuple(
                PlannedShard(Shard.from_json(shard), shard["offset"], shard["length"]) for shard in value["shards"]
            ),
        )
