import gzip
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any
from uuid import uuid4

import pytest

from adapters.store.blobs import BlobStore
from adapters.store.jsonl import pack
from adapters.store.rows import Item
from adapters.store.run_store import RunStore
from profiles.pre_capture_sessions.candidates import Candidate, RegisteredRecording
from reconciliation.errors import DatabaseUnavailableError, RunStoreError, UnreadableError
from reconciliation.pulled import Pulled
from tests.adapters.store import damages
from tests.adapters.store.portions import AUDIT, broken_off, bulky, flat, paths, stream, texts

AT = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)
PULLED = Pulled(AT, {"registered": 5, "candidates": 0}, {"containers": "It broke off."}, timedelta(seconds=-7))

# The vendor's client sends blocks of 4 MB, for which aiohttp recommends another type.
pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")

SESSION = "5e551045-0000-4000-8000-000000000000"
IDS = [f"00000000-0000-4000-8000-{number:012}" for number in range(5)]


def candidate(session: int) -> Candidate:
    return Candidate(
        session_id=f"00000000-0000-0000-0000-{session:012}", status=None, origin="PRE", started_at=AT, finished_at=None,
        scheduled_for=AT, deleted_at=None, booking_id=SESSION, case_id=SESSION, case_state="OPEN", case_closed_at=AT,
        case_live=True, live_recordings=0, deleted_recordings=1, withdrawn_recordings=0, sibling_recordings=2,
        has_ingest_address=True,
        processing_at=AT, left_at=None, stopped_at=AT, job_at=None, row_token="7", in_question=True,
    )  # fmt: skip


ROWS = [candidate(n) for n in range(5)]
CANDIDATES = texts(row.to_json() for row in ROWS)
REGISTERED = texts(
    [one, SESSION, ["deleted"] * (n == 1), "0123456789abcdef" if n == 2 else None] for n, one in enumerate(IDS)
)


def itself(value: Any) -> Any:
    return value


Read = AsyncIterator[list[tuple[str, tuple[Item, ...]]]]


def candidates(store: RunStore) -> Read:
    return store.rows.items(AUDIT, "candidates", Candidate.from_json, attrgetter("session_id"))


def registered(store: RunStore) -> Read:
    return store.rows.items(AUDIT, "registered", RegisteredRecording.from_json, attrgetter("recording_id"))


def containers(store: RunStore) -> Read:
    return store.rows.items(AUDIT, "containers", itself, itself)


async def rows_of(read: Read) -> list[Any]:
    return [row for _, ((row, _),) in await flat(read)]


async def test_rows_come_back_as_they_were_under_their_keys(store: RunStore) -> None:
    assert await store.rows.write(AUDIT, "candidates", stream(CANDIDATES[:3], CANDIDATES[3:])) == 5
    assert await store.rows.write(AUDIT, "registered", stream(REGISTERED[:1], REGISTERED[1:4], REGISTERED[4:])) == 5
    assert await rows_of(candidates(store)) == ROWS
    assert [key for key, _ in await flat(candidates(store))] == [row.session_id for row in ROWS]
    found = await flat(registered(store))
    assert [key for key, _ in found] == IDS
    assert [line.decode() for _, ((_, line),) in found] == REGISTERED
    rows = [row for _, ((row, _),) in found]
    assert texts([*row] for row in rows) == REGISTERED
    assert rows[2] == RegisteredRecording(IDS[2], SESSION, [], "0123456789abcdef")
    assert [row.deleted for row in rows] == [False, True, False, False, False]


async def test_rows_are_kept_in_the_words_of_the_database(store: RunStore, blobs: BlobStore) -> None:
    await store.rows.write(AUDIT, "registered", stream(['["ü\u2028" ,  1, [], null]']))
    stored = await blobs.read(f"{AUDIT}/rows/registered.jsonl.gz")
    assert stored is not None
    assert gzip.decompress(stored.data).decode() == '["ü\u2028" ,  1, [], null]\n'


async def test_no_rows_at_all_are_rows_that_were_read(store: RunStore) -> None:
    assert await store.rows.write(AUDIT, "candidates", stream()) == 0
    none = store.rows.items(AUDIT, "candidates", Candidate.from_json, attrgetter("session_id"), expected=0)
    assert await flat(none) == []


async def test_names_come_back_in_the_order_in_which_they_came_and_in_bounded_portions(store: RunStore) -> None:
    names = [str(uuid4()) for _ in range(30_000)]
    pages = [texts(names[at : at + 5000]) for at in range(0, len(names), 5000)]
    assert await store.rows.write(AUDIT, "containers", stream(*pages, [])) == len(names)
    portions = [portion async for portion in containers(store)]
    assert [key for portion in portions for key, _ in portion] == names
    assert max(map(len, portions)) < 3000
    assert all(portions)


async def test_rows_of_many_megabytes_come_back_in_portions(store: RunStore) -> None:
    portions = [texts([IDS[0], SESSION, [], text[1:-1]] for text in portion) for portion in bulky(9)]
    await store.rows.write(AUDIT, "registered", stream(*portions))
    read = [items async for items in registered(store)]
    assert max(map(len, read)) < 100, "more is unpacked and parsed at once than a portion"
    lines = [line.decode() for items in read for _, ((_, line),) in items]
    assert lines == [text for portion in portions for text in portion]


@pytest.mark.parametrize("before", [[], bulky(5)], ids=["at once", "after 5 MB"])
async def test_rows_that_break_off_are_not_there(store: RunStore, blobs: BlobStore, before: list[list[str]]) -> None:
    with pytest.raises(DatabaseUnavailableError, match="broke off"):
        await store.rows.write(AUDIT, "registered", broken_off(REGISTERED, *before))
    assert await paths(blobs) == []


async def test_rows_that_break_off_leave_those_that_were_there(store: RunStore) -> None:
    await store.rows.write(AUDIT, "candidates", stream(CANDIDATES))
    with pytest.raises(DatabaseUnavailableError, match="broke off"):
        await store.rows.write(AUDIT, "candidates", broken_off(CANDIDATES[:1], *bulky(5)))
    assert await rows_of(candidates(store)) == ROWS


async def test_rows_of_an_attempt_are_beside_those_of_the_audit(store: RunStore, blobs: BlobStore) -> None:
    await store.rows.write(AUDIT, "containers", stream(texts(["a"])))
    await store.rows.write(AUDIT, "containers", stream(texts(["b"])), "0.1")
    assert await paths(blobs) == ["0.1/containers.jsonl.gz", "rows/containers.jsonl.gz"]
    again = store.rows.items(AUDIT, "containers", itself, itself, "0.1")
    assert (await rows_of(containers(store)), await rows_of(again)) == (["a"], ["b"])


# --- that everything was read -----------------------------------------------------------------------------------------


async def test_what_was_read_is_told_for_each_run_by_itself(store: RunStore) -> None:
    assert await store.rows.pulled(AUDIT, 0) is None
    await store.rows.write(AUDIT, "registered", stream(REGISTERED))
    assert await store.rows.pulled(AUDIT, 0) is None, "rows alone do not prove that they are all"
    await store.rows.write_pulled(AUDIT, 0, PULLED)
    assert await store.rows.pulled(AUDIT, 0) == PULLED
    assert await store.rows.pulled(AUDIT, 1) is None


async def test_what_was_read_can_be_forgotten_and_is_read_anew_in_its_order(store: RunStore, blobs: BlobStore) -> None:
    await store.rows.write(AUDIT, "registered", stream(REGISTERED))
    for run in range(3):
        await store.rows.write_pulled(AUDIT, run, PULLED)
    for _ in range(2):
        await store.rows.forget(AUDIT, 3)
        assert await paths(blobs) == ["rows/registered.jsonl.gz"]


async def test_forgetting_that_is_cut_short_leaves_the_first_run_as_the_last_to_go(
    store: RunStore, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = []

    async def delete(path: str, etag: str | None = None) -> bool:
        gone.append(path.removeprefix(f"{AUDIT}/"))
        return True

    monkeypatch.setattr(blobs, "delete", delete)
    await store.rows.forget(AUDIT, 3)
    assert gone == ["pulled/2.json", "pulled/1.json", "pulled/0.json"]


async def test_it_says_in_which_form_it_is_and_that_it_is_complete(store: RunStore, blobs: BlobStore) -> None:
    await store.rows.write_pulled(AUDIT, 0, PULLED)
    stored = await blobs.read(f"{AUDIT}/pulled/0.json")
    assert stored is not None
    document = json.loads(stored.data)
    assert (document["schema_version"], document["complete"]) == (1, True)


# --- what somebody, or a later release, has touched -------------------------------------------------------------------

READERS = {"candidates": candidates, "registered": registered, "containers": containers}
WHOLE: dict[str, bytes] = {
    "containers": pack(["a", "b"]),
    "candidates": pack([ROWS[0].to_json(), ROWS[1].to_json()]),
    "registered": pack([["r0", "s", [], None], ["r1", "s", ["deleted"], None]]),
}


@pytest.mark.parametrize("source", READERS)
async def test_rows_that_were_never_read_are_not_taken_for_none(store: RunStore, source: str) -> None:
    with pytest.raises(RunStoreError, match=rf"no {AUDIT}/rows/{source}\.jsonl\.gz in container .* Start a new audit"):
        await flat(READERS[source](store))


@pytest.mark.parametrize("damage", damages.PACKED)
@pytest.mark.parametrize("source", READERS)
async def test_damaged_rows_are_named(store: RunStore, blobs: BlobStore, source: str, damage: str) -> None:
    path = f"{AUDIT}/rows/{source}.jsonl.gz"
    await blobs.write(path, WHOLE[source])
    assert len(await flat(READERS[source](store))) == 2
    await blobs.write(path, damages.PACKED[damage](WHOLE[source]))
    with pytest.raises(UnreadableError, match=f"{path} in container .* cannot be read: .* new audit"):
        await flat(READERS[source](store))


async def test_a_row_whose_key_cannot_be_had_is_damage_too(store: RunStore, blobs: BlobStore) -> None:
    await blobs.write(f"{AUDIT}/rows/registered.jsonl.gz", pack(["a row"]))
    keys: list[Callable[[Any], Any]] = [attrgetter("nothing"), lambda _row: 7, lambda _row: None]
    for key in keys:
        with pytest.raises(UnreadableError, match=r"rows/registered\.jsonl\.gz in container .* cannot be read"):
            await flat(store.rows.items(AUDIT, "registered", itself, key))


async def test_a_file_that_is_cut_between_two_portions_looks_whole_and_is_damage_where_its_rows_are_known(
    store: RunStore, blobs: BlobStore
) -> None:
    path = f"{AUDIT}/rows/containers.jsonl.gz"
    whole = await store.rows.write(AUDIT, "containers", stream(texts(["a", "b"]), texts(["c"])))

    def expecting(rows: int | None) -> Read:
        return store.rows.items(AUDIT, "containers", itself, itself, expected=rows)

    assert await rows_of(expecting(whole)) == ["a", "b", "c"]
    await blobs.write(path, pack(["a", "b"]))
    assert await rows_of(expecting(None)) == ["a", "b"]
    with pytest.raises(UnreadableError, match=rf"^{path} in container .* cannot be read: it holds 2 of 3 rows"):
        await rows_of(expecting(whole))
    await blobs.write(path, b"")
    with pytest.raises(UnreadableError, match=rf"^{path} in container .* cannot be read: it holds 0 of 3 rows"):
        await rows_of(expecting(whole))
    assert await rows_of(expecting(0)) == []


async def test_a_document_that_this_release_does_not_write_is_named(store: RunStore, blobs: BlobStore) -> None:
    path = f"{AUDIT}/pulled/0.json"
    for damage in damages.documents(PULLED.to_json(), may_be_texts=set(), may_be_missing={"earliest"}):
        await blobs.write(path, damage)
        with pytest.raises(UnreadableError, match=rf"^{path} in container .* cannot be read: .+") as refused:
            await store.rows.pulled(AUDIT, 0)
        assert refused.value.path == path
