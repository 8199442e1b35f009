"""A merge join of several ascending streams by key, in portions."""

from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from itertools import chain, pairwise, repeat
from operator import itemgetter, le
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")
Pair = tuple[str, tuple[ItemT, ...]]
"""A key and a stream's items under it; items without a key are under ``""``."""
_key = itemgetter(0)


Held = tuple[str, tuple[tuple[ItemT, ...], ...]]
"""A key and the items of each stream under it, in the order of the stream."""


class OutOfOrderError(ValueError):
    """A stream does not ascend; ``stream`` is its number."""

    def __init__(self, stream: int, before: str, after: str) -> None:
        self.stream = stream
        super().__init__(f"{after!r} comes after {before!r}")


async def cogroup(streams: Sequence[AsyncIterator[list[Pair[ItemT]]]]) -> AsyncIterator[list[Held[ItemT]]]:
    """All items of all streams by key, ascending, in portions; each item once. An item without a key is a group alone.

    Streams come in portions of any size and ascend; a key may come several times. Keeps one portion of each stream and
    all items of one key in memory. Raises ``OutOfOrderError`` where a stream does not ascend.
    """
    ahead = [_Ahead(number, stream) for number, stream in enumerate(streams)]
    while True:
        for stream in ahead:
            await stream.fill()
        if keyless := [_alone(stream.number, item, len(ahead)) for stream in ahead for item in stream.without_key()]:
            yield keyless
        # What is under a stream's last key may go on in its next portion.
        horizon = min((stream.last for stream in ahead if not stream.ended), default=None)
        if held := _side_by_side([stream.before(horizon) for stream in ahead]):
            yield held
        if horizon is None:
            return
        for stream in ahead:
            if stream.last == horizon:
                await stream.fetch()


def _side_by_side(taken: Sequence[list[Pair[ItemT]]]) -> list[Held[ItemT]]:
    # A million keys go through here, so the loops are the standard library's.
    columns = [_by_key(pairs) for pairs in taken]
    keys = [*dict.fromkeys(sorted(chain.from_iterable(columns)))]
    empty: repeat[tuple[ItemT, ...]] = repeat(())
    return [*zip(keys, zip(*(map(column.get, keys, empty) for column in columns), strict=True), strict=True)]


def _by_key(pairs: list[Pair[ItemT]]) -> dict[str, tuple[ItemT, ...]]:
    found = dict(pairs)
    if len(found) < len(pairs):
        found = dict.fromkeys(found, ())
        for key, items in pairs:
            found[key] += items
    return found


def _alone(number: int, item: ItemT, streams: int) -> Held[ItemT]:
    return "", tuple((item,) if at == number else () for at in range(streams))


class _Ahead(Generic[ItemT]):
    """One stream, and the items that were read from it ahead of time."""

    def __init__(self, number: int, portions: AsyncIterator[list[Pair[ItemT]]]) -> None:
        self.number = number
        self._portions = portions
        self._waiting: list[Pair[ItemT]] = []
        self._keyless: list[ItemT] = []
        self.last = ""
        self.ended = False

    async def fill(self) -> None:
        """Read until an item is waiting or the stream has ended."""
        while not self._waiting and not self.ended:
            await self.fetch()

    async def fetch(self) -> None:
        """Read one more portion, if there is one."""
        portion = await anext(self._portions, None)
        if portion is None:
            self.ended = True
            return
        keys = [*map(_key, portion)]
        if not all(keys):
            self._keyless += [item for key, items in portion if not key for item in items]
            portion = [pair for pair in portion if pair[0]]
            keys = [*map(_key, portion)]
        if not all(map(le, [self.last, *keys], keys)):
            before, after = next(pair for pair in pairwise([self.last, *keys]) if pair[0] > pair[1])
            raise OutOfOrderError(self.number, before, after)
        if keys:
            self.last = keys[-1]
            self._waiting += portion

    def without_key(self) -> list[ItemT]:
        """The items without a key since the last call."""
        found, self._keyless = self._keyless, []
        return found

    def before(self, horizon: str | None) -> list[Pair[ItemT]]:
        """The waiting items under keys before ``horizon``; all of them if it is None."""
        at = len(self._waiting) if horizon is None else bisect_left(self._waiting, horizon, key=_key)
        found, self._waiting = self._waiting[:at], self._waiting[at:]
        return found
