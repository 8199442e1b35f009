import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.audit_records import AuditRecords
from adapters.blob_store import BlobStore
from reconciliation.errors import RunStoreError
from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome
from reconciliation.parameters import AuditParameters, Mode
from reconciliation.run_record import RunRecord

AT = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)
AUDIT = "20260131-093000-1a2b3c4d"
PROFILE = "pre-capture-sessions"
PARAMETERS = AuditParameters(PROFILE, ("NO_RECORDING", "NULL"), 60, mode=Mode.FAST, since=AT - timedelta(days=9))
RECORD = RunRecord(AUDIT, State.QUEUED, PARAMETERS, created_at=AT, updated_at=AT)


# --- the guard --------------------------------------------------------------------------------------------------------


async def test_of_twenty_claims_at_once_one_wins_and_is_named(records: AuditRecords) -> None:
    assert await records.active(PROFILE) is None
    won = await asyncio.gather(*(records.claim(PROFILE, f"audit-{n}", AT, None) for n in range(20)))
    assert won.count(True) == 1
    active = await records.active(PROFILE)
    assert active is not None
    assert (active.audit_id, active.since) == (f"audit-{won.index(True)}", AT)


async def test_of_twenty_successors_at_once_one_wins(records: AuditRecords) -> None:
    await records.claim(PROFILE, "ended", AT, None)
    ended = await records.active(PROFILE)
    won = await asyncio.gather(*(records.claim(PROFILE, f"audit-{n}", AT, ended) for n in range(20)))
    assert won.count(True) == 1
    active = await records.active(PROFILE)
    assert active is not None
    assert active.audit_id == f"audit-{won.index(True)}"


async def test_profiles_do_not_stand_in_each_others_way(records: AuditRecords) -> None:
    assert await records.claim("one", "a", AT, None)
    assert await records.claim("other", "b", AT, None)
    assert not await records.claim("one", "c", AT, None)


async def test_a_claim_whose_answer_was_lost_is_sent_again_and_finds_itself(records: AuditRecords) -> None:
    assert await records.claim(PROFILE, "a", AT, None)
    assert await records.claim(PROFILE, "a", AT, None)
    before = await records.active(PROFILE)
    assert await records.claim(PROFILE, "b", AT, before)
    assert await records.claim(PROFILE, "b", AT, before)
    assert not await records.claim(PROFILE, "c", AT, before)


# --- the record -------------------------------------------------------------------------------------------------------


async def test_a_record_comes_back_as_it_was(records: AuditRecords) -> None:
    assert await records.record(AUDIT) is None
    await records.create_record(RECORD)
    assert await records.record(AUDIT) == RECORD


async def test_an_audit_is_never_created_twice(records: AuditRecords) -> None:
    others = [replace(RECORD, created_at=AT + timedelta(seconds=n)) for n in range(10)]
    results = await asyncio.gather(*map(records.create_record, others), return_exceptions=True)
    assert results.count(None) == 1
    assert all(isinstance(result, RunStoreError) for result in results if result is not None)


async def test_a_record_whose_answer_was_lost_is_sent_again_and_finds_itself(records: AuditRecords) -> None:
    await records.create_record(RECORD)
    await records.create_record(RECORD)
    assert await records.record(AUDIT) == RECORD


async def test_the_first_of_many_ends_stays_and_everybody_is_told_it(records: AuditRecords) -> None:
    await records.create_record(RECORD)
    states = [State.COMPLETED, State.INCOMPLETE, State.FAILED, State.CANCELLED] * 5
    ends = [RECORD.ended(state, AT, outcome=Outcome.FAILED, error=str(n)) for n, state in enumerate(states)]
    told = await asyncio.gather(*(records.end(end) for end in ends))
    stored = await records.record(AUDIT)
    assert stored in ends
    assert all(record == stored for record in told)
    later = RECORD.ended(State.COMPLETED, AT + timedelta(hours=1), outcome=Outcome.CLEAN)
    assert await records.end(later) == stored
    assert await records.record(AUDIT) == stored


async def test_an_audit_that_was_never_started_cannot_end(records: AuditRecords) -> None:
    await records.ready()
    with pytest.raises(RunStoreError, match=f"no audit {AUDIT}"):
        await records.end(RECORD.ended(State.FAILED, AT, outcome=Outcome.FAILED))


async def test_audits_are_listed_newest_first_without_the_guards(records: AuditRecords, blobs: BlobStore) -> None:
    assert await records.audit_ids() == []
    ids = ["20260131-093000-00000000", "20251231-235959-ffffffff", "20260131-093001-00000000"]
    await asyncio.gather(*(blobs.write(f"{audit_id}/run.json", b"{}") for audit_id in ids))
    await records.claim(PROFILE, ids[0], AT, None)
    assert await records.audit_ids() == sorted(ids, reverse=True)


async def test_guard_and_record_have_a_schema_version_and_only_an_ended_record_is_complete(
    records: AuditRecords, blobs: BlobStore
) -> None:
    async def completeness() -> dict[str, bool]:
        found = {}
        async for blob in blobs.listing(""):
            stored = await blobs.read(blob.path)
            assert stored is not None
            document = json.loads(stored.data)
            assert document["schema_version"] == 1
            found[blob.path] = document["complete"]
        return found

    await records.claim(PROFILE, AUDIT, AT, None)
    await records.create_record(RECORD)
    assert await completeness() == {f"active/{PROFILE}.json": True, f"{AUDIT}/run.json": False}
    await records.end(RECORD.ended(State.COMPLETED, AT, outcome=Outcome.CLEAN))
    assert await completeness() == {f"active/{PROFILE}.json": True, f"{AUDIT}/run.json": True}


def test_messages_can_say_where_the_records_are(records: AuditRecords, blobs: BlobStore) -> None:
    assert records.where == blobs.where
    assert "REPORT_STORAGE" in records.where
