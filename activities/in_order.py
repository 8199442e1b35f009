"""Walking through streams that ascend alike, side by side, a portion at a time."""

from bisect import bisect_right
from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")


class InOrder(Generic[ItemT]):
    """A stream of items in portions, ascending by their name, taken up to one name after the other.

    Holds what one portion has too much, and nothing more.
    """

    def __init__(self, portions: AsyncIterator[list[ItemT]], name: Callable[[ItemT], str]) -> None:
        self._portions = portions
        self._name = name
        self._waiting: list[ItemT] = []

    async def upto(self, last: str) -> list[ItemT]:
        """The items up to the given name, from where the last call ended. Names must ascend from call to call."""
        found: list[ItemT] = []
        while True:
            if self._waiting and self._name(self._waiting[-1]) > last:
                at = bisect_right(self._waiting, last, key=self._name)
                found += self._waiting[:at]
                self._waiting = self._waiting[at:]
                return found
            found += self._waiting
            portion = await anext(self._portions, None)
            self._waiting = portion or []
            if portion is None:
                return found

    async def rest(self) -> AsyncIterator[list[ItemT]]:
        """What is left, in portions."""
        yield self._waiting
        async for portion in self._portions:
            yield portion
