"""What is opened, in which shards; and what was read and cannot be trusted ends in no plan."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given

from activities.plan import plan_audit
from adapters.store.jsonl import pack, unpack
from profiles.pre_capture_sessions.options import MODES
from profiles.pre_capture_sessions.profile import PreCaptureSessions
from profiles.pre_capture_sessions.selection import select
from reconciliation.errors import RunStoreError
from reconciliation.looks import Group
from reconciliation.plan import Plan
from reconciliation.profile import Open, Skip
from tests.activities.audits import Audit, audit_of, audits, folder, named, request
from tests.activities.memory import MemoryStorage
from tests.profiles.pre_capture_sessions.world import AS_OF, IN_FAST_MODE, PARAMETERS, row, session


@given(audits())
def test_the_plan_holds_what_was_selected_and_counts_what_was_not(audit: Audit) -> None:
    async def run() -> tuple[Plan, list[str]]:
        answer, plan = await audit.planned(), await audit.store.plans.existing(folder())
        assert answer == {"ok": True, "shards": len(plan.shards), "max_passes": plan.max_passes}
        units = [unit for one in plan.shards for unit in await audit.store.plans.units(folder(), one)]
        assert all(hint is None for _, hint in units)
        return plan, [name for name, _ in units]

    plan, names = asyncio.run(run())
    assert (plan.listed, plan.as_of) == (len(audit.account), AS_OF)
    assert sum(planned.shard.units for planned in plan.shards) == len(names)
    registered = {known.recording_id: known for known in audit.database.rows}
    opened = {
        name: select(Group(name, ([name], [registered[name]] if name in registered else [], [])), audit.parameters)
        for name in sorted(audit.account)
    }
    assert names == [name for name, found in opened.items() if isinstance(found, Open)]
    reasons = [found.reason for found in opened.values() if isinstance(found, Skip)]
    assert plan.skipped == {reason: reasons.count(reason) for reason in reasons}


async def test_a_shard_holds_no_more_than_it_may() -> None:
    audit = audit_of(account=named(**{f"r{number}": [] for number in range(7)}), sizes=(3, 1000))
    assert (await audit.planned())["shards"] == 3
    plan = await audit.store.plans.existing(folder())
    assert sorted(planned.shard.units for planned in plan.shards) == [2, 2, 3]


async def test_a_profile_of_large_units_has_fewer_of_them_in_a_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    audit = audit_of(account=named(**{f"r{number}": [] for number in range(7)}), sizes=(3, 1000))
    assert PreCaptureSessions.scan is not None
    monkeypatch.setattr(PreCaptureSessions, "scan", replace(PreCaptureSessions.scan, together=2))
    assert (await audit.planned())["shards"] == 4


@pytest.mark.parametrize("mode", MODES)
async def test_an_account_without_a_container_has_no_shard_and_ends_incomplete(mode: str) -> None:
    audit = audit_of(session(), parameters=replace(PARAMETERS, mode=mode))
    assert (await audit.planned())["shards"] == 0
    report = json.loads(await audit.judged())
    assert report["outcome"]["word"] == "incomplete"
    assert report["headline"].startswith("production: This audit is incomplete: 0 of 0 containers read")
    assert "storage listed no container at all" in report["headline"]
    assert report["counts"]["capture_session"]["unverified"] == 1


# --- what cannot be trusted ---------------------------------------------------------------------------------------


async def test_a_container_that_was_listed_twice_ends_in_no_plan() -> None:
    class Twice(MemoryStorage):
        async def containers(self) -> AsyncIterator[list[str]]:
            yield ["a", "b"]
            yield ["b"]

    audit = audit_of()
    audit.outside.storage = Twice({})
    with pytest.raises(RunStoreError, match=r"'b' was listed twice.* is not kept: resume the audit"):
        await audit.planned()
    assert f"{folder()}/plan.json" not in audit.files
    audit.outside.storage = MemoryStorage(named(a=[], b=[]))
    assert (await audit.planned())["shards"] == 1, "a resume lists the account again"


@pytest.mark.parametrize("source", ["containers", "registered"])
async def test_what_does_not_ascend_although_it_should_ends_in_no_plan(source: str) -> None:
    account, rows = named(a=[], b=[], c=[]), sorted([row("a"), row("b")])
    audit = audit_of(account=account, rows=rows, parameters=IN_FAST_MODE)  # a full audit opens whatever has a row
    await audit.pulled()
    path = f"{folder()}/rows/{source}.jsonl.gz"
    audit.files[path] = pack(reversed(unpack(audit.files[path])))
    told = f"The source {source} does not come in the order of its keys: .* is not kept: resume the audit"
    with pytest.raises(RunStoreError, match=told):
        await plan_audit(request(), audit.services)
    assert (await audit.planned())["shards"] == 1, "a resume reads it again"


@pytest.mark.parametrize(
    "names", [pack(["a", "a"]), b"\x1f", gzip.compress(b"["), pack([1, 2])], ids=["twice", "cut", "no JSON", "no names"]
)
async def test_what_cannot_be_trusted_is_not_kept_and_a_resume_reads_containers_and_rows_again(names: bytes) -> None:
    audit = audit_of(account=named(a=[], b=[]))
    await audit.pulled()
    audit.files[f"{folder()}/rows/containers.jsonl.gz"] = names
    with pytest.raises(RunStoreError, match="What was read is not kept: resume the audit"):
        await plan_audit(request(), audit.services)
    assert [await audit.store.rows.pulled(folder(), run) for run in (0, 1)] == [None, None], (
        "the rows would be older than the listing"
    )
    assert (await audit.planned())["shards"] == 1


@pytest.mark.parametrize("source", ["containers", "registered"])
async def test_rows_that_were_lost_between_reading_and_the_plan_end_in_no_plan(source: str) -> None:
    account, rows = named(a=[], b=[], c=[], d=[]), sorted([row("a"), row("b"), row("c")])
    audit = audit_of(account=account, rows=rows, parameters=IN_FAST_MODE)
    await audit.pulled()
    path = f"{folder()}/rows/{source}.jsonl.gz"
    audit.files[path] = pack(unpack(audit.files[path])[:2])
    with pytest.raises(RunStoreError, match=r"it holds 2 of \d rows"):
        await plan_audit(request(), audit.services)
    assert f"{folder()}/plan.json" not in audit.files
    assert (await audit.planned())["shards"] == 1, "a resume stops where the audit failed"


async def test_an_audit_that_was_not_read_to_its_end_has_no_plan() -> None:
    audit = audit_of(account=named(a=[]))
    await audit.pulled()
    del audit.files[f"{folder()}/pulled/1.json"]
    with pytest.raises(RunStoreError, match="has not been read to its end"):
        await plan_audit(request(), audit.services)
    assert f"{folder()}/plan.json" not in audit.files
