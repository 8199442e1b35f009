"""Bringing together what several sources hold of one key: streams that ascend alike, side by side, in portions."""

from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import Generic, NamedTuple, TypeVar

ItemT = TypeVar("ItemT")
Portions = AsyncIterator[list[tuple[str, ItemT]]]
"""A stream of items under their keys, ascending, in portions of any size; an item without a key is under ``""``."""
_key = itemgetter(0)


class Held(NamedTuple, Generic[ItemT]):
    """The items that each stream holds of one key, in the order in which they came."""

    key: str
    items: tuple[list[ItemT], ...]


class OutOfOrderError(ValueError):
    """A stream does not ascend; ``stream`` is its number."""

    def __init__(self, stream: int, before: str, after: str) -> None:
        self.stream = stream
        super().__init__(f"{after!r} comes after {before!r}")


async def cogroup(streams: Sequence[Portions[ItemT]]) -> AsyncIterator[list[Held[ItemT]]]:
    """All items of all streams by key, ascending, in portions; each item once. An item without a key is on its own.

    Holds one portion of each stream, and whatever is under one key. Raises ``OutOfOrderError`` where a stream does not
    ascend.
    """
    ahead = [_Ahead(number, stream, len(streams)) for number, stream in enumerate(streams)]
    while True:
        for stream in ahead:
            await stream.fill()
        if keyless := [held for stream in ahead for held in stream.without_key()]:
            yield keyless
        # What is under a stream's last key may go on in its next portion.
        horizon = min((stream.last for stream in ahead if not stream.ended), default=None)
        if held := _taken(ahead, horizon):
            yield held
        if horizon is None:
            return
        for stream in ahead:
            if stream.last == horizon:
                await stream.fetch()


def _taken(ahead: "Sequence[_Ahead[ItemT]]", horizon: str | None) -> list[Held[ItemT]]:
    """What all streams hold of the keys before the horizon."""
    held: dict[str, tuple[list[ItemT], ...]] = {}
    for number, stream in enumerate(ahead):
        for key, item in stream.before(horizon):
            if key not in held:
                held[key] = tuple([[] for _ in ahead])
            held[key][number].append(item)
    return [Held(key, held[key]) for key in sorted(held)]


class _Ahead(Generic[ItemT]):
    """One stream, and what was taken out of it ahead of time."""

    def __init__(self, number: int, portions: Portions[ItemT], streams: int) -> None:
        self._number = number
        self._portions = portions
        self._streams = streams
        self._waiting: list[tuple[str, ItemT]] = []
        self._keyless: list[ItemT] = []
        self.last = ""
        self.ended = False

    async def fill(self) -> None:
        """Have something waiting, unless the stream has ended."""
        while not self._waiting and not self.ended:
            await self.fetch()

    async def fetch(self) -> None:
        """Take one more portion."""
        portion = await anext(self._portions, None)
        if portion is None:
            self.ended = True
            return
        if (portion and not portion[0][0]) or any(not key for key, _ in portion):
            self._keyless += [item for key, item in portion if not key]
            portion = [pair for pair in portion if pair[0]]
        if not portion:
            return
        keys = [self.last, *map(_key, portion)]
        for before, after in pairwise(keys):
            if before > after:
                raise OutOfOrderError(self._number, before, after)
        self.last = keys[-1]
        self._waiting += portion

    def without_key(self) -> list[Held[ItemT]]:
        """What came without a key since the last call."""
        found, self._keyless = self._keyless, []
        return [
            Held("", tuple([item] if number == self._number else [] for number in range(self._streams)))
            for item in found
        ]

    def before(self, horizon: str | None) -> list[tuple[str, ItemT]]:
        """What is waiting under keys before the horizon; all of it without one."""
        at = len(self._waiting) if horizon is None else bisect_left(self._waiting, horizon, key=_key)
        found, self._waiting = self._waiting[:at], self._waiting[at:]
        return found
