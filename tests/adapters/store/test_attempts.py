import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.store.blobs import BlobStore
from adapters.store.jsonl import pack
from adapters.store.run_store import RunStore
from reconciliation.coverage import Coverage, Gap
from reconciliation.errors import DatabaseUnavailableError, RunStoreError, UnreadableError
from reconciliation.evidence import Unread
from reconciliation.looks import Sighting
from reconciliation.screened import Screening
from tests.adapters.store import damages
from tests.adapters.store.portions import AUDIT, broken_off, flat, paths, stream, texts

AT = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)
ATTEMPT = f"{AUDIT}/0.0"
SCREENING = Screening(
    AT,
    {"names": {"container": {"in_order": 7}}, "sessions": {"session": {"settled": 2, "fine": 1}}},
    Coverage(
        9,
        frozenset({"registered"}),
        scanned=5,
        blobs=70,
        skipped=Counter({"registered": 3}),
        failed=[Unread("d", "403", failed=True)],
        gaps=[Gap("something may be missing", "Look.")],
    ),
    {"placed": Sighting(7, None), "future": Sighting(1, AT + timedelta(days=1))},
    frozenset({"containers_again"}),
    [(50, 0, 700), (3, 700, 90)],
    53,
)

# The vendor's client sends blocks of 4 MB, for which aiohttp recommends another type.
pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")


async def test_doubts_are_read_block_by_block_from_where_they_stand(store: RunStore) -> None:
    blocks = [[["names", f"{n}-{m}", "ü\u2028"] for m in range(n + 1)] for n in range(5)]
    written = await store.attempts.write_doubts(ATTEMPT, stream(*map(texts, blocks)))
    assert [number for number, _, _ in written] == [1, 2, 3, 4, 5]
    assert [await store.attempts.doubts(ATTEMPT, offset, length) for _, offset, length in written] == blocks
    (_, offset, first), (_, _, second) = written[1:3]
    assert await store.attempts.doubts(ATTEMPT, offset, first + second) == blocks[1] + blocks[2]


async def test_no_doubts_are_no_blocks_and_no_file(store: RunStore, blobs: BlobStore) -> None:
    assert await store.attempts.write_doubts(ATTEMPT, stream()) == []
    assert await paths(blobs) == []


async def test_doubts_that_are_not_there_any_more_are_not_taken_for_none(store: RunStore, blobs: BlobStore) -> None:
    [(_, offset, length)] = await store.attempts.write_doubts(ATTEMPT, stream(texts([["names", "a", "b"]])))
    await blobs.delete(f"{ATTEMPT}/doubts.jsonl.gz")
    with pytest.raises(RunStoreError, match=rf"no {ATTEMPT}/doubts\.jsonl\.gz in .* Start a new audit"):
        await store.attempts.doubts(ATTEMPT, offset, length)
    await blobs.write(f"{ATTEMPT}/doubts.jsonl.gz", pack([]))
    with pytest.raises(UnreadableError, match="it was cut short"):
        await store.attempts.doubts(ATTEMPT, offset + 1000, length)


async def test_doubts_that_break_off_are_not_there(store: RunStore, blobs: BlobStore) -> None:
    with pytest.raises(DatabaseUnavailableError, match="broke off"):
        await store.attempts.write_doubts(ATTEMPT, broken_off(["a"], ["b"]))
    assert await paths(blobs) == []


async def test_the_ids_of_what_is_counted_come_back_as_they_were(store: RunStore) -> None:
    lines: list[Any] = [["names", "in_order", [f"{n}", "ü\u2028"]] for n in range(2000)]
    await store.attempts.write_counted(ATTEMPT, lines)
    assert await flat(store.attempts.counted(ATTEMPT)) == lines
    await store.attempts.write_counted(ATTEMPT, [])
    assert await flat(store.attempts.counted(ATTEMPT)) == []


async def test_what_was_never_counted_is_not_taken_for_nothing(store: RunStore) -> None:
    with pytest.raises(RunStoreError, match=rf"no {ATTEMPT}/counted\.jsonl\.gz in container .* Start a new audit"):
        await flat(store.attempts.counted(ATTEMPT))


async def test_what_the_first_look_found_comes_back_as_it_was(store: RunStore, blobs: BlobStore) -> None:
    assert await store.attempts.screened(ATTEMPT) is None
    await store.attempts.first_screened(ATTEMPT, SCREENING)
    assert await store.attempts.screened(ATTEMPT) == SCREENING
    stored = await blobs.read(f"{ATTEMPT}/screened.json")
    assert stored is not None
    document = json.loads(stored.data)
    assert (document["schema_version"], document["complete"]) == (1, True)


async def test_in_how_many_pieces_the_second_look_is_taken_can_be_seen_without_reading_it(store: RunStore) -> None:
    await store.attempts.first_screened(ATTEMPT, SCREENING)
    found = await store.overview.artefacts(AUDIT)
    assert found.names["0.0/screened.json"] == {"shards": str(len(SCREENING.shards))} == {"shards": "1"}


async def test_what_a_piece_of_the_second_look_saw_comes_back_as_it_was(store: RunStore, blobs: BlobStore) -> None:
    assert await store.attempts.again(ATTEMPT, 7) is None
    seen: list[Any] = [["names", "ü\u2028", {"unread": ["a", "403", True]}, [{"answer": 7}]], ["names", "b", None, []]]
    await store.attempts.write_again(ATTEMPT, 7, seen)
    assert await store.attempts.again(ATTEMPT, 7) == seen
    assert await store.attempts.again(ATTEMPT, 8) is None
    await store.attempts.write_again(ATTEMPT, 8, [])
    assert await store.attempts.again(ATTEMPT, 8) == [], "nothing was seen, but it was done"
    assert await paths(blobs) == ["0.0/again/0007.jsonl.gz", "0.0/again/0008.jsonl.gz"]


async def test_attempts_do_not_see_each_others(store: RunStore) -> None:
    await store.attempts.first_screened(ATTEMPT, SCREENING)
    await store.attempts.write_again(ATTEMPT, 0, ["a"])
    assert await store.attempts.screened(f"{AUDIT}/1.0") is None
    assert await store.attempts.again(f"{AUDIT}/1.0", 0) is None


# --- what somebody, or a later release, has touched -------------------------------------------------------------------


async def test_a_screening_that_this_release_does_not_write_is_named(store: RunStore, blobs: BlobStore) -> None:
    path = f"{ATTEMPT}/screened.json"
    for damage in damages.documents(SCREENING.to_json(), may_be_texts={"folder"}, may_be_missing=set()):
        await blobs.write(path, damage)
        with pytest.raises(UnreadableError, match=rf"^{path} in container .* cannot be read: .+") as refused:
            await store.attempts.screened(ATTEMPT)
        assert refused.value.path == path


# What a line must be is for those to say who read it.
@pytest.mark.parametrize("damage", [one for one in damages.PACKED if one != "of another kind"])
@pytest.mark.parametrize("name", ["doubts", "counted", "again/0000"])
async def test_damaged_artefacts_are_named(store: RunStore, blobs: BlobStore, name: str, damage: str) -> None:
    async def read() -> object:
        if name == "counted":
            return await flat(store.attempts.counted(ATTEMPT))
        if name == "doubts":
            return await store.attempts.doubts(ATTEMPT, 0, 1_000_000)
        return await store.attempts.again(ATTEMPT, 0)

    path, whole = f"{ATTEMPT}/{name}.jsonl.gz", pack([["a"], ["b"]])
    await blobs.write(path, whole)
    assert await read() == [["a"], ["b"]]
    await blobs.write(path, damages.PACKED[damage](whole))
    with pytest.raises(UnreadableError, match=f"{path} in container .* cannot be read: .* new audit"):
        await read()


@pytest.mark.parametrize("name", ["doubts", "counted", "again/0000"])
async def test_a_line_that_its_reader_does_not_understand_is_damage_of_its_artefact(
    store: RunStore, blobs: BlobStore, name: str
) -> None:
    def second(line: Any) -> Any:
        return line[1]

    async def read() -> object:
        if name == "counted":
            return await flat(store.attempts.counted(ATTEMPT, second))
        if name == "doubts":
            return await store.attempts.doubts(ATTEMPT, 0, 1_000_000, second)
        return await store.attempts.again(ATTEMPT, 0, second)

    path = f"{ATTEMPT}/{name}.jsonl.gz"
    await blobs.write(path, pack([["a", 7], ["b", 8]]))
    assert await read() == [7, 8]
    await blobs.write(path, pack([["a", 7], ["b"]]))
    with pytest.raises(UnreadableError, match=f"{path} in container .* it is not what this release writes"):
        await read()
