import gzip
import json
import secrets
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from adapters.store.blobs import BlobStore
from adapters.store.jsonl import pack
from adapters.store.records import AuditRecords
from adapters.store.run_store import RunStore
from profiles.pre_capture_sessions.candidates import Candidate, RegisteredRecording
from profiles.pre_capture_sessions.evidence import ContainerEvidence, MediaFile, Record
from profiles.pre_capture_sessions.keys import name_digest
from reconciliation.dead_letters import DeadLetter
from reconciliation.errors import DatabaseUnavailableError, ListingError, RunStoreError, UnreadableError
from reconciliation.evidence import Unread
from reconciliation.lifecycle import State
from reconciliation.parameters import AuditParameters
from reconciliation.plan import Listing, Plan
from reconciliation.run_record import RunRecord
from reconciliation.shards import shard_sizes

AT = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)
AUDIT = "20260131-093000-1a2b3c4d"
PARAMETERS = AuditParameters("pre-capture-sessions", "full", 60, options={"statuses": ("NO_RECORDING", "NULL")})
RECORD = RunRecord(AUDIT, State.QUEUED, PARAMETERS, created_at=AT, updated_at=AT)
KEY = "0123456789abcdef0123456789abcdef"
SEEN = ContainerEvidence(
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
GONE = Unread("c", "deleted during the scan", failed=False)
LOST = Unread("d", "Cannot list container 'd': storage answered 403.", failed=True)

# The vendor's client sends blocks of 4 MB, for which aiohttp recommends another type.
pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")

Item = TypeVar("Item")


async def write_rows(
    store: RunStore, candidates: AsyncIterator[list[str]], registered: AsyncIterator[list[str]]
) -> None:
    await store.write_rows(AUDIT, {"registered": registered, "candidates": candidates})


async def stream(*items: Item) -> AsyncIterator[Item]:
    for item in items:
        yield item


async def broken_off(*items: Item) -> AsyncIterator[Item]:
    for item in items:
        yield item
    raise DatabaseUnavailableError("broke off")


def texts(rows: Iterable[Any]) -> list[str]:
    return [json.dumps(row, ensure_ascii=False) for row in rows]


def bulky(megabytes: int) -> list[list[str]]:
    """Portions of texts that take more room than a writer keeps in memory, however well they are packed."""
    return [texts([secrets.token_hex(512) for _ in range(1024)]) for _ in range(megabytes * 2)]


async def flat(portions: AsyncIterator[list[Item]]) -> list[Item]:
    return [item async for portion in portions for item in portion]


async def paths(blobs: BlobStore) -> list[str]:
    return [blob.path.removeprefix(f"{AUDIT}/") async for blob in blobs.listing("")]


UNPLANNED = Plan(AT, settle_minutes=20, max_passes=3, listed=40, skipped={"registered": 3}, shards=())


async def planned(store: RunStore, names: list[str], per_shard: int) -> Plan:
    waiting = iter(names)
    runs = [list(islice(waiting, size)) for size in shard_sizes(len(names), per_shard)]
    listed = len(names) + sum(UNPLANNED.skipped.values())
    return await store.write_plan(AUDIT, replace(UNPLANNED, listed=listed), stream(*runs))


# --- the listing ------------------------------------------------------------------------------------------------------


async def test_a_listing_comes_back_page_by_page_and_counted(store: RunStore) -> None:
    assert await store.listing(AUDIT) is None
    listing = await store.write_containers(AUDIT, AT, stream(["$web", "a"], [], ["b"]))
    assert listing == Listing(AT, 3)
    assert await store.listing(AUDIT) == listing
    assert await flat(store.container_names(AUDIT)) == ["$web", "a", "b"]


@pytest.mark.parametrize(
    "pages",
    [
        [["$web", "a", "b", "c"]],
        [["$web"], ["a"], ["b"], ["c"]],
        [["c", "b"], ["a", "$web"]],
        [["$web", "b"], ["a", "c"]],
        [[], ["b", "c"], [], ["$web", "a"], []],
        [["$web", "a", "c", "b"]],
    ],
    ids=["in order", "a name a page", "backwards", "out of order between pages", "with empty pages", "its last two"],
)
async def test_container_names_are_written_ascending_whatever_order_and_page_breaks_a_listing_has(
    store: RunStore, blobs: BlobStore, pages: list[list[str]]
) -> None:
    assert await store.write_containers(AUDIT, AT, stream(*pages)) == Listing(AT, 4)
    assert await flat(store.container_names(AUDIT)) == ["$web", "a", "b", "c"]
    assert await paths(blobs) == ["containers.jsonl.gz", "listing.json"]


@pytest.mark.parametrize(
    "pages",
    [[["a", "a"]], [["a"], ["a"]], [["a", "b"], ["c", "a"]], [["b", "a"], ["c"], ["b"]], [["a"], [], ["a"]]],
    ids=["side by side", "around a page break", "far apart", "out of order", "around an empty page"],
)
async def test_a_listing_that_names_a_container_twice_is_refused_and_does_not_count_as_done(
    store: RunStore, pages: list[list[str]]
) -> None:
    count = sum(map(len, pages))
    with pytest.raises(ListingError, match=rf"listed {count} containers, some of them twice\.") as refused:
        await store.write_containers(AUDIT, AT, stream(*pages))
    assert refused.value.retryable
    assert await store.listing(AUDIT) is None
    assert await store.write_containers(AUDIT, AT, stream(["a"])) == await store.listing(AUDIT)


async def test_many_names_out_of_order_are_sorted_and_come_back_in_bounded_portions(store: RunStore) -> None:
    names = [str(uuid4()) for _ in range(30_000)]
    pages = [names[at : at + 5000] for at in range(0, len(names), 5000)]
    assert await store.write_containers(AUDIT, AT, stream(*pages)) == Listing(AT, len(names))
    portions = [portion async for portion in store.container_names(AUDIT)]
    assert [name for portion in portions for name in portion] == sorted(names)
    assert max(map(len, portions)) < 3000
    assert all(portions)


async def test_an_empty_account_is_listed_and_is_not_an_account_that_was_not_listed(store: RunStore) -> None:
    with pytest.raises(RunStoreError, match=r"no .*containers\.jsonl\.gz .* Start a new audit"):
        await flat(store.container_names(AUDIT))
    assert await store.write_containers(AUDIT, AT, stream()) == Listing(AT, 0)
    assert await flat(store.container_names(AUDIT)) == []


@pytest.mark.parametrize("pages", [[["a"]], bulky(5)], ids=["a page", "5 MB"])
async def test_a_listing_that_breaks_off_leaves_nothing(
    store: RunStore, blobs: BlobStore, pages: list[list[str]]
) -> None:
    with pytest.raises(DatabaseUnavailableError, match="broke off"):
        await store.write_containers(AUDIT, AT, broken_off(*pages))
    assert await paths(blobs) == []
    assert await store.listing(AUDIT) is None


async def test_a_listing_without_its_count_is_not_done(store: RunStore, blobs: BlobStore) -> None:
    await blobs.write(f"{AUDIT}/containers.jsonl.gz", pack(["a"]))
    assert await store.listing(AUDIT) is None


# --- the plan ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("per_shard", [1, 3, 7, 100])
async def test_each_shard_reads_its_own_names_and_together_they_are_all(store: RunStore, per_shard: int) -> None:
    names = sorted({f"{n * 7919 % 100_003:05}-name" for n in range(25)} | {"$web"})
    plan = await planned(store, names, per_shard)
    assert await store.plan(AUDIT) == plan
    assert await store.planned(AUDIT) == plan
    parts = [await store.shard_names(AUDIT, shard) for shard in plan.shards]
    assert [name for part in parts for name in part] == names
    assert [len(part) for part in parts] == [shard.shard.containers for shard in plan.shards]


async def test_an_empty_account_has_a_plan_of_one_empty_shard(store: RunStore) -> None:
    plan = await planned(store, [], 500)
    assert [await store.shard_names(AUDIT, shard) for shard in plan.shards] == [[]]


@pytest.mark.parametrize(
    "runs", [[["a", "c"], ["b"]], [["b"], ["b"]], [["b", "a"]]], ids=["between shards", "twice", "in a shard"]
)
async def test_names_that_are_not_strictly_ascending_make_no_plan(store: RunStore, runs: list[list[str]]) -> None:
    with pytest.raises(ListingError, match=r"containers\.jsonl\.gz: .* not ascending"):
        await store.write_plan(AUDIT, UNPLANNED, stream(*runs))
    assert await store.plan(AUDIT) is None


@pytest.mark.parametrize("before", [["a"], sorted(secrets.token_hex(512) for _ in range(10_000))], ids=["a", "5 MB"])
async def test_a_plan_whose_names_break_off_is_not_there(store: RunStore, before: list[str]) -> None:
    with pytest.raises(DatabaseUnavailableError, match="broke off"):
        await store.write_plan(AUDIT, UNPLANNED, broken_off(before))
    assert await store.plan(AUDIT) is None


class Names(list[str]):
    """A list that can be watched."""

    __hash__ = object.__hash__  # type: ignore[assignment]


async def test_a_plan_is_written_from_a_stream_and_holds_one_shards_names_at_a_time(store: RunStore) -> None:
    alive: weakref.WeakSet[Names] = weakref.WeakSet()
    most = 0

    async def shards() -> AsyncIterator[list[str]]:
        nonlocal most
        for n in range(30):
            names = Names([f"{n:02}-name"])
            alive.add(names)
            most = max(most, len(alive))
            yield names
            del names

    plan = await store.write_plan(AUDIT, UNPLANNED, shards())
    assert most <= 2
    ends = [shard.offset + shard.length for shard in plan.shards]
    assert [shard.offset for shard in plan.shards] == [0, *ends[:-1]]
    assert [await store.shard_names(AUDIT, shard) for shard in plan.shards] == [[f"{n:02}-name"] for n in range(30)]


async def test_an_audit_without_a_plan_says_so(store: RunStore) -> None:
    assert await store.plan(AUDIT) is None
    with pytest.raises(RunStoreError, match=r"has no plan .* Start a new audit"):
        await store.planned(AUDIT)


async def test_names_that_are_not_those_of_the_plan_are_refused(store: RunStore, blobs: BlobStore) -> None:
    plan = await planned(store, ["a", "b", "c"], 2)
    await blobs.write(f"{AUDIT}/work.jsonl.gz", pack([]))
    with pytest.raises(RunStoreError, match="Start a new audit"):
        await store.shard_names(AUDIT, plan.shards[0])


async def test_a_plan_whose_names_were_deleted_is_refused(store: RunStore, blobs: BlobStore) -> None:
    plan = await planned(store, ["a", "b", "c"], 2)
    await blobs._container.delete_blob(f"{AUDIT}/work.jsonl.gz")
    with pytest.raises(RunStoreError, match=r"has 0 names of 1 in .* Start a new audit"):
        await store.shard_names(AUDIT, plan.shards[0])


# --- the rows ---------------------------------------------------------------------------------------------------------


SESSION = "5e551045-0000-4000-8000-000000000000"
IDS = [f"00000000-0000-4000-8000-{number:012}" for number in range(5)]


def candidate(session: int) -> Candidate:
    return Candidate(
        session_id=f"00000000-0000-0000-0000-{session:012}", status=None, origin="PRE", started_at=AT, finished_at=None,
        scheduled_for=AT, deleted_at=None, booking_id=SESSION, case_id=SESSION, case_state="OPEN", case_closed_at=AT,
        case_live=True, live_recordings=0, deleted_recordings=1, sibling_recordings=2, has_ingest_address=True,
        processing_at=AT, left_at=None, stopped_at=AT, job_at=None, row_token="7", asked=True,
    )  # fmt: skip


ROWS = [candidate(n) for n in range(5)]
CANDIDATES = texts(row.to_json() for row in ROWS)
REGISTERED = texts(
    [one, SESSION, ["deleted"] * (n == 1), "0123456789abcdef" if n == 2 else None] for n, one in enumerate(IDS)
)


async def test_rows_come_back_as_they_were_and_are_there_only_when_all_are(store: RunStore, blobs: BlobStore) -> None:
    assert not await store.has_rows(AUDIT)
    await blobs.write(f"{AUDIT}/registered.jsonl.gz", pack([["r0", "s", [], None]]))
    assert not await store.has_rows(AUDIT)
    await write_rows(
        store, stream(CANDIDATES[:3], CANDIDATES[3:]), stream(REGISTERED[:1], REGISTERED[1:4], REGISTERED[4:])
    )
    assert await store.has_rows(AUDIT)
    assert await flat(store.rows(AUDIT, "candidates", Candidate.from_json)) == ROWS
    registered = await flat(store.rows(AUDIT, "registered", RegisteredRecording.from_json))
    assert texts([*row] for row in registered) == REGISTERED
    assert registered[2] == RegisteredRecording(IDS[2], SESSION, [], "0123456789abcdef")
    assert [row.deleted for row in registered] == [False, True, False, False, False]
    assert await flat(store.keys(AUDIT, "registered")) == IDS


async def test_rows_are_kept_in_the_words_of_the_database(store: RunStore, blobs: BlobStore) -> None:
    await write_rows(store, stream([]), stream(['["ü\u2028" ,  1, [], null]']))
    stored = await blobs.read(f"{AUDIT}/registered.jsonl.gz")
    assert stored is not None
    assert gzip.decompress(stored.data).decode() == '["ü\u2028" ,  1, [], null]\n'


async def test_no_rows_at_all_are_rows_that_were_pulled(store: RunStore) -> None:
    await write_rows(store, stream(), stream())
    assert await store.has_rows(AUDIT)
    assert await flat(store.rows(AUDIT, "candidates", Candidate.from_json)) == []
    assert await flat(store.rows(AUDIT, "registered", RegisteredRecording.from_json)) == []
    assert await flat(store.keys(AUDIT, "registered")) == []


async def test_the_registered_rows_are_written_before_the_first_candidate_is_asked_for(
    store: RunStore, blobs: BlobStore
) -> None:
    seen = []

    async def candidates() -> AsyncIterator[list[str]]:
        seen.append(await paths(blobs))
        yield CANDIDATES

    await write_rows(store, candidates(), stream(REGISTERED))
    assert seen == [["registered.jsonl.gz"]]


async def test_rows_of_many_megabytes_come_back_in_portions(store: RunStore) -> None:
    portions = [texts([IDS[0], SESSION, [], text[1:-1]] for text in portion) for portion in bulky(9)]
    await write_rows(store, stream(CANDIDATES), stream(*portions))
    read = [rows async for rows in store.rows(AUDIT, "registered", RegisteredRecording.from_json)]
    assert max(map(len, read)) < 100, "more is unpacked and parsed at once than a portion"
    assert texts([*row] for rows in read for row in rows) == [text for portion in portions for text in portion]


@pytest.mark.parametrize("before", [[], bulky(5)], ids=["at once", "after 5 MB"])
async def test_rows_that_break_off_are_not_there(store: RunStore, blobs: BlobStore, before: list[list[str]]) -> None:
    with pytest.raises(DatabaseUnavailableError, match="broke off"):
        await write_rows(store, stream(CANDIDATES), broken_off(REGISTERED, *before))
    assert await paths(blobs) == []
    with pytest.raises(DatabaseUnavailableError, match="broke off"):
        await write_rows(store, broken_off(CANDIDATES, *before), stream(REGISTERED))
    assert await paths(blobs) == ["registered.jsonl.gz"]
    assert not await store.has_rows(AUDIT)


async def test_rows_that_break_off_leave_those_that_were_there(store: RunStore) -> None:
    await write_rows(store, stream(CANDIDATES), stream(REGISTERED))
    with pytest.raises(DatabaseUnavailableError, match="broke off"):
        await write_rows(store, broken_off(CANDIDATES[:1], *bulky(5)), stream(REGISTERED))
    with pytest.raises(DatabaseUnavailableError, match="broke off"):
        await write_rows(store, stream(CANDIDATES), broken_off(REGISTERED[:1], *bulky(5)))
    assert await flat(store.rows(AUDIT, "candidates", Candidate.from_json)) == ROWS
    assert len(await flat(store.rows(AUDIT, "registered", RegisteredRecording.from_json))) == 5


READERS: dict[str, Callable[[RunStore], Awaitable[object]]] = {
    "containers": lambda store: flat(store.container_names(AUDIT)),
    "candidates": lambda store: flat(store.rows(AUDIT, "candidates", Candidate.from_json)),
    "registered": lambda store: flat(store.rows(AUDIT, "registered", RegisteredRecording.from_json)),
    "registered, their ids": lambda store: flat(store.keys(AUDIT, "registered")),
    "shards/0000": lambda store: store.shard(AUDIT, 0, ContainerEvidence.from_json),
}


@pytest.mark.parametrize("reader", ["candidates", "registered", "registered, their ids"])
async def test_rows_that_were_never_pulled_are_not_taken_for_none(store: RunStore, reader: str) -> None:
    name = reader.partition(",")[0]
    with pytest.raises(RunStoreError, match=rf"no {AUDIT}/{name}\.jsonl\.gz in container .* Start a new audit"):
        await READERS[reader](store)


WHOLE: dict[str, bytes] = {
    "containers": pack(["a", "b"]),
    "candidates": pack([ROWS[0].to_json(), ROWS[1].to_json()]),
    "registered": pack([["r0", "s", [], None], ["r1", "s", ["deleted"], None]]),
    "shards/0000": pack([SEEN.to_json(), LOST.to_json()]),
}
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda whole: whole[:-4],
    "cut in its second member": lambda whole: whole + whole[:12],
    "not packed": gzip.decompress,
    "cut before it was packed": lambda whole: gzip.compress(gzip.decompress(whole)[:-3]),
    "no JSON": lambda whole: gzip.compress(gzip.decompress(whole) + b"\xff\xfe\n"),
    "of another kind": lambda whole: gzip.compress(gzip.decompress(whole) + b"7\n"),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("reader", READERS)
async def test_a_damaged_artefact_is_named(store: RunStore, blobs: BlobStore, reader: str, damage: str) -> None:
    name = reader.partition(",")[0]
    path = f"{AUDIT}/{name}.jsonl.gz"
    await blobs.write(path, WHOLE[name])
    await READERS[reader](store)
    await blobs.write(path, DAMAGES[damage](WHOLE[name]))
    with pytest.raises(RunStoreError, match=f"{path} in container .* cannot be read: .* new audit"):
        await READERS[reader](store)


# --- shards -----------------------------------------------------------------------------------------------------------


async def test_a_shard_comes_back_as_it_was(store: RunStore) -> None:
    assert await store.shard(AUDIT, 0, ContainerEvidence.from_json) is None
    counts = await store.write_shard(AUDIT, 0, 1, [SEEN, GONE, LOST])
    assert counts == {"scanned": 1, "skipped": 1, "failed": 1, "blobs": 3}
    assert await store.shard(AUDIT, 0, ContainerEvidence.from_json) == [SEEN, GONE, LOST]


async def test_the_containers_of_a_shard_without_a_result_come_back_as_failed(store: RunStore) -> None:
    plan = await planned(store, ["b", "c", "d", "e", "f"], 3)
    await store.write_shard(AUDIT, 0, 1, [SEEN, GONE])
    first, second = plan.shards
    assert await store.shard_records(AUDIT, first, ContainerEvidence.from_json) == [SEEN, GONE]
    lost = [
        record
        for record in await store.shard_records(AUDIT, second, ContainerEvidence.from_json)
        if isinstance(record, Unread)
    ]
    assert [(record.unit, record.failed) for record in lost] == [("d", True), ("e", True), ("f", True)]
    assert all(record.reason for record in lost)


async def test_artefacts_tell_how_far_each_shard_has_come(store: RunStore, records: AuditRecords) -> None:
    empty = await store.artefacts(AUDIT)
    assert (empty.names, dict(empty.shards), empty.last_modified, empty.scan_started_at) == (
        frozenset(),
        {},
        None,
        None,
    )

    await records.create_record(RECORD)
    await store.write_containers(AUDIT, AT, stream(["a"]))
    await write_rows(store, stream(), stream())
    await store.write_progress(AUDIT, 0, [SEEN])
    await store.write_progress(AUDIT, 1, [SEEN])
    await store.write_shard(AUDIT, 1, 2, [SEEN, LOST])
    await store.write_report(AUDIT, "json", stream(b"{}"))
    found = await store.artefacts(AUDIT)

    assert found.names >= {
        "run.json", "containers.jsonl.gz", "listing.json", "candidates.jsonl.gz", "registered.jsonl.gz", "report.json",
    }  # fmt: skip
    assert [(n, s.done, s.scanned, s.failed, s.blobs) for n, s in sorted(found.shards.items())] == [
        (0, False, 1, 0, 3),
        (1, True, 1, 1, 3),
    ]
    assert found.scan_started_at is not None
    assert found.last_modified is not None
    assert found.last_modified >= found.scan_started_at


async def test_artefacts_of_another_audit_are_not_seen(store: RunStore) -> None:
    await store.write_report(f"{AUDIT}0", "json", stream(b"{}"))
    assert (await store.artefacts(AUDIT)).names == frozenset()


# --- the report -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("form", "name"), [("json", "report.json"), ("csv", "findings.csv"), ("html", "report.html")])
async def test_each_form_of_the_report_has_its_file(store: RunStore, blobs: BlobStore, form: str, name: str) -> None:
    assert await store.report(AUDIT, form) is None
    assert not await store.has_report(AUDIT, form)
    await store.write_report(AUDIT, form, stream("ü".encode(), b"", b"ber"))
    assert await store.report(AUDIT, form) == "über".encode()
    assert await store.has_report(AUDIT, form)
    assert await paths(blobs) == [name]


@pytest.mark.parametrize("before", [b"[", b"x" * 9_000_000], ids=["at once", "after 9 MB"])
async def test_a_report_that_breaks_off_is_not_there_and_leaves_an_old_one_alone(
    store: RunStore, before: bytes
) -> None:
    for there in (None, b"the first"):
        with pytest.raises(DatabaseUnavailableError, match="broke off"):
            await store.write_report(AUDIT, "json", broken_off(before))
        assert await store.report(AUDIT, "json") == there
        await store.write_report(AUDIT, "json", stream(b"the first"))


async def test_a_reports_lines_come_in_portions_each_once_and_whole(store: RunStore) -> None:
    lines = [f"{n:06} ü\u2028\x85\r {'x' * (n % 200)}" for n in range(80_000)]
    data = "".join(f"{line}\n" for line in lines).encode()
    assert len(data) > 8 * 1024 * 1024
    chunks = [data[at : at + 1_000_003] for at in range(0, len(data), 1_000_003)]
    await store.write_report(AUDIT, "json", stream(*chunks))
    portions = [portion async for portion in store.report_lines(AUDIT)]
    assert len(portions) > 1
    assert [line for portion in portions for line in portion] == lines


async def test_a_report_that_was_never_written_has_no_lines_but_an_error(store: RunStore) -> None:
    with pytest.raises(RunStoreError, match=rf"no {AUDIT}/report\.json in container .* Start a new audit"):
        await flat(store.report_lines(AUDIT))


async def test_every_json_artefact_has_a_schema_version_and_says_that_it_is_complete(
    store: RunStore, blobs: BlobStore
) -> None:
    await store.write_containers(AUDIT, AT, stream(["a"]))
    await planned(store, ["a"], 1)
    found = [path for path in await paths(blobs) if path.endswith(".json")]
    assert found == ["listing.json", "plan.json"]
    for path in found:
        stored = await blobs.read(f"{AUDIT}/{path}")
        assert stored is not None
        document = json.loads(stored.data)
        assert document["schema_version"] == 1
        assert document["complete"] is True


# --- beginning again ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [None, [LOST]], ids=["never scanned", "scanned in vain"])
async def test_a_late_scan_overwrites_nothing(store: RunStore, kept: list[Record] | None) -> None:
    if kept is not None:
        await store.write_shard(AUDIT, 0, 1, kept)
    # by two activities, of which one belongs to an earlier attempt
    seen = await store.shard_result(AUDIT, 0, ContainerEvidence.from_json)
    assert await store.mend_shard(AUDIT, 0, 2, [SEEN], seen) == {"scanned": 1, "skipped": 0, "failed": 0, "blobs": 3}
    assert await store.mend_shard(AUDIT, 0, 1, [LOST], seen) is None
    assert await store.shard(AUDIT, 0, ContainerEvidence.from_json) == [SEEN]
    assert (await store.artefacts(AUDIT)).shards[0].failed == 0


async def test_a_report_is_of_one_attempt(store: RunStore) -> None:
    assert not await store.has_report_of(AUDIT, "0.0")
    await store.write_report(AUDIT, "json", stream(b"{}"))
    assert await store.has_report_of(AUDIT, "0.0")
    assert not await store.has_report_of(AUDIT, "1.0")
    await store.write_report(AUDIT, "json", stream(b"{}"), "1.0")
    assert [await store.has_report_of(AUDIT, of) for of in ("0.0", "1.0", "1.1")] == [False, True, False]


# --- dead letters ---------------------------------------------------------------------------------------------------

LETTER = DeadLetter(7, "7f", 3, 1, (("7f-lost", "403"),), attempts=3, first_at=AT, last_at=AT)


async def test_dead_letters_come_back_by_shard_and_are_counted(store: RunStore) -> None:
    assert await store.dead_letters(AUDIT) == []
    letters = [replace(LETTER, shard=shard) for shard in (0, 7, 12, 255)]
    for letter in reversed(letters):
        await store.write_dead_letter(AUDIT, letter)
    await store.write_dead_letter(f"{AUDIT}0", LETTER)
    assert await store.dead_letters(AUDIT) == letters
    assert await store.dead_letter(AUDIT, 12) == letters[2]
    assert await store.dead_letter(AUDIT, 11) is None
    assert (await store.artefacts(AUDIT)).dead_letters == 4


async def test_a_dead_letter_takes_the_place_of_the_one_its_shard_had_and_can_be_taken_back(store: RunStore) -> None:
    await store.write_dead_letter(AUDIT, LETTER)
    again = replace(LETTER, attempts=6)
    await store.write_dead_letter(AUDIT, again)
    assert await store.dead_letters(AUDIT) == [again]
    await store.delete_dead_letter(AUDIT, 7)
    await store.delete_dead_letter(AUDIT, 7)
    assert await store.dead_letters(AUDIT) == []


async def test_a_damaged_dead_letter_is_named(store: RunStore, blobs: BlobStore) -> None:
    await blobs.write(f"{AUDIT}/dead-letters/0007.json", b"{")
    with pytest.raises(RunStoreError, match=r"dead-letters/0007\.json .* cannot be read"):
        await store.dead_letters(AUDIT)


async def test_what_is_no_dead_letter_of_its_shard_is_none(store: RunStore, blobs: BlobStore) -> None:
    await store.write_dead_letter(AUDIT, LETTER)
    for name in ("notes.txt", "7.json", "0007.json.bak", "older/0008.json"):
        await blobs.write(f"{AUDIT}/dead-letters/{name}", b"x")
    assert await store.dead_letters(AUDIT) == [LETTER]
    assert (await store.artefacts(AUDIT)).dead_letters == 1
    await blobs.write(f"{AUDIT}/dead-letters/0012.json", json.dumps(LETTER.to_json()).encode())
    with pytest.raises(UnreadableError, match=r"dead-letters/0012\.json .* of another shard"):
        await store.dead_letters(AUDIT)


# --- what somebody, or a later release, has touched -------------------------------------------------------------------

DOCUMENTS: dict[str, tuple[dict[str, Any], Callable[[RunStore], Awaitable[object]]]] = {
    "listing.json": (Listing(AT, 3).to_json(), lambda store: store.listing(AUDIT)),
    "plan.json": (replace(UNPLANNED, listed=3).to_json(), lambda store: store.planned(AUDIT)),
    "dead-letters/0007.json": (LETTER.to_json(), lambda store: store.dead_letter(AUDIT, 7)),
}


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_a_document_that_this_release_does_not_write_is_named(
    store: RunStore, blobs: BlobStore, name: str
) -> None:
    whole, read = DOCUMENTS[name]
    damages: list[bytes] = [b"", b"{", b"[]", b"null", b"\xff", json.dumps(whole | {"schema_version": 2}).encode()]
    damages += [
        json.dumps(whole | {member: "x\x00"}).encode() for member in whole if member not in {"start", "complete"}
    ]
    damages += [
        json.dumps(whole | {member: None}).encode() for member in whole if member not in {"discarded", "complete"}
    ]
    for damage in damages:
        await blobs.write(f"{AUDIT}/{name}", damage)
        with pytest.raises(UnreadableError, match=rf"^{AUDIT}/{name} in container .* cannot be read: .+") as refused:
            await read(store)
        assert refused.value.path == f"{AUDIT}/{name}"
    await blobs.write(f"{AUDIT}/{name}", json.dumps(whole).encode())
    assert await read(store) is not None


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
        await store.plan(AUDIT)


async def test_a_plan_whose_shards_are_out_of_order_is_none(store: RunStore, blobs: BlobStore) -> None:
    plan = (await planned(store, ["a", "b"], 1)).to_json()
    await blobs.write(f"{AUDIT}/plan.json", json.dumps(plan | {"shards": plan["shards"][::-1]}).encode())
    with pytest.raises(UnreadableError, match="not numbered in order"):
        await store.plan(AUDIT)


@pytest.mark.parametrize("count", ["many", "-1", "1.5", "", "9" * 19])
async def test_a_shard_with_odd_counts_is_named_and_a_foreign_file_beside_it_is_not_a_shard(
    store: RunStore, blobs: BlobStore, count: str
) -> None:
    await blobs.write(f"{AUDIT}/shards/notes.txt", b"x", {"scanned": count})
    await store.write_shard(AUDIT, 0, 1, [SEEN])
    assert list((await store.artefacts(AUDIT)).shards) == [0]
    await blobs.write(f"{AUDIT}/shards/0001.jsonl.gz", pack([]), {"scanned": count})
    with pytest.raises(UnreadableError, match=rf"^{AUDIT}/shards/0001\.jsonl\.gz in .*: its metadata's scanned is not"):
        await store.artefacts(AUDIT)


async def test_a_listing_that_is_forgotten_is_made_again_and_so_are_the_rows(store: RunStore) -> None:
    await store.forget_listing(AUDIT)
    await store.write_containers(AUDIT, AT, stream(["a"]))
    await write_rows(store, stream(), stream())
    await store.forget_listing(AUDIT)
    assert await store.listing(AUDIT) is None
    assert not await store.has_rows(AUDIT)


async def test_when_an_audit_was_last_written_is_known_whatever_was_written(store: RunStore, blobs: BlobStore) -> None:
    assert await store.last_modified(AUDIT) is None
    await blobs.write(f"{AUDIT}/shards/odd", b"", {"scanned": "many"})
    [blob] = [blob async for blob in blobs.listing(AUDIT)]
    assert await store.last_modified(AUDIT) == blob.last_modified


# --- deleting -------------------------------------------------------------------------------------------------------


async def test_an_audit_is_deleted_with_its_record_last_and_no_other_audit_is_touched(
    store: RunStore, blobs: BlobStore, records: AuditRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    await records.create_record(RECORD)
    other = replace(RECORD, audit_id=f"{AUDIT[:-1]}e")
    await records.create_record(other)
    await store.write_dead_letter(AUDIT, LETTER)
    await store.write_shard(AUDIT, 0, 1, [SEEN])
    await store.write_report(AUDIT, "json", stream(b"{}"))
    deleted: list[str] = []
    delete = blobs.delete

    async def noted(path: str, etag: str | None = None) -> bool:
        deleted.append(path)
        return await delete(path, etag)

    monkeypatch.setattr(blobs, "delete", noted)
    await store.delete_audit(AUDIT)
    assert deleted[-1] == f"{AUDIT}/run.json"
    assert len(deleted) == 4
    assert await records.audit_ids() == [other.audit_id]
    await store.delete_audit(AUDIT)
