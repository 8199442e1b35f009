"""What the first steps of an audit freeze: the moment it is about, its waiting times, and its shards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple, Self

from reconciliation.clock import Clock
from reconciliation.fields import Fields
from reconciliation.parameters import AuditParameters
from reconciliation.shards import Shard, shard_sizes, start_of
from reconciliation.times import to_text

SCHEMA_VERSION = 1


class Block(NamedTuple):
    """Adjacent units in ``work.jsonl.gz``: the first and the last of them; offset and length in bytes."""

    first: str
    last: str
    units: int
    offset: int
    length: int


@dataclass(frozen=True)
class PlannedShard:
    """A shard and where its units are in ``work.jsonl.gz``: whole blocks; offset and length in bytes."""

    shard: Shard
    offset: int
    length: int


@dataclass(frozen=True)
class Plan:
    """The frozen plan of one audit: ``listed`` = what its shards hold + ``skipped`` (a count for each reason).

    ``rows`` counts the rows of each source; ``unread`` says why one could not be read to its end; ``earliest`` is the
    earliest moment of each dated source that has one.
    """

    as_of: datetime
    settle_minutes: int
    max_passes: int
    listed: int
    skipped: dict[str, int]
    shards: tuple[PlannedShard, ...]
    storage_ahead_seconds: int = 0
    database_ahead_seconds: int = 0
    api_ahead_seconds: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    earliest: Mapping[str, datetime] = field(default_factory=dict)

    def clock(self, parameters: AuditParameters, now: datetime, tolerance: timedelta) -> Clock:
        """The clock for verdicts that are given at ``now``."""
        settle, storage_ahead = timedelta(minutes=self.settle_minutes), timedelta(seconds=self.storage_ahead_seconds)
        database_ahead = timedelta(seconds=self.database_ahead_seconds)
        api_ahead = timedelta(seconds=self.api_ahead_seconds)
        return Clock(self.as_of, parameters.grace, settle, now, tolerance, storage_ahead, database_ahead, api_ahead)

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
            "database_ahead_seconds": self.database_ahead_seconds,
            "api_ahead_seconds": self.api_ahead_seconds,
            "rows": dict(self.rows),
            "unread": dict(self.unread),
            "earliest": {name: to_text(moment) for name, moment in self.earliest.items()},
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
        rows, unread = fields.inner("rows"), fields.inner("unread")
        earliest = fields.optional("earliest", fields.inner) or Fields({})  # an earlier release wrote none
        plan = cls(
            as_of=fields.moment("as_of"),
            settle_minutes=fields.whole("settle_minutes"),
            max_passes=fields.whole("max_passes"),
            listed=fields.whole("listed"),
            skipped={reason: skipped.whole(reason) for reason in skipped.members},
            storage_ahead_seconds=fields.difference("storage_ahead_seconds"),
            database_ahead_seconds=fields.difference("database_ahead_seconds"),
            api_ahead_seconds=fields.difference("api_ahead_seconds"),
            rows={name: rows.whole(name) for name in rows.members},
            unread={name: unread.text(name) for name in unread.members},
            earliest={name: earliest.moment(name) for name in earliest.members},
            shards=tuple(
                PlannedShard(Shard.from_json(shard.members), shard.whole("offset"), shard.whole("length"))
                for shard in shards
            ),
        )
        if [planned.shard.index for planned in plan.shards] != list(range(len(plan.shards))):
            raise ValueError("its shards are not numbered in order")
        planned = sum(planned.shard.units for planned in plan.shards)
        if planned + sum(plan.skipped.values()) != plan.listed:
            raise ValueError(f"its shards and skipped units are not the {plan.listed} that were listed")
        return plan


def shards_of(blocks: Sequence[Block], per_shard: int) -> tuple[PlannedShard, ...]:
    """Runs of adjacent blocks, as even as blocks allow; empty if there is nothing to open.

    Raises ``ValueError`` if the units do not ascend: nothing built on them could be trusted.
    """
    for before, after in pairwise(blocks):
        if before.last >= after.first:
            raise ValueError(f"units are not ascending: {before.last!r} comes before {after.first!r}")
    total = sum(block.units for block in blocks)
    bounds, taken, held = [0], 0, 0
    sizes = shard_sizes(total, per_shard) if total else []
    for size in sizes:
        taken += size
        at = bounds[-1]
        while at < len(blocks) and held < taken:
            held += blocks[at].units
            at += 1
        bounds.append(at)
    runs = [blocks[low:high] for low, high in pairwise(bounds) if low < high]
    return tuple(
        PlannedShard(
            Shard(index, start_of(runs[index - 1][-1].last if index else "", run[0].first), _units(run)),
            run[0].offset,
            sum(block.length for block in run),
        )
        for index, run in enumerate(runs)
    )


def _units(run: Sequence[Block]) -> int:
    return sum(block.units for block in run)
