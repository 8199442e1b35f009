"""Cutting units into shards: even runs of adjacent names that together cover every name there can be.

An activity costs some 20 ms of engine each up to 256 of them and three times that at 1,000 (measured on a real host,
docs/architecture.md), so a large account gets larger shards instead of more.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

from reconciliation.fields import Fields

MAX_SHARDS = 256


@dataclass(frozen=True)
class Shard:
    """A run of adjacent units, by their names.

    It owns every name from ``start`` (included) up to the next shard's ``start`` (excluded), whether or not the name
    existed when the plan was made; the first starts at the empty string and the last has no end. ``units`` were
    listed in it.
    """

    index: int
    start: str
    units: int

    def to_json(self) -> dict[str, Any]:
        """A JSON object, in the words that earlier releases read too; ``from_json`` gives back an equal value."""
        return {"index": self.index, "start": self.start, "containers": self.units}

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Raises ``ValueError`` if ``value`` is not what ``to_json`` makes."""
        fields = Fields.of(value)
        return cls(fields.whole("index"), fields.text("start"), fields.whole("containers"))


def shard_sizes(units: int, per_shard: int) -> list[int]:
    """How many units each shard holds: at most ``MAX_SHARDS`` numbers that differ by one at most.

    There is always at least one shard, be it an empty one.
    """
    count = min(MAX_SHARDS, max(1, -(-units // per_shard)))
    bounds = [units * i // count for i in range(count + 1)]
    return [high - low for low, high in pairwise(bounds)]


def start_of(before: str, first: str) -> str:
    """The ``start`` of a shard with this first unit; ``before`` is the last unit of the previous shard, if any."""
    return shortest_prefix_between(before, first) if before else ""


def shortest_prefix_between(before: str, after: str) -> str:
    """The shortest prefix of ``after`` that sorts after ``before``. Raises ``ValueError`` unless ``before < after``."""
    for length in range(1, len(after) + 1):
        if after[:length] > before:
            return after[:length]
    raise ValueError(f"{before!r} does not sort before {after!r}")
