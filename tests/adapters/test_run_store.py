import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from adapters.blob_store import BlobStore
from adapters.jsonl import pack
from adapters.run_store import RunStore
from reconciliation.candidates import Candidate, RegisteredRecording
from reconciliation.errors import RunStoreError
from reconciliation.evidence import ContainerEvidence, MediaFile, Unread
from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome
from reconciliation.parameters import AuditParameters
from reconciliation.plan import Plan
from reconciliation.run_record import RunRecord
from reconciliation.shards import plan_shards

AT = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)
AUDIT = "20260131-093000-1a2b3c4d"
PROFILE = "pre-capture-sessions"
PARAMETERS = AuditParameters(PROFILE, ("NO_RECORDING", "NULL"), 60, since=AT - timedelta(days=9))
RECORD = RunRecord(AUDIT, State.QUEUED, PARAMETERS, created_at=AT, updated_at=AT)
KEY = "0123456789abcdef0123456789abcdef"
SEEN = ContainerEvidence(
    "b", 3, (MediaFile(f"{KEY}_ü & <take>\u2028.mp4", KEY, 7, AT.replace(microsecond=0)),), 1, 1, 700, AT
)
GONE = Unread("c", "deleted during the scan", failed=False)
LOST = Unread("d", "Cannot list container 'd': storage answered 403.", failed=True)


async def planned(store: RunStore, names: list[str], per_shard: int) -> Plan:
    plan = Plan(AT, settle_minutes=20, max_passes=3, listed=len(names), shards=())
    return await store.write_plan(AUDIT, plan, names, plan_shards(names, per_shard))


# --- the guard --------------------------------------------------------------------------------------------------------


async def test_of_twenty_claims_at_once_one_wins_and_is_named(store: RunStore) -> None:
    assert await store.active(PROFILE) is None
    won = await asyncio.gather(*(store.claim(PROFILE, f"audit-{n}", AT, None) for n in range(20)))
    assert won.count(True) == 1
    active = await store.active(PROFILE)
    assert active is not None
    assert (active.audit_id, active.since) == (f"audit-{won.index(True)}", AT)


async def test_of_twenty_successors_at_once_one_wins(store: RunStore) -> None:
    await store.claim(PROFILE, "ended", AT, None)
    ended = await store.active(PROFILE)
    won = await asyncio.gather(*(store.claim(PROFILE, f"audit-{n}", AT, ended) for n in range(20)))
    assert won.count(True) == 1
    active = await store.active(PROFILE)
    assert active is not None
    assert active.audit_id == f"audit-{won.index(True)}"


async def test_profiles_do_not_stand_in_each_others_way(store: RunStore) -> None:
    assert await store.claim("one", "a", AT, None)
    assert await store.claim("other", "b", AT, None)
    assert not await store.claim("one", "c", AT, None)


# --- the record -------------------------------------------------------------------------------------------------------


async def test_a_record_comes_back_as_it_was(store: RunStore) -> None:
    assert await store.record(AUDIT) is None
    await store.create_record(RECORD)
    assert await store.record(AUDIT) == RECORD


async def test_an_audit_is_never_created_twice(store: RunStore) -> None:
    results = await asyncio.gather(*(store.create_record(RECORD) for _ in range(10)), return_exceptions=True)
    assert results.count(None) == 1
    assert all(isinstance(result, RunStoreError) for result in results if result is not None)


async def test_the_first_of_many_ends_stays_and_everybody_is_told_it(store: RunStore) -> None:
    await store.create_record(RECORD)
    states = [State.COMPLETED, State.INCOMPLETE, State.FAILED, State.CANCELLED] * 5
    ends = [RECORD.ended(state, AT, outcome=Outcome.FAILED, error=str(n)) for n, state in enumerate(states)]
    told = await asyncio.gather(*(store.end(end) for end in ends))
    stored = await store.record(AUDIT)
    assert stored in ends
    assert all(record == stored for record in told)
    later = RECORD.ended(State.COMPLETED, AT + timedelta(hours=1), outcome=Outcome.CLEAN)
    assert await store.end(later) == stored
    assert await store.record(AUDIT) == stored


async def test_an_audit_that_was_never_started_cannot_end(store: RunStore) -> None:
    await store.ready()
    with pytest.raises(RunStoreError, match=f"no audit {AUDIT}"):
        await store.end(RECORD.ended(State.FAILED, AT, outcome=Outcome.FAILED))


async def test_audits_are_listed_newest_first_without_the_guards(store: RunStore, blobs: BlobStore) -> None:
    assert await store.audit_ids() == []
    ids = ["20260131-093000-00000000", "20251231-235959-ffffffff", "20260131-093001-00000000"]
    await asyncio.gather(*(blobs.write(f"{audit_id}/run.json", b"{}") for audit_id in ids))
    await store.claim(PROFILE, ids[0], AT, None)
    assert await store.audit_ids() == sorted(ids, reverse=True)


# --- plan and rows ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("per_shard", [1, 3, 7, 100])
async def test_each_shard_reads_its_own_names_and_together_they_are_all(store: RunStore, per_shard: int) -> None:
    names = sorted({f"{n * 7919 % 100_003:05}-name" for n in range(25)} | {"$web"})
    plan = await planned(store, names, per_shard)
    assert await store.plan(AUDIT) == plan
    parts = [await store.container_names(AUDIT, shard) for shard in plan.shards]
    assert [name for part in parts for name in part] == names
    assert [len(part) for part in parts] == [shard.shard.containers for shard in plan.shards]


async def test_an_empty_account_has_a_plan_of_one_empty_shard(store: RunStore) -> None:
    plan = await planned(store, [], 500)
    assert [await store.container_names(AUDIT, shard) for shard in plan.shards] == [[]]


async def test_an_audit_without_a_plan_says_so(store: RunStore) -> None:
    assert await store.plan(AUDIT) is None
    with pytest.raises(RunStoreError, match=r"has no plan .* Start a new audit"):
        await store.planned(AUDIT)


async def test_names_that_are_not_those_of_the_plan_are_refused(store: RunStore, blobs: BlobStore) -> None:
    plan = await planned(store, ["a", "b", "c"], 2)
    await blobs.write(f"{AUDIT}/containers.jsonl.gz", pack([]))
    with pytest.raises(RunStoreError, match="Start a new audit"):
        await store.container_names(AUDIT, plan.shards[0])


def candidate(session: int) -> Candidate:
    return Candidate(
        session_id=f"00000000-0000-0000-0000-{session:012}", status=None, started_at=AT, finished_at=None,
        scheduled_for=AT, deleted_at=None, booking_id="b", case_id="c", case_state="OPEN", case_live=True,
        live_recordings=0, deleted_recordings=1, row_token="7",
    )  # fmt: skip


async def test_rows_come_back_as_they_were_and_are_there_only_when_all_are(store: RunStore, blobs: BlobStore) -> None:
    candidates = [candidate(n) for n in range(3)]
    registered = [RegisteredRecording(f"r{n}", "s", deleted=n == 1) for n in range(3)]
    assert not await store.has_rows(AUDIT)
    await blobs.write(f"{AUDIT}/registered.jsonl.gz", pack(row.to_json() for row in registered))
    assert not await store.has_rows(AUDIT)
    await store.write_rows(AUDIT, candidates, registered)
    assert await store.has_rows(AUDIT)
    assert await store.candidates(AUDIT) == candidates
    assert await store.registered(AUDIT) == registered


async def test_rows_that_were_never_pulled_are_not_taken_for_none(store: RunStore) -> None:
    with pytest.raises(RunStoreError, match=r"has no candidates\.jsonl\.gz"):
        await store.candidates(AUDIT)
    with pytest.raises(RunStoreError, match=r"has no registered\.jsonl\.gz"):
        await store.registered(AUDIT)


@pytest.mark.parametrize("name", ["candidates.jsonl.gz", "shards/0000.jsonl.gz"])
async def test_a_damaged_artefact_is_named(store: RunStore, blobs: BlobStore, name: str) -> None:
    await blobs.write(f"{AUDIT}/{name}", pack([{"container": "a"}])[:-4])
    with pytest.raises(RunStoreError, match=f"{AUDIT}/{name} in container .* is damaged. Start a new audit"):
        await (store.candidates(AUDIT) if name.startswith("c") else store.shard(AUDIT, 0))


# --- shards -----------------------------------------------------------------------------------------------------------


async def test_a_shard_comes_back_as_it_was(store: RunStore) -> None:
    assert await store.shard(AUDIT, 0) is None
    counts = await store.write_shard(AUDIT, 0, 1, [SEEN, GONE, LOST])
    assert counts == {"scanned": 1, "skipped": 1, "failed": 1, "blobs": 3}
    assert await store.shard(AUDIT, 0) == [SEEN, GONE, LOST]


async def test_the_containers_of_a_shard_without_a_result_come_back_as_failed(store: RunStore) -> None:
    plan = await planned(store, ["b", "c", "d", "e", "f"], 3)
    await store.write_shard(AUDIT, 0, 1, [SEEN, GONE])
    records = [record async for record in store.all_records(AUDIT, plan)]
    assert records[:2] == [SEEN, GONE]
    lost = [record for record in records[2:] if isinstance(record, Unread) and record.failed]
    assert [record.container for record in lost] == ["d", "e", "f"]


async def test_artefacts_tell_how_far_each_shard_has_come(store: RunStore) -> None:
    empty = await store.artefacts(AUDIT)
    assert (empty.names, dict(empty.shards), empty.last_modified, empty.scan_started_at) == (
        frozenset(),
        {},
        None,
        None,
    )

    await store.create_record(RECORD)
    await store.write_rows(AUDIT, [], [])
    await store.write_progress(AUDIT, 0, [SEEN])
    await store.write_progress(AUDIT, 1, [SEEN])
    await store.write_shard(AUDIT, 1, 2, [SEEN, LOST])
    await store.write_report(AUDIT, "json", b"{}")
    found = await store.artefacts(AUDIT)

    assert {"run.json", "candidates.jsonl.gz", "registered.jsonl.gz", "report.json"} <= found.names
    assert [(n, s.done, s.scanned, s.failed, s.blobs) for n, s in sorted(found.shards.items())] == [
        (0, False, 1, 0, 3),
        (1, True, 1, 1, 3),
    ]
    assert found.scan_started_at is not None
    assert found.last_modified is not None
    assert found.last_modified >= found.scan_started_at


async def test_artefacts_of_another_audit_are_not_seen(store: RunStore) -> None:
    await store.write_report(f"{AUDIT}0", "json", b"{}")
    assert (await store.artefacts(AUDIT)).names == frozenset()


@pytest.mark.parametrize(("form", "name"), [("json", "report.json"), ("csv", "findings.csv"), ("html", "report.html")])
async def test_each_form_of_the_report_has_its_file(store: RunStore, blobs: BlobStore, form: str, name: str) -> None:
    assert await store.report(AUDIT, form) is None
    await store.write_report(AUDIT, form, "ü".encode())
    assert await store.report(AUDIT, form) == "ü".encode()
    assert await blobs.exists(f"{AUDIT}/{name}")


async def test_every_json_artefact_has_a_schema_version_and_says_whether_it_is_complete(
    store: RunStore, blobs: BlobStore
) -> None:
    await store.create_record(RECORD)
    await store.claim(PROFILE, AUDIT, AT, None)
    await planned(store, ["a"], 1)
    found = [blob.path async for blob in blobs.listing("") if blob.path.endswith(".json")]
    assert sorted(found) == [f"{AUDIT}/plan.json", f"{AUDIT}/run.json", f"active/{PROFILE}.json"]
    for path in found:
        stored = await blobs.read(path)
        assert stored is not None
        document = json.loads(stored.data)
        assert document["schema_version"] == 1
        assert document["complete"] is (path != f"{AUDIT}/run.json")
