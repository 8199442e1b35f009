"""What this process remembers of what it has written, so that the next step need not ask for it."""

import pytest

from adapters.store.blobs import BlobStore
from adapters.store.recent import MOST_BYTES, MOST_IN_AUDIT, Recent

AUDIT = "stuck-uploads/20260131-093000-1a2b3c4d"
ROWS = f"{AUDIT}/rows/videos.jsonl.gz"


@pytest.mark.parametrize(
    "name",
    [
        "rows/videos.jsonl.gz",
        "pulled/0.json",
        "work.jsonl.gz",
        "0.0/screened.json",
        "0.0/again/0000.jsonl.gz",
        "report.json",
    ],
)
def test_what_stays_as_it_is_in_a_first_attempt_is_remembered(name: str) -> None:
    recent = Recent()
    recent.note(f"{AUDIT}/{name}", b"some", "etag")
    assert recent.get(f"{AUDIT}/{name}") == (b"some", "etag")
    recent.drop(f"{AUDIT}/{name}")
    assert recent.get(f"{AUDIT}/{name}") is None


@pytest.mark.parametrize(
    "path",
    [
        f"{AUDIT}/run.json",
        f"{AUDIT}/dead-letters/0000.json",
        f"{AUDIT}/1.0/screened.json",
        f"{AUDIT}/shards/0000.progress",
        "stuck-uploads/active.json",
        "stuck-uploads/questions/abc.json",
        "stuck-uploads/repairs/20260131-093000-1a2b3c4d/plan.json",
        "stuck-uploads/repairs/20260131-093000-1a2b3c4d/looks/1/rows/videos.jsonl.gz",
    ],
)
def test_what_others_may_change_is_asked_for_each_time(path: str) -> None:
    recent = Recent()
    recent.note(path, b"some", "etag", {"failed": "0"})
    assert recent.get(path) is None


@pytest.mark.parametrize(("metadata", "is_kept"), [({"failed": "0"}, True), ({"failed": "1"}, False), (None, False)])
def test_a_shard_is_remembered_only_when_no_other_pass_replaces_it(
    metadata: dict[str, str] | None, *, is_kept: bool
) -> None:
    recent = Recent()
    recent.note(f"{AUDIT}/shards/0000.jsonl.gz", b"some", "etag", metadata)
    assert (recent.get(f"{AUDIT}/shards/0000.jsonl.gz") is not None) is is_kept


def test_memory_is_bounded_and_something_older_never_stays() -> None:
    recent = Recent()
    recent.note(ROWS, b"old", "etag")
    recent.note(ROWS, bytes(MOST_BYTES + 1), "etag")
    assert recent.get(ROWS) is None
    for number in range(20):
        recent.note(f"{AUDIT}/rows/{number}.jsonl.gz", bytes(MOST_BYTES), "etag")
    kept = [number for number in range(20) if recent.get(f"{AUDIT}/rows/{number}.jsonl.gz")]
    assert kept == list(range(MOST_IN_AUDIT // MOST_BYTES))
    for number in range(4):
        recent.note(f"other/20260131-09300{number}-1a2b3c4d/report.json", b"{}", "etag")
    assert recent.get(f"{AUDIT}/rows/0.jsonl.gz") is None


def test_of_an_audit_that_has_ended_only_the_report_stays() -> None:
    recent = Recent()
    for path in (ROWS, f"{AUDIT}/report.json"):
        recent.note(path, b"some", "etag")
    recent.keep_report(AUDIT)
    assert (recent.get(ROWS), recent.get(f"{AUDIT}/report.json")) == (None, (b"some", "etag"))
    recent.drop_audit(AUDIT)
    assert recent.get(f"{AUDIT}/report.json") == (b"some", "etag")
    recent.drop(f"{AUDIT}/report.json")  # retention has deleted it
    assert recent.get(f"{AUDIT}/report.json") is None


def test_a_report_of_an_audit_that_may_be_made_again_elsewhere_does_not_stay() -> None:
    recent = Recent()
    recent.note(f"{AUDIT}/report.json", b"some", "etag")
    recent.drop_audit(AUDIT)
    assert recent.get(f"{AUDIT}/report.json") is None


async def test_a_blob_that_another_process_was_faster_with_is_read_from_the_run_store(blobs: BlobStore) -> None:
    other = Recent()
    ours, blobs.recent = blobs.recent, other
    await blobs.write(ROWS, b"theirs")
    blobs.recent = ours
    assert not await blobs.create(ROWS, b"ours")
    stored = await blobs.read(ROWS)
    assert stored is not None
    assert stored.data == b"theirs"
