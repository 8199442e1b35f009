"""What the first steps of an audit freeze: the moment it speaks about, its waiting times, and its shards."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from reconciliation.clock import Clock
from reconciliation.fields import Fields
from reconciliation.parameters import AuditParameters
from reconciliation.shards import Shard
from reconciliation.times import to_text

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
    def from_json(cls, value: Any) -> Self:
        """Raises ``ValueError`` if ``value`` is not what ``to_json`` makes."""
        fields = Fields.of_version(value, SCHEMA_VERSION)
        return cls(fields.moment("as_of"), fields.whole("listed"), fields.difference("storage_ahead_seconds"))


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

    def clock(self, parameters: AuditParameters, now: datetime, tolerance: timedelta) -> Clock:
        """The moment and the waiting times that verdicts are given by, when they are given ``now`` (see ``Clock``)."""
        settle, ahead = timedelta(minutes=self.settle_minutes), timedelta(seconds=self.storage_ahead_seconds)
        return Clock(self.as_of, parameters.grace, settle, now, tolerance, ahead)

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
    def from_json(cls, value: Any) -> Self:
        """Raises ``ValueError`` if ``value`` is not what ``to_json`` makes, or does not add up."""
        fields = Fields.of_version(value, SCHEMA_VERSION)
        skipped, shards = fields.inner("skipped"), fields.objects("shards")
        plan = cls(
            as_of=fields.moment("as_of"),
            settle_minutes=fields.whole("settle_minutes"),
            max_passes=fields.whole("max_passes"),
            listed=fields.whole("listed"),
            skipped={reason: skipped.whole(reason) for reason in skipped.members},
            storage_ahead_seconds=fields.difference("storage_ahead_seconds"),
            shards=tuple(
                PlannedShard(Shard.from_json(shard.members), shard.whole("offset"), shard.whole("length"))
                for shard in shards
            ),
        )
        if [planned.shard.index for planned in plan.shards] != list(range(len(plan.shards))):
            raise ValueError("its shards are not numbered in order")
        planned = sum(planned.shard.containers for planned in plan.shards)
        if planned + sum(plan.skipped.values()) != plan.listed:
            raise ValueError(f"its shards and skipped containers are not the {plan.listed} that were listed")
        return plan
