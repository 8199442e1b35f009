"""Cutting an account into shards: even runs of adjacent names that together cover every name there can be.

An activity costs some 20 ms of engine each up to 256 of them and three times that at 1,000 (measured on a real host,
docs/architecture.md), so a large account gets larger shards instead of more.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Self

MAX_SHARDS = 256


@dataclass(frozen=True)
class Shard:
    """A run of adjacent container names.

    It owns every name from ``start`` (included) up to the next shard's ``start`` (excluded), whether or not the name
    existed when the plan was made; the first starts at the empty string and the last has no end. ``containers`` were
    listed in it.
    """

    index: int
    start: str
    containers: int

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` gives back an equal value."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Raises ``KeyError`` if ``value`` is not what ``to_json`` makes."""
        return cls(value["index"], value["start"], value["containers"])


def plan_shards(names: Sequence[str], per_shard: int) -> list[Shard]:
    """Cut ascending, distinct ``names`` into at most ``MAX_SHARDS`` shards whose sizes differ by one at most.

    There is always at least one shard. Raises ``ValueError`` if the names are not strictly ascending: a listing out of
    order has lost its place somewhere, and nothing built on it can be trusted.
    """
    for before, after in pairwise(names):
        if before >= after:
            raise ValueError(f"container names are not ascending: {before!r} stands before {after!r}")
    count = min(MAX_SHARDS, max(1, -(-len(names) // per_shard)))
    bounds = [len(names) * i // count for i in range(count + 1)]
    return [
        Shard(
            index=index,
            start="" if index == 0 else shortest_prefix_between(names[low - 1], names[low]),
            containers=high - low,
        )
        for index, (low, high) in enumerate(pairwise(bounds))
    ]


def shortest_prefix_between(before: str, after: str) -> str:
    """The shortest prefix of ``after`` that sorts behind ``before``; needs ``before < after``."""
    for length in range(1, len(after) + 1):
        if after[:length] > before:
            return after[:length]
    raise ValueError(f"{before!r} does not sort before {after!r}")


def slice_of(shards: Sequence[Shard], index: int) -> slice:
    """Where the names of one shard stand in the whole list of names."""
    start = sum(shard.containers for shard in shards[:index])
    return slice(start, start + shards[index].containers)
