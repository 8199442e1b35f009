"""One audit of which somebody, or a later release, has touched a blob: it is named, and all others go on as ever."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from activities.keep_dead_letters import keep_letters
from adapters.store.records import ActiveAudit
from reconciliation.dead_letters import DeadLetter
from reconciliation.errors import RunStoreError
from reconciliation.lifecycle import State
from reconciliation.run_record import RunRecord
from runs.begin import begin
from runs.context import Context
from runs.purge import clear_away
from runs.refusals import RefusedError
from runs.watch import watch
from tests.activities.memory import Outside
from tests.profiles.pre_capture_sessions.world import AS_OF, PARAMETERS
from tests.triggers.going_on import NEXT_YEAR, others_go_on
from tests.triggers.world import (
    FOLDER,
    GUARD,
    NAME,
    NEWEST,
    NEXT,
    OLDEST,
    REPORT,
    TOUCHED,
    Runtime,
    ask,
    leave,
    plan,
    planted,
    request,
)
from triggers import audits

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
@given(
    st.sampled_from(PARTS), st.sampled_from([State.QUEUED, State.COMPLETED, State.INCOMPLETE, State.FAILED]), st.data()
)
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


@pytest.mark.parametrize(("part", "state"), [("run.json", State.COMPLETED), ("plan.json", State.QUEUED)])
@pytest.mark.parametrize("data", [b"{", b"", b'{"schema_version": 9}'])
async def test_what_is_not_shown_is_named_in_the_list_and_told_of_when_asked_for(
    part: str, state: State, data: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    outside, runtime = await planted(state), Runtime({TOUCHED})
    monkeypatch.setattr(audits, "services", lambda: outside.services)
    path = f"{FOLDER}/{part}"
    outside.blobs.blobs[path] = data
    _, listed = await ask(audits.list_audits, request(limit="2"), runtime)
    assert [view["id"] for view in listed["audits"]] == [NEWEST, OLDEST]
    assert listed["unreadable"] == [path]
    assert f"{path} in memory cannot be read" in caplog.text
    status, problem = await ask(audits.show, request(TOUCHED), runtime)
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
    record = RunRecord(NEXT, State.QUEUED, PARAMETERS, AS_OF, AS_OF)
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
    outside.now = NEXT_YEAR
    await clear_away(Context(outside.services, Runtime()))
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
        await begin(Context(outside.services, runtime), PARAMETERS, NEXT)
        assert (runtime.started, await names_it(outside)) == ([NEXT], NEXT)

    asyncio.run(run())


@pytest.mark.parametrize("data", GUARDS)
@pytest.mark.parametrize("unreadable", [False, True], ids=["with its record", "whose record cannot be read either"])
async def test_an_audit_at_work_stays_the_only_one_although_its_guard_cannot_be_read(
    outside: Outside, data: bytes, unreadable: bool
) -> None:
    runtime = Runtime()
    active = await begin(Context(outside.services, runtime), PARAMETERS, NEXT)
    if unreadable:
        outside.blobs.blobs[f"{NAME}/{NEXT}/run.json"] = b'{"schema_version": 2}'
    outside.blobs.blobs[GUARD] = data
    with pytest.raises(RefusedError, match=f"Audit {NEXT} of profile .* is active") as refused:
        await begin(Context(outside.services, runtime), PARAMETERS, "20260305-000000-aaaaaaaa")
    assert refused.value.members == {"active_id": active.audit_id}
    assert await names_it(outside) == NEXT
    assert runtime.started == [NEXT]


@pytest.mark.parametrize("data", GUARDS)
async def test_the_watchdog_mends_a_guard_and_helps_the_audit_that_it_was_of(outside: Outside, data: bytes) -> None:
    runtime = Runtime()
    await begin(Context(outside.services, runtime), PARAMETERS, NEXT)
    runtime.open.clear()
    outside.now += timedelta(hours=1)
    outside.blobs.blobs[GUARD] = data
    await watch(Context(outside.services, runtime))
    assert runtime.started == [NEXT, NEXT]
    assert await names_it(outside) == NEXT


async def test_the_watchdog_takes_away_a_guard_that_cannot_be_read_and_is_nobodys(outside: Outside) -> None:
    outside.blobs.blobs[GUARD] = b"{"
    await watch(Context(outside.services, Runtime()))
    assert await names_it(outside) is None


async def test_an_audit_that_cannot_be_read_holds_its_profile_only_while_its_orchestration_is_open(
    outside: Outside,
) -> None:
    runtime = Runtime({TOUCHED})
    outside.blobs.blobs[f"{FOLDER}/run.json"] = b"{"
    await outside.records.claim(NAME, TOUCHED, AS_OF - timedelta(hours=1), None)
    with pytest.raises(RefusedError, match=f"{TOUCHED} .* is active"):
        await begin(Context(outside.services, runtime), PARAMETERS, NEXT)
    await watch(Context(outside.services, runtime))
    assert await names_it(outside) == TOUCHED
    runtime.open.clear()
    await begin(Context(outside.services, runtime), PARAMETERS, NEXT)
    assert await names_it(outside) == NEXT
    assert outside.blobs.blobs[f"{FOLDER}/run.json"] == b"{"
