import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.joining import Held, OutOfOrderError, cogroup

Pair = tuple[str, tuple[int, ...]]
KEYS = st.text("ab", max_size=3)
STREAMS = st.lists(st.lists(KEYS, max_size=12).map(sorted), min_size=1, max_size=4)
CUTS = st.lists(st.integers(0, 14), max_size=6)


def cut(pairs: list[Pair], cuts: list[int]) -> list[list[Pair]]:
    """The pairs in portions, some of them empty."""
    bounds = [0, *sorted(min(at, len(pairs)) for at in cuts), len(pairs)]
    return [pairs[low:high] for low, high in pairwise(bounds)]


async def portions(of: list[list[Pair]], fetched: list[str] | None = None) -> AsyncIterator[list[Pair]]:
    for portion in of:
        if fetched is not None:
            fetched.extend(key for key, _ in portion)
        yield portion


def grouped(streams: list[list[list[Pair]]]) -> list[Held[int]]:
    async def run() -> list[Held[int]]:
        return [held async for portion in cogroup([portions(stream) for stream in streams]) for held in portion]

    return asyncio.run(run())


def by_hand(streams: list[list[Pair]]) -> dict[str, list[list[int]]]:
    held: defaultdict[str, list[list[int]]] = defaultdict(lambda: [[] for _ in streams])
    for number, stream in enumerate(streams):
        for key, item in stream:
            held[key][number] += item
    return held


@given(STREAMS, st.lists(CUTS, min_size=4, max_size=4))
def test_whatever_the_portions_every_item_is_held_once_under_its_key(
    keys: list[list[str]], cuts: list[list[int]]
) -> None:
    streams: list[list[Pair]] = [
        [(key, (100 * number + at,)) for at, key in enumerate(of)] for number, of in enumerate(keys)
    ]
    found = grouped([cut(stream, where) for stream, where in zip(streams, cuts, strict=False)])
    with_key = [held for held in found if held[0]]
    assert [key for key, _ in with_key] == sorted({key for of in keys for key in of if key})
    expected = by_hand(streams)
    without = [item for of in expected.pop("", []) for item in of]
    assert {key: [[*of] for of in items] for key, items in with_key} == expected
    alone = [[item for of in items for item in of] for key, items in found if not key]
    assert sorted(alone) == [[item] for item in sorted(without)]


def test_no_more_is_taken_out_of_a_stream_than_the_others_have_come_to() -> None:
    async def run() -> None:
        fetched: list[str] = []
        far: list[list[Pair]] = [[(f"{letter}{n}", (n,)) for n in range(3)] for letter in "bcdef"]
        near: list[list[Pair]] = [[("a", (0,))], [("b1", (0,))], [("c", (0,))]]
        walk = cogroup([portions(near), portions(far, fetched)])
        assert [key for key, _ in await anext(walk)] == ["a", "b0"]
        assert fetched == ["b0", "b1", "b2"]

    asyncio.run(run())


@pytest.mark.parametrize(
    "stream", [[[("b", (1,)), ("a", (2,))]], [[("b", (1,))], [("a", (2,))]], [[("b", (1,))], [], [("aa", (2,))]]]
)
def test_a_stream_that_does_not_ascend_is_named(stream: list[list[Pair]]) -> None:
    with pytest.raises(OutOfOrderError, match="comes after 'b'") as caught:
        grouped([[[("a", (0,))], [("c", (0,))]], stream])
    assert caught.value.stream == 1


def test_nothing_in_any_stream_gives_nothing() -> None:
    assert grouped([]) == []
    assert grouped([[], [[]]]) == []
