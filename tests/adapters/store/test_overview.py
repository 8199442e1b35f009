from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adapters.store.blobs import BlobStore
from adapters.store.jsonl import pack
from adapters.store.records import AuditRecords
from adapters.store.run_store import RunStore
from profiles.pre_capture_sessions import PROFILE
from reconciliation.dead_letters import DeadLetter
from reconciliation.errors import UnreadableError
from reconciliation.evidence import Unread
from reconciliation.lifecycle import State
from reconciliation.plan import Plan
from reconciliation.pulled import Pulled
from reconciliation.run_record import RunRecord
from tests.adapters.store.portions import stream
from tests.adapters.store.test_shards import LOST, SCAN, SEEN

AT = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)
RECORD = RunRecord("20260131-093000-1a2b3c4d", State.QUEUED, PROFILE.parameters(), created_at=AT, updated_at=AT)
AUDIT = RECORD.folder
PLAN = Plan(AT, settle_minutes=20, max_passes=3, listed=0, skipped={}, shards=())
LETTER = DeadLetter(7, "7f", 3, 1, (("7f-lost", "403"),), attempts=3, first_at=AT, last_at=AT)


async def test_artefacts_tell_how_far_each_shard_has_come(store: RunStore, records: AuditRecords) -> None:
    empty = await store.overview.artefacts(AUDIT)
    assert (empty.names, empty.shards, empty.last_modified, empty.scan_started_at) == ({}, {}, None, None)

    await records.create_record(RECORD)
    await store.rows.write(AUDIT, "registered", stream())
    await store.rows.write_pulled(AUDIT, 0, Pulled(AT, {"registered": 0}))
    await store.plans.write_work(AUDIT, stream())
    await store.plans.first(AUDIT, PLAN)
    await store.shards.write_progress(AUDIT, 0, [SEEN])
    await store.shards.write_progress(AUDIT, 1, [SEEN])
    await store.shards.mend(AUDIT, 1, [SEEN, LOST], SCAN, attempt=2, before=None)
    await store.attempts.write_again(record_attempt := RECORD.attempt_folder, 0, [])
    await store.reports.write(AUDIT, "json", stream(b"{}"), "0.3")
    found = await store.overview.artefacts(AUDIT)

    assert record_attempt == f"{AUDIT}/0.0"
    assert found.names.keys() == {
        "run.json", "pulled/0.json", "plan.json", "shards/0000.progress", "shards/0001.progress",
        "shards/0001.jsonl.gz", "0.0/again/0000.jsonl.gz", "report.json",
    }  # fmt: skip
    assert found.names["report.json"] == {"attempt": "0.3"}
    assert [(n, s.done, s.scanned, s.failed, s.blobs) for n, s in sorted(found.shards.items())] == [
        (0, False, 1, 0, 3),
        (1, True, 1, 1, 3),
    ]
    assert found.scan_started_at is not None
    assert found.last_modified is not None
    assert found.last_modified >= found.scan_started_at


async def test_a_scan_has_not_begun_before_there_is_a_plan(store: RunStore) -> None:
    await store.rows.write_pulled(AUDIT, 0, Pulled(AT, {}))
    assert (await store.overview.artefacts(AUDIT)).scan_started_at is None


async def test_artefacts_of_another_audit_are_not_seen(store: RunStore) -> None:
    await store.reports.write(f"{AUDIT}0", "json", stream(b"{}"))
    await store.reports.write(RECORD.audit_id, "json", stream(b"{}"))
    await store.reports.write(f"other/{RECORD.audit_id}", "json", stream(b"{}"))
    assert (await store.overview.artefacts(AUDIT)).names == {}


@pytest.mark.parametrize("count", ["many", "-1", "1.5", "", "9" * 19])
async def test_a_shard_with_odd_counts_is_named_and_a_foreign_file_beside_it_is_not_a_shard(
    store: RunStore, blobs: BlobStore, count: str
) -> None:
    await blobs.write(f"{AUDIT}/shards/notes.txt", b"x", {"scanned": count})
    await store.shards.mend(AUDIT, 0, [SEEN], SCAN, attempt=1, before=None)
    assert list((await store.overview.artefacts(AUDIT)).shards) == [0]
    await blobs.write(f"{AUDIT}/shards/0001.jsonl.gz", pack([]), {"scanned": count})
    with pytest.raises(UnreadableError, match=rf"^{AUDIT}/shards/0001\.jsonl\.gz in .*: its metadata's scanned is not"):
        await store.overview.artefacts(AUDIT)


@pytest.mark.parametrize("count", ["many", "-1", "1.5", "", "9" * 19])
async def test_a_first_look_that_does_not_tell_its_pieces_is_named(
    store: RunStore, blobs: BlobStore, count: str
) -> None:
    await blobs.write(f"{AUDIT}/0.0/screened.json", b"{}", {"shards": count})
    with pytest.raises(UnreadableError, match=rf"^{AUDIT}/0\.0/screened\.json in .*: its metadata's shards is not"):
        await store.overview.artefacts(AUDIT)


async def test_when_an_audit_was_last_written_is_known_whatever_was_written(store: RunStore, blobs: BlobStore) -> None:
    assert await store.overview.last_modified(AUDIT) is None
    await blobs.write(f"{AUDIT}/shards/odd", b"", {"scanned": "many"})
    [blob] = [blob async for blob in blobs.listing(AUDIT)]
    assert await store.overview.last_modified(AUDIT) == blob.last_modified


# --- deleting ---------------------------------------------------------------------------------------------------------


async def test_an_audit_is_deleted_with_its_record_last_and_no_other_audit_is_touched(
    store: RunStore, blobs: BlobStore, records: AuditRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    await records.create_record(RECORD)
    other = replace(RECORD, audit_id=f"{RECORD.audit_id[:-1]}e")
    namesake = replace(RECORD, parameters=replace(RECORD.parameters, profile="other"))
    for record in (other, namesake):
        await records.create_record(record)
    await store.letters.write(AUDIT, LETTER)
    await store.shards.mend(AUDIT, 0, [Unread("a", "403", failed=True)], SCAN, attempt=1, before=None)
    await store.attempts.write_again(RECORD.attempt_folder, 0, [])
    await store.reports.write(AUDIT, "json", stream(b"{}"))
    deleted: list[str] = []
    delete = blobs.delete

    async def noted(path: str, etag: str | None = None) -> bool:
        deleted.append(path)
        return await delete(path, etag)

    monkeypatch.setattr(blobs, "delete", noted)
    await store.overview.delete(AUDIT)
    assert deleted[-1] == f"{AUDIT}/run.json"
    assert len(deleted) == 5
    assert await records.folders() == [other.folder, namesake.folder]
    await store.overview.delete(AUDIT)
