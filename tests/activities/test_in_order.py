import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

from activities.in_order import InOrder
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.sets(st.text("abc", min_size=1, max_size=4), max_size=20).map(sorted)
CUTS = st.lists(st.integers(0, 25), max_size=8)


def cut(names: list[str], cuts: list[int]) -> list[list[str]]:
    """The names in portions, some of them empty."""
    bounds = [0, *sorted(min(cut, len(names)) for cut in cuts), len(names)]
    return [names[low:high] for low, high in pairwise(bounds)]


async def stream(portions: list[list[str]], fetched: list[str]) -> AsyncIterator[list[str]]:
    for portion in portions:
        fetched.extend(portion)
        yield portion


@given(NAMES, NAMES, CUTS)
def test_every_item_comes_once_beside_the_names_that_it_belongs_to_however_the_stream_is_cut(
    items: list[str], stops: list[str], cuts: list[int]
) -> None:
    async def run() -> None:
        portions, fetched = cut(items, cuts), list[str]()
        walk, before = InOrder(stream(portions, fetched), str), ""
        for last in stops:
            assert await walk.upto(last) == [item for item in items if before < item <= last]
            # Nothing is read before its time: only the last portion may reach behind the name.
            assert len([item for item in fetched if item > last]) <= max(map(len, portions))
            before = last
        assert [item async for left in walk.rest() for item in left] == [item for item in items if item > before]

    asyncio.run(run())


async def test_no_items_and_no_portions_are_no_trouble() -> None:
    walk = InOrder(stream([[], []], []), str)
    assert await walk.upto("a") == []
    assert await walk.upto("b") == []
    assert [left async for left in walk.rest() if left] == []
