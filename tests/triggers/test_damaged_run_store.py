"""One audit of which somebody, or a later release, has touched a blob: it is named, and all others go on as ever."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import azure.durable_functions as df
import azure.functions as func
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from activities.keep_dead_letters import keep_letters
from activities.previous import previous_audit
from adapters.store.records import ActiveAudit
from profiles.pre_capture_sessions import PROFILE
from reconciliation.coverage import Coverage
from reconciliation.dead_letters import DeadLetter
from reconciliation.errors import RunStoreError
from reconciliation.evidence import Unread
from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome
from reconciliation.plan import Plan, shards_of
from reconciliation.pulled import Pulled
from reconciliation.run_record import RunRecord
from reconciliation.screened import Screening
from tests.activities.memory import MemoryDatabase, MemoryStorage, Outside
from tests.profiles.pre_capture_sessions.world import AS_OF, PARAMETERS, World, audited, document_of
from triggers import audits
from triggers.problems import RefusedError, responded
from triggers.retention import clear_away
from triggers.running import Running
from triggers.timers import watch

NAME = PARAMETERS.profile
GUARD = f"{NAME}/active.json"
OLDEST, TOUCHED, NEWEST, NEXT = (f"2026030{day}-000000-aaaaaaaa" for day in (1, 2, 3, 4))
FOLDER = f"{NAME}/{TOUCHED}"
REPORT = document_of(audited(World()))
PARTS = (
    "run.json",
    "pulled/0.json",
    "pulled/1.json",
    "rows/containers.jsonl.gz",
    "rows/candidates.jsonl.gz",
    "work.jsonl.gz",
    "plan.json",
    "shards/0000.jsonl.gz",
    "shards/0000.progress",
    "dead-letters/0000.json",
    "0.0/doubts.jsonl.gz",
    "0.0/counted.jsonl.gz",
    "0.0/screened.json",
    "0.0/again/0000.jsonl.gz",
    "report.json",
    "odd/name",
    "shards/odd",
    "dead-letters/odd",
)
LISTED = {"containers": ('"a"', '"b"')}
SUMMARY = {"findings": 0, **Outside(MemoryStorage({}), MemoryDatabase()).services.audited(PROFILE).to_json()}


@dataclass
class Runtime:
    """A Durable client that knows of no orchestration but those that are open."""

    open: set[str] = field(default_factory=set)
    started: list[str] = field(default_factory=list)

    async def get_status(self, instance_id: str) -> Any:
        status = df.OrchestrationRuntimeStatus
        return SimpleNamespace(runtime_status=status.Running) if instance_id in self.open else None

    async def start_new(self, _name: str, instance_id: str, client_input: dict[str, Any]) -> None:
        self.started.append(instance_id)
        self.open.add(instance_id)

    async def terminate(self, instance_id: str, _why: str) -> None:
        self.open.discard(instance_id)

    async def purge_instance_history_by(self, *_: Any) -> None:
        return None


async def chunks(text: str) -> AsyncIterator[bytes]:
    yield text.encode()


async def portions(*portion: Any) -> AsyncIterator[list[Any]]:
    yield list(portion)


async def leave(outside: Outside, audit_id: str, state: State) -> RunRecord:
    """Everything that an audit leaves behind."""
    record = RunRecord(audit_id, State.QUEUED, PARAMETERS, AS_OF, AS_OF)
    await outside.records.create_record(record)
    folder, attempt, store = record.folder, record.attempt_folder, outside.store
    for run, of_run in enumerate(PROFILE.pulls()):
        for source in of_run:
            await store.rows.write(folder, source.name, portions(*LISTED.get(source.name, ())))
        await store.rows.write_pulled(folder, run, Pulled(AS_OF, {source.name: 0 for source in of_run}))
    await plan(outside, folder)
    await store.shards.write_progress(folder, 0, [])
    unread = Unread("a", "403", failed=True)
    scanned = [unread, Unread("b", "gone", failed=False)]
    await store.shards.mend(folder, 0, scanned, PROFILE.scan, attempt=1, seen=None)
    if state is State.INCOMPLETE:
        letter = DeadLetter(0, "", 2, 1, (("a", "403"),), attempts=3, first_at=AS_OF, last_at=AS_OF)
        await store.letters.write(folder, letter)
    [(number, *_)] = blocks = await store.attempts.write_doubts(attempt, portions(["sessions", "s"]))
    await store.attempts.write_counted(attempt, [])
    await store.attempts.write_screened(attempt, Screening(AS_OF, {}, Coverage(2), {}, frozenset(), blocks, number))
    await store.attempts.write_again(attempt, 0, [])
    await store.reports.write(folder, "json", chunks(REPORT), record.attempt)
    return await outside.records.end(
        record.ended(state, AS_OF, outcome=Outcome.INCOMPLETE, reached=None, summary=SUMMARY)
    )


async def plan(outside: Outside, folder: str) -> None:
    """A plan of one shard that holds two containers."""
    blocks = await outside.store.plans.write_work(folder, portions(["a", None], ["b", None]))
    shards = shards_of(blocks, 2)
    frozen = Plan(AS_OF, settle_minutes=20, max_passes=3, listed=2, skipped={}, shards=shards)
    await outside.store.plans.write(folder, frozen)


async def planted(state: State) -> Outside:
    outside = Outside(MemoryStorage({}), MemoryDatabase())
    for audit_id, each in ((OLDEST, State.COMPLETED), (TOUCHED, state), (NEWEST, State.COMPLETED)):
        await leave(outside, audit_id, each)
    return outside


def request(audit_id: str | None = None, body: bytes = b"", **query: str) -> func.HttpRequest:
    route = {} if audit_id is None else {"audit_id": audit_id}
    return func.HttpRequest("GET", "https://app/api/audits", params=query, route_params=route, body=body)


async def ask(route: Callable[..., Awaitable[func.HttpResponse]], *arguments: Any) -> tuple[int, dict[str, Any]]:
    """Status and document of an answer, which is JSON and never a shrug."""
    response = await responded(route(*arguments))
    document: dict[str, Any] = json.loads(response.get_body())
    assert "Something went wrong" not in str(document.get("detail"))
    return response.status_code, document


async def ask_all(runtime: Runtime, audit_id: str) -> list[tuple[int, dict[str, Any]]]:
    """Everything that can be asked of one audit."""
    decision = b'{"reason": "It is broken.", "by": "the tests"}'
    return [
        await ask(audits.show, request(audit_id), runtime),
        await ask(audits.dead_letters, request(audit_id)),
        await ask(audits.replay, request(audit_id), runtime),
        await ask(audits.discard, request(audit_id, decision), runtime),
        await ask(audits.resume, request(audit_id), runtime),
        await ask(audits.cancel, request(audit_id), runtime),
    ]


async def others_go_on(outside: Outside, touched: str = TOUCHED) -> None:
    """All others are listed, compared with, cleared away and begun, whatever stands in the touched one."""
    runtime = Runtime()
    status, listed = await ask(audits.list_audits, request(), runtime)
    assert status == 200
    shown = [view["id"] for view in listed["audits"]]
    assert [audit_id for audit_id in shown if audit_id != touched] == [NEWEST, OLDEST]
    assert (touched in shown) != any(path.startswith(f"{NAME}/{touched}/") for path in listed["unreadable"])
    for answer, problem in await ask_all(runtime, touched):
        assert answer < 500 or (answer == 500 and problem["detail"].startswith(f"{NAME}/{touched}/"))
    now = RunRecord(NEXT, State.RUNNING, PARAMETERS, AS_OF + timedelta(hours=1), AS_OF)
    previous = await previous_audit(outside.services, now)
    assert previous is not None
    assert previous.audit_id == NEWEST
    outside.blobs.blobs.pop(GUARD, None)
    begun = await Running(outside.services, runtime).begin(PARAMETERS, NEXT)
    assert (begun.audit_id, runtime.started[-1]) == (NEXT, NEXT)
    await outside.records.end(begun.ended(State.FAILED, AS_OF, outcome=Outcome.FAILED, reached=None))
    await watch(runtime, outside.services)
    outside.now = AS_OF + timedelta(days=1000)
    await clear_away(runtime, outside.services)
    left = {path.split("/")[1] for path in outside.blobs.blobs}
    assert NEWEST in left
    assert not {OLDEST, NEXT} & left


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.just("\ud800"),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def touched_bytes(draw: st.DrawFn, before: bytes) -> bytes:
    """Any bytes; or, of a JSON document, one that is like it but for one member."""
    try:
        document = json.loads(before)
    except ValueError:
        document = None
    if not isinstance(document, dict) or draw(st.booleans()):
        return draw(st.binary(max_size=60) | VALUES.map(lambda value: json.dumps(value).encode()))
    inside = draw(
        st.sampled_from([document, *(value for value in document.values() if isinstance(value, dict) and value)])
    )
    inside[draw(st.sampled_from(sorted(inside)))] = draw(VALUES)
    return json.dumps(document).encode()


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PARTS), st.sampled_from([State.COMPLETED, State.INCOMPLETE, State.FAILED]), st.data())
def test_any_bytes_in_any_blob_of_one_audit_leave_all_others_as_they_are(
    part: str, state: State, data: st.DataObject
) -> None:
    async def run() -> None:
        outside = await planted(state)
        path = f"{FOLDER}/{part}"
        outside.blobs.blobs[path] = data.draw(touched_bytes(outside.blobs.blobs.get(path, b"")))
        outside.blobs.told[path] = data.draw(
            st.dictionaries(
                st.sampled_from(["scanned", "failed", "attempt", "shards"]), st.text(max_size=5), max_size=2
            )
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(audits, "services", lambda: outside.services)
            await others_go_on(outside)

    asyncio.run(run())


@pytest.fixture
async def outside(monkeypatch: pytest.MonkeyPatch) -> Outside:
    """Three audits, all whole."""
    outside = await planted(State.COMPLETED)
    monkeypatch.setattr(audits, "services", lambda: outside.services)
    return outside


@pytest.mark.parametrize("state", [State.COMPLETED, State.INCOMPLETE, State.FAILED])
async def test_whole_audits_are_all_shown(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = await planted(state)
    monkeypatch.setattr(audits, "services", lambda: outside.services)
    _, listed = await ask(audits.list_audits, request(), Runtime())
    assert [view["id"] for view in listed["audits"]] == [NEWEST, TOUCHED, OLDEST]
    assert listed["unreadable"] == []


@pytest.mark.parametrize("part", ["run.json", "plan.json"])
@pytest.mark.parametrize("data", [b"{", b"", b'{"schema_version": 9}'])
async def test_what_is_not_shown_is_named_in_the_list_and_told_of_when_asked_for(
    outside: Outside, part: str, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = f"{FOLDER}/{part}"
    outside.blobs.blobs[path] = data
    _, listed = await ask(audits.list_audits, request(limit="2"), Runtime())
    assert [view["id"] for view in listed["audits"]] == [NEWEST, OLDEST]
    assert listed["unreadable"] == [path]
    assert f"{path} in memory cannot be read" in caplog.text
    status, problem = await ask(audits.show, request(TOUCHED), Runtime())
    assert status == 500
    assert problem["detail"].startswith(f"{path} in memory cannot be read: ")
    assert "start a new audit" in problem["detail"]


@pytest.mark.parametrize("text", ["", "{", REPORT[:-1], REPORT[: len(REPORT) // 2]])
async def test_a_report_that_was_cut_short_is_no_report(outside: Outside, text: str) -> None:
    status, _ = await ask(audits.report, request(TOUCHED))
    assert status == 200
    outside.blobs.blobs[f"{FOLDER}/report.json"] = text.encode()
    status, problem = await ask(audits.report, request(TOUCHED))
    assert (status, problem["detail"].partition(":")[0]) == (500, f"{FOLDER}/report.json in memory cannot be read")


async def test_a_dead_letter_of_a_shard_that_there_is_not_is_named(outside: Outside) -> None:
    record = RunRecord(NEXT, State.RUNNING, PARAMETERS, AS_OF, AS_OF)
    await outside.records.create_record(record)
    await plan(outside, record.folder)
    letter = DeadLetter(7, "", 2, 1, (("a", "403"),), attempts=3, first_at=AS_OF, last_at=AS_OF)
    await outside.store.letters.write(record.folder, letter)
    with pytest.raises(RunStoreError, match=f"{NEXT} has a dead letter of shard 7, which its plan in memory does not"):
        await keep_letters({"profile": NAME, "audit_id": NEXT, "failed": []}, outside.services)


async def test_only_what_had_to_be_gone_through_is_read(outside: Outside) -> None:
    outside.blobs.blobs[f"{NAME}/{OLDEST}/run.json"] = b"{"
    _, listed = await ask(audits.list_audits, request(limit="2"), Runtime())
    assert ([view["id"] for view in listed["audits"]], listed["unreadable"]) == ([NEWEST, TOUCHED], [])


# --- decoys: a record in the folder of another audit -----------------------------------------------------------------


@pytest.mark.parametrize(
    "folder",
    [
        f"{NAME}/20990101-000000-bbbbbbbb",
        f"{NAME}/active",
        f"{NAME}/copy-of-an-audit",
        f"{NAME}/20990101-000000-BBBBBBBB",
        "other/20990101-000000-bbbbbbbb",
        "20990101-000000-bbbbbbbb",
        "active",
    ],
)
@pytest.mark.parametrize("named", [NEWEST, "active", "health.json"])
async def test_no_record_speaks_for_another_folder_than_its_own(outside: Outside, folder: str, named: str) -> None:
    await outside.records.claim(NAME, OLDEST, AS_OF, None)
    decoy = replace(await leave(outside, TOUCHED[:-1] + "b", State.COMPLETED), audit_id=named)
    outside.blobs.blobs[f"{folder}/run.json"] = json.dumps(decoy.to_json()).encode()
    outside.now = AS_OF + timedelta(days=1000)
    await clear_away(Runtime(), outside.services)
    left = {path.rpartition("/")[0] for path in outside.blobs.blobs}
    assert {f"{NAME}/{NEWEST}", NAME, folder} <= left
    assert f"{NAME}/{OLDEST}" not in left


# --- the guard -------------------------------------------------------------------------------------------------------

GUARDS = [b"", b"{", b"null", b'{"schema_version": 2}', b'{"schema_version": 1, "audit_id": "..", "since": ""}']


async def names_it(outside: Outside) -> str | None:
    guard = await outside.records.active(NAME)
    assert guard is None or isinstance(guard, ActiveAudit)
    return None if guard is None else guard.audit_id


@settings(max_examples=60, deadline=None)
@given(touched_bytes(json.dumps({"schema_version": 1, "audit_id": OLDEST, "since": "2026-03-02T09:30:00Z"}).encode()))
@example(b"")
@example(b"{")
def test_whatever_stands_in_the_guard_an_audit_is_begun_once_no_other_is_active(data: bytes) -> None:
    async def run() -> None:
        outside, runtime = await planted(State.COMPLETED), Runtime()
        outside.blobs.blobs[GUARD] = data
        await Running(outside.services, runtime).begin(PARAMETERS, NEXT)
        assert (runtime.started, await names_it(outside)) == ([NEXT], NEXT)

    asyncio.run(run())


@pytest.mark.parametrize("data", GUARDS)
@pytest.mark.parametrize("unreadable", [False, True], ids=["with its record", "whose record cannot be read either"])
async def test_an_audit_at_work_stays_the_only_one_although_its_guard_cannot_be_read(
    outside: Outside, data: bytes, unreadable: bool
) -> None:
    runtime = Runtime()
    active = await Running(outside.services, runtime).begin(PARAMETERS, NEXT)
    if unreadable:
        outside.blobs.blobs[f"{NAME}/{NEXT}/run.json"] = b'{"schema_version": 2}'
    outside.blobs.blobs[GUARD] = data
    with pytest.raises(RefusedError, match=f"Audit {NEXT} of profile .* is active") as refused:
        await Running(outside.services, runtime).begin(PARAMETERS, "20260305-000000-aaaaaaaa")
    assert refused.value.members == {"active_id": active.audit_id}
    assert await names_it(outside) == NEXT
    assert runtime.started == [NEXT]


@pytest.mark.parametrize("data", GUARDS)
async def test_the_watchdog_mends_a_guard_and_helps_the_audit_that_it_was_of(outside: Outside, data: bytes) -> None:
    runtime = Runtime()
    await Running(outside.services, runtime).begin(PARAMETERS, NEXT)
    runtime.open.clear()
    outside.now += timedelta(hours=1)
    outside.blobs.blobs[GUARD] = data
    await watch(runtime, outside.services)
    assert runtime.started == [NEXT, NEXT]
    assert await names_it(outside) == NEXT


async def test_the_watchdog_takes_away_a_guard_that_cannot_be_read_and_is_nobodys(outside: Outside) -> None:
    outside.blobs.blobs[GUARD] = b"{"
    await watch(Runtime(), outside.services)
    assert await names_it(outside) is None


async def test_an_audit_that_cannot_be_read_holds_its_profile_only_while_its_orchestration_is_open(
    outside: Outside,
) -> None:
    runtime = Runtime({TOUCHED})
    outside.blobs.blobs[f"{FOLDER}/run.json"] = b"{"
    await outside.records.claim(NAME, TOUCHED, AS_OF - timedelta(hours=1), None)
    with pytest.raises(RefusedError, match=f"{TOUCHED} .* is active"):
        await Running(outside.services, runtime).begin(PARAMETERS, NEXT)
    await watch(runtime, outside.services)
    assert await names_it(outside) == TOUCHED
    runtime.open.clear()
    await Running(outside.services, runtime).begin(PARAMETERS, NEXT)
    assert await names_it(outside) == NEXT
    assert outside.blobs.blobs[f"{FOLDER}/run.json"] == b"{"


# --- as an earlier release laid it out --------------------------------------------------------------------------------


async def of_old_layout(outside: Outside, state: State) -> None:
    """The touched audit as an earlier release left it: in a folder that no profile has a part in."""
    blobs = outside.blobs.blobs
    for path in [path for path in blobs if path.startswith(f"{FOLDER}/")]:
        blobs[path.removeprefix(f"{NAME}/")] = blobs.pop(path)
    record = json.loads(blobs[f"{TOUCHED}/run.json"])
    blobs[f"{TOUCHED}/run.json"] = json.dumps(record | {"state": state.value}).encode()


@pytest.mark.parametrize("state", [State.COMPLETED, State.INCOMPLETE, State.FAILED])
async def test_an_audit_of_the_old_layout_is_shown_and_compared_with_and_cleared_away(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = await planted(state)
    monkeypatch.setattr(audits, "services", lambda: outside.services)
    await of_old_layout(outside, state)
    _, listed = await ask(audits.list_audits, request(), Runtime())
    assert [view["id"] for view in listed["audits"]] == [NEWEST, TOUCHED, OLDEST]
    status, shown = await ask(audits.show, request(TOUCHED), Runtime())
    assert (status, shown["state"], shown["phase"]) == (200, state.value, "done")
    status, _ = await ask(audits.report, request(TOUCHED))
    assert status == (409 if state is State.FAILED else 200)
    await others_go_on(outside)


@pytest.mark.parametrize("state", [State.INCOMPLETE, State.FAILED, State.QUEUED])
async def test_an_audit_of_the_old_layout_is_not_begun_again_and_says_why(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, runtime = await planted(State.INCOMPLETE), Runtime()
    monkeypatch.setattr(audits, "services", lambda: outside.services)
    await of_old_layout(outside, state)
    before = dict(outside.blobs.blobs)
    outside.now += timedelta(hours=1)
    route = audits.replay if state is State.INCOMPLETE else audits.resume
    status, problem = await ask(route, request(TOUCHED), runtime)
    assert (status, problem["detail"].partition(" is ")[2]) == (
        409,
        "as an earlier release left it, so it is only shown. Start a new audit.",
    )
    assert outside.blobs.blobs == before
    assert runtime.started == []


@pytest.mark.parametrize("data", GUARDS)
async def test_an_audit_of_the_old_layout_that_never_ended_gets_no_guard(outside: Outside, data: bytes) -> None:
    await of_old_layout(outside, State.QUEUED)
    outside.blobs.blobs[GUARD] = data
    await watch(Runtime(), outside.services)
    assert await names_it(outside) is None
    await Running(outside.services, Runtime()).begin(PARAMETERS, NEXT)
    assert await names_it(outside) == NEXT
