"""The activities before and behind the scan, on a run store in memory: what they write is what the domain says."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.list_containers import list_account
from activities.plan import plan_audit
from activities.reconcile import RowsInOrder, reconcile_audit
from activities.report import report_audit
from adapters.audit_records import AuditRecords
from adapters.blob_store import BlobStore, Stored
from adapters.listing.lister import RestLister
from adapters.run_store import RunStore
from adapters.services import Services
from adapters.settings import Settings, StorageConnection
from reconciliation.candidates import Candidate, RegisteredRecording
from reconciliation.errors import RunStoreError
from reconciliation.lifecycle import State
from reconciliation.parameters import AuditParameters, Mode
from reconciliation.report.model import summary_of
from reconciliation.run_record import RunRecord
from reconciliation.selection import select_containers
from reconciliation.shards import slice_of
from reconciliation.verdicts import SEVERITY_ORDER
from tests.reconciliation import strategies
from tests.reconciliation.world import (
    AS_OF,
    AUDIT_ID,
    MINUTE,
    PARAMETERS,
    Record,
    audited,
    document_of,
    encoded,
    page_of,
    row,
    session,
    table_of,
    unread,
    uuid_of,
)

ELSEWHERE = StorageConnection("NOWHERE")


class MemoryBlobs(BlobStore):
    """Blobs in memory; they are read in pieces of ``piece`` bytes."""

    def __init__(self, piece: int) -> None:
        self.blobs: dict[str, bytes] = {}
        self._piece = piece

    @property
    def where(self) -> str:
        return "memory"

    async def write(self, path: str, data: bytes, metadata: Mapping[str, str] | None = None) -> None:
        self.blobs[path] = data

    async def write_stream(self, path: str, chunks: AsyncIterator[bytes]) -> None:
        self.blobs[path] = b"".join([chunk async for chunk in chunks])

    async def create(self, path: str, data: bytes) -> bool:
        return self.blobs.setdefault(path, data) is data

    async def replace(self, path: str, data: bytes, etag: str) -> bool:
        self.blobs[path] = data
        return True

    async def read(self, path: str, *, offset: int | None = None, length: int | None = None) -> Stored | None:
        if path not in self.blobs:
            return None
        start = offset or 0
        return Stored(self.blobs[path][start : None if length is None else start + length], "etag")

    async def read_stream(self, path: str) -> AsyncIterator[bytes]:
        for start in range(0, len(self.blobs[path]), self._piece):
            yield self.blobs[path][start : start + self._piece]

    async def exists(self, path: str) -> bool:
        return path in self.blobs


@dataclass
class Lister:
    """An account of those containers, two names a page."""

    names: Sequence[str]

    async def containers(self) -> AsyncIterator[list[str]]:
        for start in range(0, len(self.names), 2):
            yield list(self.names[start : start + 2])


async def portions(values: Sequence[Any], size: int) -> AsyncIterator[list[Any]]:
    for start in range(0, len(values), size):
        yield list(values[start : start + size])


def by_hearing(candidates: Iterable[Candidate]) -> list[Candidate]:
    """As the database gives them (proved in test_pre_capture_sessions_sql.py)."""

    def order(candidate: Candidate) -> tuple[bool, datetime, str]:
        return candidate.hearing_at is not None, candidate.hearing_at or AS_OF, candidate.session_id

    return sorted(candidates, key=order)


@dataclass
class Audit:
    """One audit of a world, step by step."""

    candidates: Sequence[Candidate]
    records: Sequence[Record]
    rows: Sequence[RegisteredRecording]
    parameters: AuditParameters = PARAMETERS
    per_shard: int = 2
    portion: int = 2
    piece: int = 1000

    def __post_init__(self) -> None:
        self.blobs = MemoryBlobs(self.piece)
        self.store, self.audits = RunStore(self.blobs), AuditRecords(self.blobs)
        settings = Settings(ELSEWHERE, ELSEWHERE, "", shard_containers=self.per_shard, settle_minutes=20)
        self.lister = Lister(sorted(record.container for record in self.records))
        self.now = AS_OF
        lister = cast("RestLister", self.lister)
        self.services = Services(settings, self.audits, self.store, lister, now=lambda: self.now)

    async def planned(self) -> dict[str, Any]:
        """Listed, pulled and planned; the plan's answer."""
        record = RunRecord(AUDIT_ID, State.RUNNING, self.parameters, AS_OF - MINUTE, AS_OF - MINUTE)
        await self.audits.create_record(record)
        assert await list_account({"audit_id": AUDIT_ID}, self.services) == {"ok": True, "listed": len(self.records)}
        await self.store.write_rows(
            AUDIT_ID,
            portions([json.dumps(candidate.to_json()) for candidate in self.candidates], self.portion),
            portions([json.dumps(row) for row in sorted(self.rows)], self.portion),
        )
        return dict(await plan_audit({"audit_id": AUDIT_ID}, self.services))

    async def scanned(self, *, without: frozenset[int] = frozenset()) -> None:
        """Every shard but some has its result."""
        stored = {record.container: record for record in self.records}
        for planned in (await self.store.planned(AUDIT_ID)).shards:
            if planned.shard.index not in without:
                names = await self.store.shard_names(AUDIT_ID, planned)
                await self.store.write_shard(AUDIT_ID, planned.shard.index, 1, [stored[name] for name in names])

    async def reconciled(self) -> str:
        """The text of report.json."""
        self.now = AS_OF + MINUTE
        assert await reconcile_audit({"audit_id": AUDIT_ID}, self.services) == {"ok": True}
        return self.text("report.json")

    async def reported(self) -> RunRecord:
        await report_audit({"audit_id": AUDIT_ID}, self.services)
        record = await self.audits.record(AUDIT_ID)
        assert record is not None
        return record

    def text(self, name: str) -> str:
        return self.blobs.blobs[f"{AUDIT_ID}/{name}"].decode()


CANDIDATES = st.lists(strategies.candidates(), max_size=4, unique_by=lambda candidate: candidate.session_id)
RECORDS = st.lists(strategies.evidence() | strategies.unread_containers(), max_size=6, unique_by=lambda r: r.container)
SIZES = st.tuples(st.integers(1, 3), st.integers(1, 3), st.sampled_from([1, 7, 100, 100_000]))


@given(CANDIDATES.map(by_hearing), RECORDS, strategies.registered(), st.sampled_from(Mode), SIZES)
def test_the_files_of_an_audit_are_what_the_domain_says_however_they_are_cut(
    candidates: list[Candidate],
    records: list[Record],
    rows: list[RegisteredRecording],
    mode: Mode,
    sizes: tuple[int, int, int],
) -> None:
    audit = Audit(candidates, records, rows, replace(PARAMETERS, mode=mode), *sizes)

    async def run() -> tuple[str, RunRecord]:
        await audit.planned()
        await audit.scanned()
        return await audit.reconciled(), await audit.reported()

    text, record = asyncio.run(run())
    expected = audited(candidates, records, rows, mode)
    assert text == document_of(expected, audit.parameters)
    report = json.loads(text)
    assert audit.text("findings.csv") == table_of(report)
    assert audit.text("report.html") == page_of(report)
    assert record.outcome is expected.outcome
    assert record.state is (State.COMPLETED if expected.coverage.is_complete else State.INCOMPLETE)
    assert record.summary == summary_of(report)


@given(CANDIDATES.map(by_hearing), RECORDS, SIZES)
def test_the_most_urgent_stands_first_then_the_oldest_hearing(
    candidates: list[Candidate], records: list[Record], sizes: tuple[int, int, int]
) -> None:
    audit = Audit(candidates, records, [], PARAMETERS, *sizes)

    async def run() -> str:
        await audit.planned()
        await audit.scanned()
        return await audit.reconciled()

    findings = json.loads(asyncio.run(run()))["findings"]
    severities = [SEVERITY_ORDER.index(finding["severity"]) for finding in findings]
    assert severities == sorted(severities)
    for severity in SEVERITY_ORDER:
        hearings = [finding["hearing_at"] for finding in findings if finding["severity"] == severity]
        known = [hearing for hearing in hearings if hearing is not None]
        assert hearings[: len(hearings) - len(known)] == [None] * (len(hearings) - len(known))
        assert known == sorted(known)


async def test_doing_a_step_again_changes_nothing() -> None:
    audit = Audit([session()], [encoded(), unread()], [row("other")])
    first = await audit.planned()
    await audit.scanned()
    text, record = await audit.reconciled(), await audit.reported()
    stored = dict(audit.blobs.blobs)
    audit.now, audit.lister.names = AS_OF + 60 * MINUTE, []
    assert await list_account({"audit_id": AUDIT_ID}, audit.services) == {"ok": True, "listed": 2}
    assert await plan_audit({"audit_id": AUDIT_ID}, audit.services) == first
    await reconcile_audit({"audit_id": AUDIT_ID}, audit.services)
    assert await audit.reported() == record
    assert audit.blobs.blobs == stored
    assert audit.text("report.json") == text


@pytest.mark.parametrize("mode", Mode)
async def test_a_shard_without_a_result_is_a_gap_and_its_containers_are_named(mode: Mode) -> None:
    records = sorted((encoded(f"r{number}", of="other") for number in range(4)), key=lambda r: r.container)
    audit = Audit([session()], records, [], replace(PARAMETERS, mode=mode))
    await audit.planned()
    await audit.scanned(without=frozenset({1}))
    report = json.loads(await audit.reconciled())
    assert report["coverage"]["failed_containers"] == [
        {"container": record.container, "error": "its shard could not be scanned"} for record in records[2:]
    ]
    assert report["findings"][0]["verdict"] == "unverified"
    assert (await audit.reported()).state is State.INCOMPLETE


async def test_a_candidate_that_was_pulled_twice_ends_in_no_report() -> None:
    audit = Audit([session(), session(status="FAILURE")], [], [])
    await audit.planned()
    await audit.scanned()
    with pytest.raises(AssertionError, match="was pulled twice"):
        await audit.reconciled()
    assert f"{AUDIT_ID}/report.json" not in audit.blobs.blobs


async def test_a_shard_that_lost_a_container_ends_in_no_report() -> None:
    audit = Audit([session()], [encoded("a"), encoded("b")], [])
    await audit.planned()
    await audit.store.write_shard(AUDIT_ID, 0, 1, [encoded("a")])
    with pytest.raises(AssertionError, match="2 containers listed, 1 accounted for"):
        await audit.reconciled()
    assert f"{AUDIT_ID}/report.json" not in audit.blobs.blobs


@pytest.mark.parametrize("end", ["\n]}\n", "]}\n", "\n"])
async def test_a_report_that_was_cut_is_not_rendered_as_a_whole_one(end: str) -> None:
    audit = Audit([session()], [encoded()], [])
    await audit.planned()
    await audit.scanned()
    text = await audit.reconciled()
    audit.blobs.blobs[f"{AUDIT_ID}/report.json"] = text.removesuffix(end).encode()
    with pytest.raises(RunStoreError, match="ends before its end"):
        await audit.reported()
    assert f"{AUDIT_ID}/report.html" not in audit.blobs.blobs
    record = await audit.audits.record(AUDIT_ID)
    assert record is not None
    assert record.state is State.RUNNING


# --- the plan -----------------------------------------------------------------------------------------------------


@given(RECORDS, strategies.registered(), st.sampled_from(Mode), st.sampled_from([(), ("0", "5", "9", "d")]), SIZES)
def test_the_plan_holds_what_was_selected_and_counts_what_was_not(
    records: list[Record],
    rows: list[RegisteredRecording],
    mode: Mode,
    prefixes: tuple[str, ...],
    sizes: tuple[int, int, int],
) -> None:
    parameters = replace(PARAMETERS, mode=mode, container_prefixes=prefixes)
    audit = Audit([], records, rows, parameters, *sizes)

    async def run() -> tuple[dict[str, Any], list[str]]:
        answer, plan = await audit.planned(), await audit.store.planned(AUDIT_ID)
        assert answer == {"ok": True, "shards": len(plan.shards), "max_passes": plan.max_passes}
        assert plan.listed == len(records)
        assert plan.as_of == AS_OF
        shards = [planned.shard for planned in plan.shards]
        names = [name for planned in plan.shards for name in await audit.store.shard_names(AUDIT_ID, planned)]
        assert all(names[slice_of(shards, shard.index)] for shard in shards if shard.containers)
        return plan.skipped, names

    skipped, names = asyncio.run(run())
    everything = sorted(record.container for record in records)
    assert (names, skipped) == select_containers(everything, {row.recording_id for row in rows}, parameters)


async def test_a_container_that_was_listed_twice_ends_in_no_plan() -> None:
    audit = Audit([], [encoded()], [])
    audit.lister.names = [str(uuid_of("recording"))] * 2
    audit.records = [encoded()] * 2
    with pytest.raises(RunStoreError, match="2 containers of 1 names"):
        await audit.planned()
    assert f"{AUDIT_ID}/plan.json" not in audit.blobs.blobs


# --- rows beside shards -------------------------------------------------------------------------------------------

IDS = st.lists(st.uuids().map(str) | st.sampled_from(strategies.CONTAINERS), max_size=20, unique=True).map(sorted)


@given(IDS, IDS, st.lists(st.integers(0, 40), max_size=8), st.lists(st.integers(0, 40), max_size=5))
def test_the_rows_beside_a_shard_are_exactly_those_that_register_its_containers(
    ids: list[str], others: list[str], row_cuts: list[int], name_cuts: list[int]
) -> None:
    rows = [RegisteredRecording(name, name, deleted=False) for name in ids]
    names = sorted({*ids[::2], *others})
    fetched: list[str] = []

    def cut(values: list[Any], cuts: list[int]) -> list[list[Any]]:
        bounds = [0, *sorted(min(cut, len(values)) for cut in cuts), len(values)]
        return [values[low:high] for low, high in pairwise(bounds)]

    async def portions_of_rows() -> AsyncIterator[list[RegisteredRecording]]:
        for portion in cut(rows, row_cuts):
            fetched.extend(row.recording_id for row in portion)
            yield portion

    async def run() -> None:
        beside = RowsInOrder(portions_of_rows())
        for shard in cut(names, name_cuts):
            if shard:
                known = await beside.of(shard)
                assert known == {row.recording_id: row for row in rows if row.recording_id in shard}
                # Nothing is read before its time: only the last portion may reach behind the shard.
                assert len(beside._portion) <= len(rows)
                assert not [name for name in fetched[: -len(beside._portion) or None] if name > shard[-1]]

    asyncio.run(run())


async def test_no_rows_and_no_portions_are_no_trouble() -> None:
    async def nothing() -> AsyncIterator[list[RegisteredRecording]]:
        yield []
        yield []

    beside = RowsInOrder(nothing())
    assert await beside.of(["a"]) == {}
    assert await beside.of([]) == {}
    assert await beside.of(["b"]) == {}


async def test_each_container_meets_its_own_row_in_whatever_shard_it_is() -> None:
    names = [f"recording {number}" for number in range(7)]
    sessions = by_hearing(session(name) for name in names)
    rows = [row(name, of="another") for name in names[::2]]
    audit = Audit(sessions, [encoded(name, of=name) for name in names], rows)
    await audit.planned()
    await audit.scanned()
    report = json.loads(await audit.reconciled())
    assert {found["subject"]["id"]: found["verdict"] for found in report["findings"]} == {
        str(uuid_of(name)): "already_registered" if name in names[::2] else "unregistered_recording" for name in names
    }


async def test_a_row_of_a_container_that_was_not_opened_hides_nothing() -> None:
    rows = [row("a"), row("b"), row("c")]
    audit = Audit([session()], [encoded("b"), encoded("hidden")], rows, replace(PARAMETERS, mode=Mode.FAST))
    await audit.planned()
    await audit.scanned()
    report = json.loads(await audit.reconciled())
    [found] = report["findings"]
    assert found["verdict"] == "unregistered_recording"
    assert [container["container"] for container in found["evidence"]] == [str(uuid_of("hidden"))]
    assert report["coverage"]["skipped_by_reason"] == {"registered": 1}
    assert report["complete"] is True
