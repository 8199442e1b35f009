"""The steps of an audit one after the other, on a world in memory: what they write is what the domain says."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
from activities.list_containers import list_account
from activities.reading import Reader
from activities.reconcile import reconcile_audit
from hypothesis import given
from hypothesis import strategies as st

from activities.plan import cut, plan_audit
from activities.pull import pull_rows
from activities.report import report_audit
from activities.scan_shard import scan
from adapters.store.jsonl import pack
from adapters.store.run_store import RunStore
from profiles.pre_capture_sessions import PROFILE
from profiles.pre_capture_sessions.candidates import Candidate
from profiles.pre_capture_sessions.options import MODES
from profiles.pre_capture_sessions.selection import select_containers
from reconciliation.errors import AuditError, ListingError, RunStoreError
from reconciliation.lifecycle import State
from reconciliation.lookups import Blob
from reconciliation.parameters import AuditParameters
from reconciliation.plan import Plan
from reconciliation.report.model import summary_of
from reconciliation.run_record import RunRecord
from tests.activities.memory import FORBIDDEN, GONE, Account, MemoryBlobs, MemoryDatabase, MemoryStorage, Outside
from tests.profiles.pre_capture_sessions import strategies
from tests.profiles.pre_capture_sessions.world import (
    AS_OF,
    AUDIT_ID,
    IN_FAST_MODE,
    LATEST,
    MINUTE,
    PARAMETERS,
    REGISTERED,
    World,
    asking,
    audited,
    document_of,
    encode,
    encoded,
    page_of,
    row,
    session,
    table_of,
    uuid_of,
)


@dataclass
class Audit:
    """One audit of a world, step by step; ``sizes`` are containers in a shard and bytes in a piece of a stream."""

    database: MemoryDatabase
    account: Account
    parameters: AuditParameters = PARAMETERS
    sizes: tuple[int, int] = (2, 1000)

    def __post_init__(self) -> None:
        per_shard, piece = self.sizes
        storage = MemoryStorage(self.account)
        self.outside = Outside(storage, self.database, blobs=MemoryBlobs(piece), per_shard=per_shard)

    @property
    def store(self) -> RunStore:
        return self.outside.store

    @property
    def files(self) -> dict[str, bytes]:
        return self.outside.blobs.blobs

    async def world(self) -> World:
        """The same, as the domain sees it."""
        lister = self.outside.storage
        reader = Reader(MemoryStorage(lister.account), 1, lambda: LATEST)
        records = [await reader.read(name) for name in sorted(lister.account)]
        database = self.outside.database
        return World(database.candidates, records, database.rows, database.others, lists_what_is_gone=True)

    async def planned(self, audit_id: str = AUDIT_ID) -> dict[str, Any]:
        """Listed, pulled and planned; the plan's answer."""
        record = RunRecord(audit_id, State.RUNNING, self.parameters, AS_OF - MINUTE, AS_OF - MINUTE)
        await self.outside.records.create_record(record)
        listed = await list_account({"audit_id": audit_id}, self.outside.services)
        assert listed == {"ok": True, "listed": len(self.outside.storage.account)}
        assert await pull_rows({"audit_id": audit_id}, self.outside.services) == {"ok": True}
        return dict(await plan_audit({"audit_id": audit_id}, self.outside.services))

    async def scanned(self, audit_id: str = AUDIT_ID, *, without: frozenset[int] = frozenset()) -> None:
        """Every shard but some has its result."""
        for planned in (await self.store.planned(audit_id)).shards:
            if planned.shard.index not in without:
                index = planned.shard.index
                await scan({"audit_id": audit_id, "shard": index, "attempt": 1}, self.outside.services)

    async def reconciled(self, audit_id: str = AUDIT_ID) -> str:
        """The text of report.json."""
        self.outside.now = AS_OF + MINUTE
        assert await reconcile_audit({"audit_id": audit_id}, self.outside.services) == {"ok": True}
        return self.text("report.json", audit_id)

    async def reported(self, audit_id: str = AUDIT_ID) -> RunRecord:
        await report_audit({"audit_id": audit_id}, self.outside.services)
        record = await self.outside.records.record(audit_id)
        assert record is not None
        return record

    async def whole(self, audit_id: str = AUDIT_ID) -> dict[str, Any]:
        """The report of an audit from end to end."""
        self.outside.now = AS_OF
        await self.planned(audit_id)
        await self.scanned(audit_id)
        report: dict[str, Any] = json.loads(await self.reconciled(audit_id))
        await self.reported(audit_id)
        return report

    def text(self, name: str, audit_id: str = AUDIT_ID) -> str:
        return self.files[f"{audit_id}/{name}"].decode()


def by_hearing(candidates: Sequence[Candidate]) -> list[Candidate]:
    """As the database gives them (proved in test_pre_capture_sessions_sql.py)."""

    def order(candidate: Candidate) -> tuple[bool, datetime, str]:
        return candidate.hearing_at is not None, candidate.hearing_at or AS_OF, candidate.session_id

    return sorted(candidates, key=order)


def audit_of(*candidates: Candidate, account: Account | None = None, **changes: Any) -> Audit:
    database = MemoryDatabase(by_hearing(candidates), changes.pop("rows", ()), changes.pop("others", ()))
    return Audit(database, account or {}, **changes)


def named(**account: list[Blob] | AuditError) -> dict[str, list[Blob] | AuditError]:
    """Containers by the name of their recording."""
    return {str(uuid_of(name)): found for name, found in account.items()}


SIZES = st.tuples(st.integers(1, 3), st.sampled_from([1, 7, 100, 100_000]))
TROUBLE = st.dictionaries(st.sampled_from(strategies.CONTAINERS), st.sampled_from([FORBIDDEN, GONE]), max_size=2)


@st.composite
def audits(draw: st.DrawFn) -> Audit:
    candidates, others = draw(strategies.databases())
    account = draw(strategies.listings()) | draw(TROUBLE)
    database = MemoryDatabase(by_hearing(candidates), draw(strategies.registered()), others)
    asked = draw(
        st.sampled_from([PARAMETERS, IN_FAST_MODE, asking(PARAMETERS, container_prefixes=("0", "5", "9", "d"))])
    )
    return Audit(database, account, asked, draw(SIZES))


@given(audits())
def test_the_files_of_an_audit_are_what_the_domain_says_however_they_are_cut(audit: Audit) -> None:
    async def run() -> tuple[str, RunRecord, World]:
        await audit.planned()
        await audit.scanned()
        return await audit.reconciled(), await audit.reported(), await audit.world()

    text, record, world = asyncio.run(run())
    expected = audited(world, audit.parameters, profile=PROFILE)
    assert text == document_of(expected, audit.parameters)
    report = json.loads(text)
    assert audit.text("findings.csv") == table_of(report)
    assert audit.text("report.html") == page_of(report)
    assert record.outcome is expected.outcome
    assert record.state is (State.COMPLETED if expected.result.is_complete else State.INCOMPLETE)
    assert record.summary == summary_of(report, PROFILE)


@given(audits(), audits())
def test_whatever_happens_between_the_scan_and_the_report_is_seen_on_the_second_look(
    audit: Audit, later: Audit
) -> None:
    async def run() -> tuple[str, World, World]:
        await audit.planned()
        await audit.scanned()
        before = await audit.world()
        audit.outside.storage = later.outside.storage
        audit.outside.database = later.outside.database
        return await audit.reconciled(), before, await audit.world()

    text, before, after = asyncio.run(run())
    assert text == document_of(audited(before, audit.parameters, then=after, profile=PROFILE), audit.parameters)


async def test_doing_a_step_again_changes_nothing() -> None:
    audit = audit_of(session(), account=named(recording=encode(), unread=FORBIDDEN), rows=[row("other")])
    first = await audit.planned()
    await audit.scanned()
    text, stored = await audit.reconciled(), dict(audit.files)
    audit.outside.now, audit.outside.storage = AS_OF + 60 * MINUTE, MemoryStorage({})
    services = audit.outside.services
    assert await list_account({"audit_id": AUDIT_ID}, services) == {"ok": True, "listed": 2}
    assert await plan_audit({"audit_id": AUDIT_ID}, services) == first
    await pull_rows({"audit_id": AUDIT_ID}, services)
    await reconcile_audit({"audit_id": AUDIT_ID}, services)
    assert audit.files == stored
    assert audit.text("report.json") == text


async def test_an_audit_that_has_ended_is_reported_again_unchanged_and_judged_no_more() -> None:
    audit = audit_of(session(), account=named(recording=encode()))
    record = (await audit.whole(), await audit.reported())[1]
    stored = dict(audit.files)
    audit.outside.now, audit.outside.storage = AS_OF + 60 * MINUTE, MemoryStorage({})
    assert await audit.reported() == record
    with pytest.raises(RunStoreError, match=f"Audit {AUDIT_ID} has ended"):
        await reconcile_audit({"audit_id": AUDIT_ID}, audit.outside.services)
    assert audit.files == stored


@pytest.mark.parametrize("parameters", [PARAMETERS, IN_FAST_MODE], ids=["full", "fast"])
async def test_a_shard_without_a_result_is_a_gap_and_its_containers_are_named(parameters: AuditParameters) -> None:
    account = named(**{f"r{number}": encode("other") for number in range(4)})
    audit = audit_of(session(), account=account, parameters=parameters)
    await audit.planned()
    await audit.scanned(without=frozenset({1}))
    report = json.loads(await audit.reconciled())
    assert report["coverage"]["failed_containers"] == [
        {"container": name, "error": "its shard could not be scanned"} for name in sorted(account)[2:]
    ]
    verdicts = {finding["subject"]["id"]: finding["verdict"] for finding in report["findings"]}
    assert verdicts[session().session_id] == "unverified"
    assert (await audit.reported()).state is State.INCOMPLETE


async def test_a_shard_that_lost_a_container_ends_in_no_report() -> None:
    audit = audit_of(session(), account=named(a=encode(), b=encode()))
    await audit.planned()
    await audit.store.write_shard(AUDIT_ID, 0, 1, [encoded("a")])
    with pytest.raises(AssertionError, match="2 containers listed, 1 accounted for"):
        await audit.reconciled()
    assert f"{AUDIT_ID}/report.json" not in audit.files


@pytest.mark.parametrize("cut_off", ["\n", "}}}\n", "]\n}}}\n"])
async def test_a_report_that_was_cut_is_not_rendered_as_a_whole_one(cut_off: str) -> None:
    audit = audit_of(session(), session("hidden"), account=named(recording=encode("hidden")))
    await audit.planned()
    await audit.scanned()
    text = await audit.reconciled()
    assert text.endswith(cut_off)
    audit.files[f"{AUDIT_ID}/report.json"] = text.removesuffix(cut_off).encode()
    with pytest.raises(RunStoreError, match="ends before its end"):
        await audit.reported()
    assert f"{AUDIT_ID}/report.html" not in audit.files
    record = await audit.outside.records.record(AUDIT_ID)
    assert record is not None
    assert record.state is State.RUNNING


async def test_each_container_meets_its_own_row_in_whatever_shard_it_is() -> None:
    names = [f"recording {number}" for number in range(7)]
    audit = audit_of(
        *(session(name) for name in names),
        account=named(**{name: encode(name) for name in names}),
        rows=[row(name, of=name) for name in names[::2]],
    )
    report = await audit.whole()
    assert {one["subject"]["id"] for one in report["findings"]} == {str(uuid_of(name)) for name in names[1::2]}
    assert report["counts"]["container"]["registered"] == 4
    assert report["counts"]["recording"]["sound"] == 4


async def test_a_row_of_a_container_that_was_not_opened_hides_nothing() -> None:
    audit = audit_of(
        session(),
        account=named(a=encode("a"), b=encode("b"), c=encode("c"), hidden=encode()),
        rows=[row("a"), row("b"), row("c")],
        parameters=IN_FAST_MODE,
    )
    report = await audit.whole()
    [found] = report["findings"]
    assert found["verdict"] == "unregistered_recording"
    assert [container["container"] for container in found["evidence"]] == [str(uuid_of("hidden"))]
    assert report["coverage"]["skipped_by_reason"] == {"registered": 3}
    assert report["complete"] is True


# --- the second look and the audit before -------------------------------------------------------------------------


async def test_a_recording_that_is_registered_while_the_audit_runs_is_not_reported() -> None:
    audit = audit_of(session(status="PROCESSING"), account=named(recording=encode()))
    await audit.planned()
    await audit.scanned()
    audit.outside.database = MemoryDatabase([session(**REGISTERED)], [row("recording", "session", "recent")])
    report = json.loads(await audit.reconciled())
    assert report["findings"] == []
    assert report["counted"] == {"capture_session": {"already_registered": [session().session_id]}}
    assert report["outcome"]["word"] == "clean"


async def test_a_container_that_storage_will_not_show_again_makes_the_audit_incomplete() -> None:
    audit = audit_of(session(), account=named(recording=encode()))
    await audit.planned()
    await audit.scanned()
    audit.outside.storage = MemoryStorage(named(recording=FORBIDDEN))
    report = json.loads(await audit.reconciled())
    assert {one["verdict"] for one in report["findings"]} == {"unverified", "evidence_error"}
    assert (report["complete"], report["coverage"]["complete"]) == (False, True)
    assert (await audit.reported()).state is State.INCOMPLETE


async def test_audits_of_the_same_question_tell_what_changed_between_them() -> None:
    audit = audit_of(session("one"), session("two"), account=named(a=encode("one")))
    ids = ["20260301-000000-aaaaaaaa", "20260302-000000-aaaaaaaa", "20260303-000000-aaaaaaaa"]
    first = await audit.whole(ids[0])
    assert first["since_last"]["previous"] is None
    assert [one["change"] for one in first["findings"]] == [None]
    audit.outside.storage = MemoryStorage(named(a=encode("one"), b=encode("two")))
    second = await audit.whole(ids[1])
    assert second["since_last"]["previous"] == {"id": ids[0], "as_of": "2026-03-02T09:30:00Z"}
    changes = {one["subject"]["id"]: one["change"] for one in second["findings"]}
    assert changes == {str(uuid_of("one")): "persisting", str(uuid_of("two")): "new"}
    audit.outside.storage = MemoryStorage(named(b=encode("two")))
    third = await audit.whole(ids[2])
    assert (third["since_last"]["new"], third["since_last"]["persisting"], third["since_last"]["resolved"]) == (0, 1, 1)
    [resolved] = third["since_last"]["resolved_findings"]
    assert resolved["subject"]["id"] == str(uuid_of("one"))


# --- the plan -----------------------------------------------------------------------------------------------------


@given(audits())
def test_the_plan_holds_what_was_selected_and_counts_what_was_not(audit: Audit) -> None:
    async def run() -> tuple[Plan, list[str]]:
        answer, plan = await audit.planned(), await audit.store.planned(AUDIT_ID)
        assert answer == {"ok": True, "shards": len(plan.shards), "max_passes": plan.max_passes}
        return plan, [name for one in plan.shards for name in await audit.store.shard_names(AUDIT_ID, one)]

    plan, names = asyncio.run(run())
    assert (plan.listed, plan.as_of) == (len(audit.account), AS_OF)
    assert sum(planned.shard.containers for planned in plan.shards) == len(names)
    registered = {known.recording_id for known in audit.database.rows}
    chosen, skipped = select_containers(sorted(audit.account), registered, audit.parameters)
    assert (names, plan.skipped) == (chosen, skipped)


async def test_a_container_that_was_listed_twice_ends_in_no_plan() -> None:
    class Twice(MemoryStorage):
        async def containers(self) -> AsyncIterator[list[str]]:
            yield ["a", "b"]
            yield ["b"]

    audit = audit_of()
    audit.outside.storage = Twice({})
    with pytest.raises(ListingError, match="some of them twice"):
        await audit.planned()
    assert f"{AUDIT_ID}/plan.json" not in audit.files
    audit.outside.storage = MemoryStorage(named(a=[], b=[]))
    assert (await audit.planned())["shards"] == 1, "the second try of the step does not list anew"


async def test_names_that_were_lost_between_the_listing_and_the_plan_end_in_no_plan() -> None:
    audit = audit_of(account=named(a=[], b=[]))
    await audit.planned()
    del audit.files[f"{AUDIT_ID}/plan.json"]
    listing = json.loads(audit.files[f"{AUDIT_ID}/listing.json"]) | {"listed": 3}
    audit.files[f"{AUDIT_ID}/listing.json"] = json.dumps(listing).encode()
    with pytest.raises(RunStoreError, match="listed 3 containers, and 2 names are kept"):
        await plan_audit({"audit_id": AUDIT_ID}, audit.outside.services)
    assert (await audit.planned())["shards"] == 1, "a resume stops where the audit failed"


@pytest.mark.parametrize(
    "names",
    [pack(["b", "a"]), pack(["a", "a"]), b"\x1f", gzip.compress(b"["), pack([1, 2])],
    ids=["out of order", "twice", "cut", "no JSON", "no names"],
)
async def test_a_listing_that_cannot_be_trusted_is_not_kept_and_a_resume_reads_containers_and_rows_anew(
    names: bytes,
) -> None:
    audit = audit_of(account=named(a=[], b=[]))
    await audit.planned()
    del audit.files[f"{AUDIT_ID}/plan.json"]
    audit.files[f"{AUDIT_ID}/containers.jsonl.gz"] = names
    with pytest.raises(RunStoreError, match="What was listed is not kept: resume the audit"):
        await plan_audit({"audit_id": AUDIT_ID}, audit.outside.services)
    assert f"{AUDIT_ID}/candidates.jsonl.gz" not in audit.files, "the rows would be older than the listing"
    assert (await audit.planned())["shards"] == 1


@given(st.lists(st.lists(st.integers(), max_size=4), max_size=6), st.data())
def test_names_are_cut_anew_into_any_sizes_without_losing_one(portions: list[list[int]], data: st.DataObject) -> None:
    names = [str(one) for portion in portions for one in portion]
    sizes: list[int] = []
    while sum(sizes) < len(names):
        sizes.append(data.draw(st.integers(1, len(names) - sum(sizes))))

    async def given_portions() -> AsyncIterator[list[str]]:
        for portion in portions:
            yield [str(one) for one in portion]

    async def run() -> list[list[str]]:
        return [part async for part in cut(given_portions(), sizes)]

    parts = asyncio.run(run())
    assert [len(part) for part in parts] == sizes
    assert [name for part in parts for name in part] == names


@pytest.mark.parametrize("mode", MODES)
async def test_an_account_without_a_container_is_one_empty_shard(mode: str) -> None:
    audit = audit_of(session(), parameters=replace(PARAMETERS, mode=mode))
    assert (await audit.planned())["shards"] == 1
    await audit.scanned()
    report = json.loads(await audit.reconciled())
    assert report["outcome"]["word"] == "incomplete"
    assert report["headline"].startswith("production: This audit is incomplete: 0 of 0 containers read")
    assert "storage listed no container at all" in report["headline"]
    assert report["counts"]["capture_session"]["unverified"] == 1
