import json
from dataclasses import replace
from datetime import timedelta
from itertools import accumulate, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciliation.clock import Clock
from reconciliation.plan import Block, Plan, PlannedShard, shards_of
from reconciliation.shards import MAX_SHARDS, Shard, shard_sizes
from tests.profiles.pre_capture_sessions.strategies import moments, texts
from tests.profiles.pre_capture_sessions.world import AS_OF, PARAMETERS

COUNTS = st.integers(0, 10**9)
PLANNED = st.builds(PlannedShard, st.builds(Shard, st.just(0), texts(), COUNTS), COUNTS, COUNTS)


def adding_up(plan: Plan) -> Plan:
    """The same plan with its shards numbered in order, and as many containers listed as it accounts for."""
    shards = tuple(
        replace(planned, shard=replace(planned.shard, index=index)) for index, planned in enumerate(plan.shards)
    )
    listed = sum(planned.shard.units for planned in shards) + sum(plan.skipped.values())
    return replace(plan, shards=shards, listed=listed)


PLANS = st.builds(
    Plan,
    as_of=moments(),
    settle_minutes=st.integers(0, 10_080),
    max_passes=st.integers(1, 9),
    listed=st.just(0),
    skipped=st.dictionaries(texts(), st.integers(1, 10**9)),
    shards=st.lists(PLANNED, max_size=4).map(tuple),
    storage_ahead_seconds=st.integers(-100_000, 100_000),
    database_ahead_seconds=st.integers(-100_000, 100_000),
    api_ahead_seconds=st.integers(-100_000, 100_000),
).map(adding_up)


@given(PLANS)
def test_a_plan_survives_the_run_store(plan: Plan) -> None:
    written = json.loads(json.dumps(plan.to_json()))
    assert Plan.from_json(written) == plan
    assert written["schema_version"] == 1
    assert written["complete"] is True


def test_verdicts_are_given_by_the_frozen_moment_and_the_requests_grace() -> None:
    plan = replace(
        Plan(AS_OF, settle_minutes=20, max_passes=3, listed=0, skipped={}, shards=()),
        storage_ahead_seconds=600,
        database_ahead_seconds=-60,
        api_ahead_seconds=180,
    )
    hour, settle, storage, database, api = (timedelta(minutes=minutes) for minutes in (60, 20, 10, -1, 3))
    clock = plan.clock(PARAMETERS, AS_OF + hour, settle)
    assert clock == Clock(AS_OF, hour, settle, AS_OF + hour, settle, storage, database, api)


# --- shards out of blocks -----------------------------------------------------------------------------------------

# Storage allows a-z, 0-9, hyphens and $ today; the plan must hold whatever a name begins with.
NAMES = st.sets(st.text(st.sampled_from("$-0129abcfxz~éÿ\U0001f600"), min_size=1, max_size=4), max_size=60).map(sorted)
SIZES = st.lists(st.integers(1, 6), min_size=60, max_size=60)
ANY_NAME = st.text(max_size=6)


def blocks_of(names: list[str], sizes: list[int]) -> list[Block]:
    """The names in blocks of these sizes, a byte for each name."""
    ends = [min(end, len(names)) for end in accumulate(sizes)]
    return [
        Block(names[low], names[high - 1], high - low, low, high - low)
        for low, high in pairwise([0, *ends])
        if low < high
    ]


def held(names: list[str], shards: tuple[PlannedShard, ...]) -> list[list[str]]:
    """The names that each shard points to."""
    return [names[planned.offset : planned.offset + planned.length] for planned in shards]


def owners(shards: tuple[PlannedShard, ...], name: str) -> list[int]:
    """The shards that own a name: from their start up to the next one's start."""
    starts = [planned.shard.start for planned in shards]
    return [
        index
        for index, start in enumerate(starts)
        if start <= name and (index + 1 == len(starts) or name < starts[index + 1])
    ]


@given(NAMES, SIZES, st.integers(1, 10))
def test_the_shards_hold_every_unit_once_in_order(names: list[str], sizes: list[int], per_shard: int) -> None:
    shards = shards_of(blocks_of(names, sizes), per_shard)
    assert [name for part in held(names, shards) for name in part] == names
    assert [planned.shard.index for planned in shards] == list(range(len(shards)))
    assert [planned.shard.units for planned in shards] == [planned.length for planned in shards]
    assert all(planned.length for planned in shards)


@given(NAMES, SIZES, st.integers(1, 10), st.lists(ANY_NAME))
@example(["$logs", "$root", "$web"], [1] * 60, 1, ["", "$", "0", "\U0010ffff"])
def test_every_name_there_is_or_can_be_falls_in_exactly_one_shard(
    names: list[str], sizes: list[int], per_shard: int, others: list[str]
) -> None:
    shards = shards_of(blocks_of(names, sizes), per_shard)
    assert not shards or shards[0].shard.start == ""
    for name in (*names, *others) if shards else ():
        assert len(owners(shards, name)) == 1
    for index, part in enumerate(held(names, shards)):
        assert all(owners(shards, name) == [index] for name in part)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=700), st.integers(1, 100))
@example([1] * (256 * 2 + 1), 1)
def test_shards_are_few_and_as_even_as_blocks_allow(sizes: list[int], per_shard: int) -> None:
    total = sum(sizes)
    names = [f"{number:05}" for number in range(total)]
    shards = shards_of(blocks_of(names, sizes), per_shard)
    wanted, largest = shard_sizes(total, per_shard), max(sizes)
    assert 1 <= len(shards) <= len(wanted) <= MAX_SHARDS
    assert max(planned.length for planned in shards) < max(wanted) + largest
    if largest <= min(wanted):
        assert len(shards) == len(wanted)
        assert all(abs(planned.length - size) < largest for planned, size in zip(shards, wanted, strict=True)), (
            "each ends with the block in which it should"
        )


def test_where_there_is_nothing_to_open_there_is_no_shard() -> None:
    assert shards_of([], 500) == ()


@pytest.mark.parametrize(
    ("last", "first"), [("b", "a"), ("a", "a"), ("a", "B"), ("a", "")], ids=["before", "twice", "capital", "nothing"]
)
def test_units_that_do_not_ascend_are_refused(last: str, first: str) -> None:
    with pytest.raises(ValueError, match="not ascending"):
        shards_of([Block("A", last, 2, 0, 1), Block(first, "z", 2, 1, 1)], 500)
