import json
import secrets
import weakref
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.store.blobs import BlobStore
from adapters.store.jsonl import pack
from adapters.store.run_store import RunStore
from reconciliation.errors import DatabaseUnavailableError, RunStoreError, UnreadableError
from reconciliation.plan import Block, Plan, shards_of
from tests.adapters.store import damages
from tests.adapters.store.portions import AUDIT, broken_off, paths, stream

AT = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)
UNPLANNED = Plan(AT, settle_minutes=20, max_passes=3, listed=3, skipped={"registered": 3}, shards=())

# The vendor's client sends blocks of 4 MB, for which aiohttp recommends another type.
pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")


def units(*names: str) -> list[list[Any]]:
    """Units as they are written, each with a hint of its own."""
    return [[name, {"of": name}] for name in names]


async def planned(store: RunStore, names: Sequence[str], per_shard: int, per_block: int = 1) -> Plan:
    blocks = [units(*names[at : at + per_block]) for at in range(0, len(names), per_block)]
    written = await store.plans.write_work(AUDIT, stream(*blocks))
    listed = len(names) + sum(UNPLANNED.skipped.values())
    plan = replace(UNPLANNED, listed=listed, shards=shards_of(written, per_shard))
    await store.plans.first(AUDIT, plan)
    return plan


@pytest.mark.parametrize("per_block", [1, 4, 30])
@pytest.mark.parametrize("per_shard", [1, 3, 7, 100])
async def test_each_shard_reads_its_own_units_with_their_hints_and_together_they_are_all(
    store: RunStore, per_shard: int, per_block: int
) -> None:
    names = sorted({f"{n * 7919 % 100_003:05}-name" for n in range(25)} | {"$web"})
    plan = await planned(store, names, per_shard, per_block)
    assert await store.plans.plan(AUDIT) == plan
    assert await store.plans.existing(AUDIT) == plan
    parts = [await store.plans.units(AUDIT, shard) for shard in plan.shards]
    assert [unit for part in parts for unit in part] == [(name, {"of": name}) for name in names]
    assert [len(part) for part in parts] == [shard.shard.units for shard in plan.shards]


async def test_where_there_is_nothing_to_open_there_is_no_shard(store: RunStore) -> None:
    plan = await planned(store, [], 500)
    assert plan.shards == ()
    assert await store.plans.existing(AUDIT) == plan


@pytest.mark.parametrize("before", [["a"], sorted(secrets.token_hex(512) for _ in range(10_000))], ids=["a", "5 MB"])
async def test_units_that_break_off_are_not_there(store: RunStore, blobs: BlobStore, before: list[str]) -> None:
    with pytest.raises(DatabaseUnavailableError, match="broke off"):
        await store.plans.write_work(AUDIT, broken_off(units(*before)))
    assert await paths(blobs) == []
    assert await store.plans.plan(AUDIT) is None


class Units(list[list[Any]]):
    """A block that can be watched."""

    __hash__ = object.__hash__  # type: ignore[assignment]


async def test_units_are_written_from_a_stream_and_one_block_is_held_at_a_time(store: RunStore) -> None:
    alive: weakref.WeakSet[Units] = weakref.WeakSet()
    most = 0

    async def blocks() -> AsyncIterator[list[list[Any]]]:
        nonlocal most
        for n in range(30):
            block = Units(units(f"{n:02}-name"))
            alive.add(block)
            most = max(most, len(alive))
            yield block
            del block

    written = await store.plans.write_work(AUDIT, blocks())
    assert most <= 2
    ends = [block.offset + block.length for block in written]
    assert [block.offset for block in written] == [0, *ends[:-1]]
    assert [(block.first, block.last, block.units) for block in written] == [
        (f"{n:02}-name", f"{n:02}-name", 1) for n in range(30)
    ]
    shards = shards_of(written, 1)
    assert [await store.plans.units(AUDIT, shard) for shard in shards] == [
        [(f"{n:02}-name", {"of": f"{n:02}-name"})] for n in range(30)
    ]


async def test_a_block_says_what_it_begins_and_ends_with(store: RunStore) -> None:
    [block] = await store.plans.write_work(AUDIT, stream(units("a", "b", "c")))
    assert block == Block("a", "c", 3, 0, block.length)


async def test_an_audit_without_a_plan_says_so(store: RunStore) -> None:
    assert await store.plans.plan(AUDIT) is None
    with pytest.raises(RunStoreError, match=r"has no plan .* Start a new audit"):
        await store.plans.existing(AUDIT)


async def test_a_plan_that_never_changes_is_read_once_by_all_its_shards(
    store: RunStore, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = await planned(store, ["a"], 1)
    assert await store.plans.existing(AUDIT) == plan
    monkeypatch.setattr(blobs, "read", None)
    assert await store.plans.existing(AUDIT) == plan


async def test_units_that_are_not_those_of_the_plan_are_refused(store: RunStore, blobs: BlobStore) -> None:
    plan = await planned(store, ["a", "b", "c"], 2)
    await blobs.write(f"{AUDIT}/work.jsonl.gz", pack([]))
    with pytest.raises(RunStoreError, match=r"has 0 units of 1 in .* Start a new audit"):
        await store.plans.units(AUDIT, plan.shards[0])


async def test_a_plan_whose_units_were_deleted_is_refused(store: RunStore, blobs: BlobStore) -> None:
    plan = await planned(store, ["a", "b", "c"], 2)
    await blobs.delete(f"{AUDIT}/work.jsonl.gz")
    with pytest.raises(RunStoreError, match=rf"no {AUDIT}/work\.jsonl\.gz in .* Start a new audit"):
        await store.plans.units(AUDIT, plan.shards[-1])


async def test_units_that_end_before_a_shard_begins_were_cut(store: RunStore, blobs: BlobStore) -> None:
    plan = await planned(store, ["a", "b", "c"], 2)
    await blobs.write(f"{AUDIT}/work.jsonl.gz", pack([]))
    with pytest.raises(UnreadableError, match=r"work\.jsonl\.gz in .* cannot be read: it was cut short"):
        await store.plans.units(AUDIT, plan.shards[-1])


async def test_a_plan_says_in_which_form_it_is_and_that_it_is_complete(store: RunStore, blobs: BlobStore) -> None:
    await planned(store, ["a"], 1)
    assert await paths(blobs) == ["plan.json", "work.jsonl.gz"]
    stored = await blobs.read(f"{AUDIT}/plan.json")
    assert stored is not None
    document = json.loads(stored.data)
    assert (document["schema_version"], document["complete"]) == (1, True)


# --- what somebody, or a later release, has touched -------------------------------------------------------------------


async def test_a_plan_that_this_release_does_not_write_is_named(store: RunStore, blobs: BlobStore) -> None:
    path = f"{AUDIT}/plan.json"
    for damage in damages.documents(UNPLANNED.to_json(), may_be_texts=set(), may_be_missing={"earliest"}):
        await blobs.write(path, damage)
        with pytest.raises(UnreadableError, match=rf"^{path} in container .* cannot be read: .+") as refused:
            await store.plans.existing(AUDIT)
        assert refused.value.path == path


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"listed": 41}, "not the 41 that were listed"),
        ({"skipped": {"registered": 4}}, "not the 40 that were listed"),
        ({"shards": []}, "not the 40 that were listed"),
        ({"skipped": {"registered": -3}}, "registered is not a whole number"),
    ],
)
async def test_a_plan_that_does_not_add_up_is_none(
    store: RunStore, blobs: BlobStore, change: dict[str, Any], why: str
) -> None:
    plan = await planned(store, [f"{n:02}" for n in range(37)], 10)
    await blobs.write(f"{AUDIT}/plan.json", json.dumps(plan.to_json() | change).encode())
    with pytest.raises(UnreadableError, match=why):
        await store.plans.plan(AUDIT)


async def test_a_plan_whose_shards_are_out_of_order_is_none(store: RunStore, blobs: BlobStore) -> None:
    plan = (await planned(store, ["a", "b"], 1)).to_json()
    await blobs.write(f"{AUDIT}/plan.json", json.dumps(plan | {"shards": plan["shards"][::-1]}).encode())
    with pytest.raises(UnreadableError, match="not numbered in order"):
        await store.plans.plan(AUDIT)


@pytest.mark.parametrize("line", [7, "ab", None, ["a"], ["a", None, None], [7, None], {"a": 1, "b": 2}])
async def test_units_that_this_release_does_not_write_are_named(store: RunStore, blobs: BlobStore, line: Any) -> None:
    plan = await planned(store, ["a"], 1)
    data = pack([line])
    await blobs.write(f"{AUDIT}/work.jsonl.gz", data)
    [shard] = plan.shards
    with pytest.raises(UnreadableError, match=r"work\.jsonl\.gz in container .* cannot be read"):
        await store.plans.units(AUDIT, replace(shard, length=len(data)))


async def test_units_that_were_cut_are_named(store: RunStore, blobs: BlobStore) -> None:
    plan = await planned(store, ["a", "b"], 2)
    stored = await blobs.read(f"{AUDIT}/work.jsonl.gz")
    assert stored is not None
    await blobs.write(f"{AUDIT}/work.jsonl.gz", stored.data[:-4])
    with pytest.raises(UnreadableError, match=r"work\.jsonl\.gz in container .* cannot be read"):
        await store.plans.units(AUDIT, plan.shards[-1])
