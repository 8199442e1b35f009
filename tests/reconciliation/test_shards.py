import json
from itertools import accumulate

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciliation.shards import MAX_SHARDS, Shard, shard_of, shard_sizes, shortest_prefix_between

# Storage allows a-z, 0-9, hyphens and $ today; the plan must hold whatever a name begins with.
NAMES = st.sets(st.text(st.sampled_from("$-0129abcfxz~éÿ\U0001f600"), min_size=1, max_size=4), max_size=60).map(sorted)
ANY_NAME = st.text(max_size=6)


def plan_shards(names: list[str], per_shard: int) -> list[Shard]:
    """The shards of ascending names, as a plan makes them of one portion after the other."""
    shards: list[Shard] = []
    for part in cut(names, shard_sizes(len(names), per_shard)):
        before = names[sum(shard.containers for shard in shards) - 1] if shards else ""
        shards.append(shard_of(len(shards), before, part))
    return shards


def cut(names: list[str], sizes: list[int]) -> list[list[str]]:
    """The names in runs of those sizes."""
    ends = list(accumulate(sizes))
    return [names[end - size : end] for size, end in zip(sizes, ends, strict=True)]


def owners(shards: list[Shard], name: str) -> list[int]:
    """The shards that own a name: from their start up to the next one's start."""
    ends = [shard.start for shard in shards[1:]]
    return [
        shard.index
        for position, shard in enumerate(shards)
        if shard.start <= name and (position == len(ends) or name < ends[position])
    ]


@given(NAMES, st.integers(1, 10), st.lists(ANY_NAME))
@example([], 5, ["", "a", "\U0010ffff"])
@example(["$logs", "$root", "$web"], 1, ["", "$", "0", "\U0010ffff"])
def test_every_name_there_is_or_can_be_falls_in_exactly_one_shard(
    names: list[str], per_shard: int, others: list[str]
) -> None:
    shards = plan_shards(names, per_shard)
    assert shards[0].start == ""
    for name in (*names, *others):
        assert len(owners(shards, name)) == 1


@given(NAMES, st.integers(1, 10))
def test_the_slices_are_the_listing_and_each_holds_its_own_names(names: list[str], per_shard: int) -> None:
    shards = plan_shards(names, per_shard)
    assert [shard.index for shard in shards] == list(range(len(shards)))
    assert sum(shard.containers for shard in shards) == len(names)
    slices = cut(names, [shard.containers for shard in shards])
    assert [name for part in slices for name in part] == names
    for shard, part in zip(shards, slices, strict=True):
        assert len(part) == shard.containers
        assert all(owners(shards, name) == [shard.index] for name in part)


@given(st.integers(0, 3000), st.integers(1, 700))
@example(0, 500)
@example(256 * 2 + 1, 1)
def test_shards_are_few_and_even(count: int, per_shard: int) -> None:
    sizes = shard_sizes(count, per_shard)
    assert 1 <= len(sizes) <= MAX_SHARDS
    assert sum(sizes) == count
    assert max(sizes) - min(sizes) <= 1
    if len(sizes) < MAX_SHARDS:
        assert max(sizes) <= per_shard
    if count:
        assert min(sizes) > 0


def test_a_large_account_gets_larger_shards_instead_of_more() -> None:
    sizes = shard_sizes(200_000, 500)
    assert len(sizes) == MAX_SHARDS == 256
    assert set(sizes) == {781, 782}


@pytest.mark.parametrize(
    ("before", "names"), [("", ["b", "a"]), ("", ["a", "a"]), ("", ["a", "B"]), ("", [""]), ("b", ["b"]), ("b", ["a"])]
)
def test_a_listing_that_lost_its_place_is_refused(before: str, names: list[str]) -> None:
    with pytest.raises(ValueError, match="not ascending"):
        shard_of(1, before, names)


@given(ANY_NAME, ANY_NAME)
def test_a_shard_begins_with_the_shortest_prefix_that_still_sorts_behind_the_name_before(one: str, two: str) -> None:
    before, after = sorted((one, two))
    if before == after:
        with pytest.raises(ValueError, match="does not sort before"):
            shortest_prefix_between(before, after)
        return
    start = shortest_prefix_between(before, after)
    assert after.startswith(start)
    assert before < start <= after
    assert start[:-1] <= before


@given(st.builds(Shard, st.integers(0, 255), ANY_NAME, st.integers(0, 2**63 - 1)))
def test_a_shard_survives_the_plan_file(shard: Shard) -> None:
    assert Shard.from_json(json.loads(json.dumps(shard.to_json()))) == shard
