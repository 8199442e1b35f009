"""What an earlier release left in the run store: it is shown, ended if it has not ended, and cleared away; no more."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciliation.errors import NotificationError
from reconciliation.lifecycle import State
from runs import watch as watching
from runs.begin import begin
from runs.context import Context
from runs.watch import watch
from tests.activities.memory import Outside
from tests.profiles.pre_capture_sessions.world import PARAMETERS
from tests.triggers.going_on import others_go_on
from tests.triggers.world import FOLDER, GUARD, NAME, NEWEST, NEXT, OLDEST, TOUCHED, Runtime, ask, planted, request
from triggers import audits

OLD_GUARD = f"active/{NAME}.json"
RECORD = f"{TOUCHED}/run.json"
WHY = (
    "The service was upgraded while it was at work, and cannot go on with what the release before has left. "
    "Start a new audit."
)
"""Of an audit that broke off with its release."""


async def left(state: State, monkeypatch: pytest.MonkeyPatch, *, guarded: str | None = None) -> Outside:
    """Three audits, of which an earlier release left the touched one in that state; ``guarded`` is its guard's."""
    outside = await planted(State.INCOMPLETE if state is State.QUEUED else state)
    monkeypatch.setattr(audits, "services", lambda: outside.services)
    blobs = outside.blobs.blobs
    both: list[dict[str, Any]] = [blobs, outside.blobs.told]
    for kept in both:
        for path in [path for path in kept if path.startswith(f"{FOLDER}/")]:
            kept[path.removeprefix(f"{NAME}/")] = kept.pop(path)
    record = json.loads(blobs[RECORD]) | {"state": state.value}
    for member in ("progress", "dead_letters"):
        del record[member]
    blobs[RECORD] = json.dumps(record).encode()
    if guarded is not None:
        guard = {"schema_version": 1, "complete": True, "audit_id": guarded, "since": "2026-03-02T00:00:00Z"}
        blobs[OLD_GUARD] = json.dumps(guard).encode()
    return outside


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What people are told, where there is a webhook."""
    texts: list[str] = []

    async def post(url: str, notice: dict[str, Any]) -> None:
        assert url == "https://hooks.example/secret"
        texts.append(notice["text"])

    monkeypatch.setattr(watching, "post", post)
    return texts


async def watched(outside: Outside, runtime: Runtime) -> None:
    """The watchdog's round, in an app that tells people."""
    services = outside.services
    settings = replace(services.settings, webhook_url="https://hooks.example/secret")
    await watch(Context(replace(services, settings=settings), runtime))


def record_of(outside: Outside) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(outside.blobs.blobs[RECORD])
    return record


# --- what is asked about it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.COMPLETED, State.INCOMPLETE, State.FAILED])
async def test_an_audit_of_the_old_layout_is_shown_and_cleared_away_and_all_others_go_on(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = await left(state, monkeypatch)
    _, listed = await ask(audits.list_audits, request(), Runtime())
    assert [view["id"] for view in listed["audits"]] == [NEWEST, TOUCHED, OLDEST]
    status, shown = await ask(audits.show, request(TOUCHED), Runtime())
    assert (status, shown["state"], shown["phase"]) == (200, state.value, "done")
    assert shown in listed["audits"]
    status, _ = await ask(audits.report, request(TOUCHED))
    assert status == (409 if state is State.FAILED else 200)
    await others_go_on(outside)
    assert (RECORD in outside.blobs.blobs) is (state is State.INCOMPLETE), "that is kept longer"


async def test_one_that_has_not_ended_is_interrupted_whatever_its_orchestration_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await left(State.QUEUED, monkeypatch)
    runtime = Runtime({TOUCHED})
    status, shown = await ask(audits.show, request(TOUCHED), runtime)
    assert (status, shown["state"], shown["phase"], shown["dead_letters"]) == (200, "interrupted", None, 0)
    assert shown["progress"]["units"] == {"noun": "container", "listed": None, "scanned": 0, "skipped": 0, "failed": 0}
    assert runtime.asked == []


DECISION = b'{"reason": "It is broken.", "by": "the tests"}'


@pytest.mark.parametrize(
    ("route", "state", "told_state"),
    [
        (audits.replay, State.INCOMPLETE, "incomplete"),
        (audits.discard, State.INCOMPLETE, "incomplete"),
        (audits.resume, State.FAILED, "failed"),
        (audits.resume, State.QUEUED, "interrupted"),
    ],
)
async def test_it_is_not_begun_again_and_nothing_of_it_is_decided(
    route: Any, state: State, told_state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, runtime = await left(state, monkeypatch), Runtime()
    before = dict(outside.blobs.blobs)
    status, problem = await ask(route, request(TOUCHED, DECISION), runtime)
    assert (status, problem["state"]) == (409, told_state)
    words = "as an earlier release left it, so it is only shown. Start a new audit."
    assert problem["detail"] == f"Audit {TOUCHED} is {words}"
    assert outside.blobs.blobs == before
    assert runtime.started == []


@pytest.mark.parametrize("route", [audits.replay, audits.discard])
async def test_one_that_has_not_ended_has_no_dead_letters_to_decide_on(
    route: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = await left(State.QUEUED, monkeypatch)
    before = dict(outside.blobs.blobs)
    status, problem = await ask(route, request(TOUCHED, DECISION), Runtime())
    assert (status, problem["state"]) == (409, "interrupted")
    assert outside.blobs.blobs == before


async def test_its_dead_letters_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    await left(State.INCOMPLETE, monkeypatch)
    status, shown = await ask(audits.list_dead_letters, request(TOUCHED))
    assert (status, [letter["shard"] for letter in shown["dead_letters"]]) == (200, [0])


async def test_one_that_has_not_ended_is_cancelled_where_it_is(
    monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    outside, runtime = await left(State.QUEUED, monkeypatch, guarded=TOUCHED), Runtime({TOUCHED})
    status, shown = await ask(audits.cancel_one, request(TOUCHED), runtime)
    assert (status, shown["state"], runtime.open) == (202, "cancelled", set())
    record = record_of(outside)
    assert (record["state"], record["dead_letters"]) == ("cancelled", 1)
    assert record["progress"]["units"] == {"noun": "container", "listed": 2, "scanned": 0, "skipped": 1, "failed": 1}
    assert not [path for path in outside.blobs.blobs if path.startswith(f"{FOLDER}/")]
    await watched(outside, runtime)
    assert (record_of(outside), told) == (record, [])
    assert OLD_GUARD not in outside.blobs.blobs


async def test_one_that_has_ended_is_not_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    outside = await left(State.FAILED, monkeypatch)
    before = dict(outside.blobs.blobs)
    status, problem = await ask(audits.cancel_one, request(TOUCHED), Runtime())
    assert (status, problem["state"], outside.blobs.blobs) == (409, "failed", before)


# --- the watchdog -----------------------------------------------------------------------------------------------------


async def test_the_watchdog_ends_what_was_left_at_work_says_why_and_tells_people_once(
    monkeypatch: pytest.MonkeyPatch, told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "capture_audit.events")
    outside, runtime = await left(State.QUEUED, monkeypatch, guarded=TOUCHED), Runtime({TOUCHED})
    for _ in range(2):
        await watched(outside, runtime)
    record = record_of(outside)
    assert (record["state"], record["outcome"]["word"], record["error"]) == ("failed", "failed", WHY)
    assert record["dead_letters"] == 1
    assert runtime.open == set()
    assert OLD_GUARD not in outside.blobs.blobs
    [text] = told
    assert f"audit {TOUCHED} of {NAME}: failed" in text
    assert WHY in text
    assert caplog.text.count('"event": "audit.failed"') == 1
    _, shown = await ask(audits.show, request(TOUCHED), runtime)
    assert (shown["state"], shown["phase"], shown["error"]) == ("failed", "done", WHY)


async def test_it_is_ended_also_where_people_cannot_be_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(*_: object) -> None:
        raise NotificationError("It answered 404.")

    monkeypatch.setattr(watching, "post", refuse)
    outside, runtime = await left(State.QUEUED, monkeypatch, guarded=TOUCHED), Runtime({TOUCHED})
    await watched(outside, runtime)
    assert record_of(outside)["state"] == "failed"
    assert (runtime.open, OLD_GUARD in outside.blobs.blobs) == (set(), False)
    assert f"Nobody was told that audit {TOUCHED} was given up: It answered 404." in caplog.text


async def test_an_orchestration_that_could_not_be_ended_is_ended_the_next_time(
    monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    class Unwilling(Runtime):
        async def terminate(self, instance_id: str, why: str) -> None:
            if self.asked.count(instance_id) == 1:
                raise RuntimeError("The runtime is busy.")
            await super().terminate(instance_id, why)

    outside, runtime = await left(State.QUEUED, monkeypatch, guarded=TOUCHED), Unwilling({TOUCHED})
    with pytest.raises(RuntimeError, match="busy"):
        await watched(outside, runtime)
    await watched(outside, runtime)
    assert (runtime.open, OLD_GUARD in outside.blobs.blobs, len(told)) == (set(), False, 1)


async def test_one_that_had_ended_stays_as_it_is_and_only_its_guard_goes(
    monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    outside = await left(State.COMPLETED, monkeypatch, guarded=TOUCHED)
    before = {path: data for path, data in outside.blobs.blobs.items() if path != OLD_GUARD}
    await watched(outside, Runtime())
    assert (outside.blobs.blobs, told) == (before, [])


async def test_a_guard_of_an_audit_that_there_is_not_only_goes(
    monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    outside = await left(State.COMPLETED, monkeypatch, guarded="20260101-000000-aaaaaaaa")
    await watched(outside, Runtime())
    assert (OLD_GUARD in outside.blobs.blobs, told) == (False, [])


async def test_what_was_left_holds_no_new_audit_up_and_its_end_takes_no_new_guard_away(
    monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    outside, runtime = await left(State.QUEUED, monkeypatch, guarded=TOUCHED), Runtime({TOUCHED})
    begun = await begin(Context(outside.services, runtime), PARAMETERS, NEXT)
    await watched(outside, runtime)
    assert await outside.records.record(NEXT) == begun
    assert (runtime.open, len(told)) == ({NEXT}, 1)
    assert json.loads(outside.blobs.blobs[GUARD])["audit_id"] == NEXT


@pytest.mark.parametrize("damaged", [OLD_GUARD, RECORD])
async def test_what_was_left_and_cannot_be_read_is_warned_of_and_keeps_nobody_from_being_looked_after(
    damaged: str, monkeypatch: pytest.MonkeyPatch, told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    outside, runtime = await left(State.QUEUED, monkeypatch, guarded=TOUCHED), Runtime()
    outside.blobs.blobs[damaged] = b"{"
    await begin(Context(outside.services, runtime), PARAMETERS, NEXT)
    runtime.open.clear()
    outside.now += timedelta(hours=1)
    await watched(outside, runtime)
    assert f"{damaged} in memory cannot be read" in caplog.text
    assert (runtime.started, told) == ([NEXT, NEXT], [])
    assert outside.blobs.blobs[damaged] == b"{"


@pytest.mark.parametrize("data", [b"", b"{", b"null", b'{"schema_version": 2}'])
async def test_one_that_never_ended_gets_no_guard_of_this_release(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    outside = await left(State.QUEUED, monkeypatch)
    outside.blobs.blobs[GUARD] = data
    await watch(Context(outside.services, Runtime()))
    assert await outside.records.active(NAME) is None
    await begin(Context(outside.services, Runtime()), PARAMETERS, NEXT)
    assert json.loads(outside.blobs.blobs[GUARD])["audit_id"] == NEXT
