from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adapters.store.blobs import BlobStore
from adapters.store.jsonl import pack
from adapters.store.run_store import RunStore
from adapters.store.shards import ShardResult
from profiles.pre_capture_sessions import PROFILE
from profiles.pre_capture_sessions.evidence import ContainerEvidence, MediaFile
from profiles.pre_capture_sessions.keys import name_digest
from reconciliation.errors import UnreadableError
from reconciliation.evidence import Read, Record, Unread, record_to_json
from tests.adapters.store import damages
from tests.adapters.store.portions import AUDIT

SCAN = PROFILE.scan
AT = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)
KEY = "0123456789abcdef0123456789abcdef"
EVIDENCE = ContainerEvidence(
    container="b",
    blobs=3,
    media=(MediaFile(f"{KEY}_ü & <take>\u2028.mp4", KEY, 7, AT.replace(microsecond=0)),),
    unkeyed=(name_digest("index.mp4"),),
    edit_output=True,
    empty_media=1,
    manifest_bytes=700,
    oldest=AT.replace(microsecond=0),
    future=None,
    newest=AT,
)
SEEN = Read("b", 3, EVIDENCE)
GONE = Unread("c", "deleted during the scan", failed=False)
LOST = Unread("d", "Cannot list container 'd': storage answered 403.", failed=True)


async def result(store: RunStore, shard: int = 0) -> ShardResult | None:
    return await store.shards.result(AUDIT, shard, SCAN.unpack)


async def test_a_shard_comes_back_as_it_was(store: RunStore) -> None:
    assert await result(store) is None
    counts = await store.shards.mend(AUDIT, 0, [SEEN, GONE, LOST], SCAN, attempt=1, before=None)
    assert counts == {"scanned": 1, "skipped": 1, "failed": 1, "blobs": 3}
    written = await result(store)
    assert written is not None
    assert written.records == [SEEN, GONE, LOST]
    assert await result(store, 1) is None


async def test_its_counts_can_be_seen_without_reading_it(store: RunStore, blobs: BlobStore) -> None:
    await store.shards.mend(AUDIT, 7, [SEEN, LOST], SCAN, attempt=2, before=None)
    assert await blobs.metadata(f"{AUDIT}/shards/0007.jsonl.gz") == {
        "scanned": "1", "skipped": "0", "failed": "1", "blobs": "3", "attempt": "2",
    }  # fmt: skip


async def test_how_far_a_shard_has_come_can_be_seen_before_it_is_done(store: RunStore, blobs: BlobStore) -> None:
    await store.shards.write_progress(AUDIT, 7, [SEEN])
    await store.shards.write_progress(AUDIT, 7, [SEEN, GONE])
    assert await blobs.metadata(f"{AUDIT}/shards/0007.progress") == {
        "scanned": "1", "skipped": "1", "failed": "0", "blobs": "3",
    }  # fmt: skip
    assert await result(store, 7) is None


@pytest.mark.parametrize("kept", [None, [LOST]], ids=["never scanned", "scanned in vain"])
async def test_a_late_scan_overwrites_nothing(store: RunStore, kept: list[Record] | None) -> None:
    if kept is not None:
        await store.shards.mend(AUDIT, 0, kept, SCAN, attempt=1, before=None)
    # by two activities, of which one belongs to an earlier attempt
    seen = await result(store)
    mended = await store.shards.mend(AUDIT, 0, [SEEN], SCAN, attempt=2, before=seen)
    assert mended == {"scanned": 1, "skipped": 0, "failed": 0, "blobs": 3}
    assert await store.shards.mend(AUDIT, 0, [LOST], SCAN, attempt=1, before=seen) is None
    there = await result(store)
    assert there is not None
    assert there.records == [SEEN]
    assert (await store.overview.artefacts(AUDIT)).shards[0].failed == 0


@pytest.mark.parametrize("damage", damages.PACKED)
async def test_a_damaged_shard_is_named(store: RunStore, blobs: BlobStore, damage: str) -> None:
    path, whole = f"{AUDIT}/shards/0000.jsonl.gz", pack([record_to_json(one, SCAN.pack) for one in (SEEN, LOST)])
    await blobs.write(path, whole)
    assert await result(store) is not None
    await blobs.write(path, damages.PACKED[damage](whole))
    with pytest.raises(UnreadableError, match=f"{path} in container .* cannot be read: .* new audit"):
        await result(store)


async def test_evidence_that_its_profile_does_not_understand_is_damage_too(store: RunStore) -> None:
    other = replace(SCAN, pack=lambda _evidence: {"of": "a later release"})
    await store.shards.mend(AUDIT, 0, [SEEN], other, attempt=1, before=None)
    with pytest.raises(UnreadableError, match=r"shards/0000\.jsonl\.gz in container .* cannot be read"):
        await result(store)
