import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciliation.shards import MAX_SHARDS, Shard, shard_sizes, shortest_prefix_between, start_of

ANY_NAME = st.text(max_size=6)


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
    assert start_of(before, after) == (start if before else "")


def test_the_first_shard_begins_where_all_names_do() -> None:
    assert start_of("", "m") == ""


@given(st.builds(Shard, st.integers(0, 255), ANY_NAME, st.integers(0, 2**63 - 1)))
def test_a_shard_survives_the_plan_file(shard: Shard) -> None:
    assert Shard.from_json(json.loads(json.dumps(shard.to_json()))) == shard
