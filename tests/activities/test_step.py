import asyncio
from typing import Any

import pytest

from activities import step
from activities.step import ended_result, run_body, running
from reconciliation.errors import RunStoreError, StorageRefusedError, StorageUnavailableError
from reconciliation.lifecycle import ENDED, State
from reconciliation.outcome import Outcome
from reconciliation.run_record import RunRecord
from tests.activities.audits import request
from tests.activities.memory import MemoryDatabase, MemoryStorage, Outside
from tests.activities.policy_world import MENDED, PolicyWorld
from tests.profiles.pre_capture_sessions.world import AS_OF, AUDIT_ID, PARAMETERS

REQUEST = {"profile": "p", "audit_id": "a"}
SECRET = "AccountKey=c2VjcmV0"


@pytest.fixture(autouse=True)
def outside(monkeypatch: pytest.MonkeyPatch) -> Outside:
    world = Outside(MemoryStorage({}), MemoryDatabase())
    monkeypatch.setattr(step, "services", lambda: world.services)
    return world


async def test_an_answer_is_passed_on() -> None:
    async def body(request: dict[str, str], _services: Any) -> dict[str, str]:
        return {"twice": 2 * request["audit_id"]}

    assert await run_body(body, REQUEST) == {"twice": "aa"}


@pytest.mark.parametrize(("failure", "retryable"), [(StorageRefusedError, False), (StorageUnavailableError, True)])
async def test_an_expected_failure_is_data(failure: type[Exception], retryable: bool) -> None:
    async def body(_request: Any, _services: Any) -> None:
        raise failure("Cannot.")

    assert await run_body(body, REQUEST) == {"ok": False, "error": "Cannot.", "retryable": retryable}


async def test_a_step_that_takes_too_long_is_stopped_and_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "TIME_LIMIT_SECONDS", 0.01)
    stopped = asyncio.Event()

    async def body(_request: Any, _services: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    refusal = await run_body(body, REQUEST)
    assert stopped.is_set()
    assert refusal is not None
    assert (refusal["ok"], refusal["retryable"]) == (False, True)
    assert refusal["error"].startswith("The step did not end in 0 seconds.")


class SecretiveError(Exception):
    """An error of a library that tells too much."""


@pytest.mark.parametrize(
    "error",
    [TimeoutError(SECRET), KeyError(SECRET), SecretiveError(SECRET), ExceptionGroup(SECRET, [ValueError(SECRET)])],
    ids=lambda error: type(error).__name__,
)
async def test_the_unexpected_is_told_in_our_words_and_logged_without_secrets(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def body(_request: Any, _services: Any) -> None:
        raise error

    refusal = await run_body(body, {**REQUEST, "audit_id": "20260131-093000-1a2b3c4d"})
    assert refusal is not None
    assert (refusal["ok"], refusal["retryable"]) == (False, True)
    for words in (type(error).__name__, "20260131-093000-1a2b3c4d", "log", "Resume"):
        assert words in refusal["error"]
    assert "20260131-093000-1a2b3c4d" in caplog.text
    assert "Traceback" in caplog.text
    assert "c2VjcmV0" not in caplog.text + refusal["error"]


ROWS = f"{PARAMETERS.profile}/{AUDIT_ID}/rows/sessions.jsonl.gz"


@pytest.mark.parametrize("end", [StorageUnavailableError("Cannot."), KeyError("odd"), None])
async def test_of_what_a_failed_step_has_written_nothing_is_remembered_since_another_process_may_write_it_anew(
    outside: Outside, end: Exception | None
) -> None:
    services = outside.services

    async def body(_request: Any, given: Any) -> dict[str, bool]:
        given.store.recent.note(ROWS, b"some", "etag")
        if end is not None:
            raise end
        return {"ok": True}

    result = await run_body(body, {"profile": PARAMETERS.profile, "audit_id": AUDIT_ID})
    assert result is not None
    assert result["ok"] is (end is None)
    assert (services.store.recent.get(ROWS) is not None) is (end is None)


async def test_what_an_earlier_release_began_is_refused_once_and_for_all() -> None:
    async def body(_request: Any, _services: Any) -> None:
        raise AssertionError

    refusal = await run_body(body, {"audit_id": "20260131-093000-1a2b3c4d"})
    assert refusal is not None
    assert (refusal["ok"], refusal["retryable"]) == (False, False)
    assert "20260131-093000-1a2b3c4d was begun by an earlier release" in refusal["error"]


# --- the audit that a step works for ------------------------------------------------------------------------------

QUEUED = RunRecord(AUDIT_ID, State.QUEUED, PARAMETERS, AS_OF, AS_OF)


def ended(state: State) -> RunRecord:
    return QUEUED.ended(state, AS_OF, outcome=Outcome.FINDINGS, reached=None)


async def test_a_step_works_for_an_audit_that_has_not_ended() -> None:
    outside = Outside(MemoryStorage({}), MemoryDatabase())
    with pytest.raises(RunStoreError, match=f"There is no audit {AUDIT_ID} in memory"):
        await running(request(), outside.services)
    await outside.records.create_record(QUEUED)
    assert await running(request(), outside.services) == QUEUED


@pytest.mark.parametrize("state", sorted(ENDED))
async def test_nothing_more_is_done_for_one_that_has(state: State) -> None:
    outside = Outside(MemoryStorage({}), MemoryDatabase())
    await outside.records.create_record(ended(state))
    with pytest.raises(RunStoreError, match=f"has ended \\({state}\\); nothing more is done for it"):
        await running(request(), outside.services)


@pytest.mark.parametrize("before", [QUEUED, ended(State.COMPLETED)], ids=["first", "again"])
def test_people_are_told_of_an_end_also_when_its_step_is_done_a_second_time(before: RunRecord) -> None:
    services = Outside(MemoryStorage({}), MemoryDatabase()).services
    answer = ended_result(services, before=before, ended=ended(State.COMPLETED))
    notify = services.settings.notifies_of("findings")
    assert answer == {"ok": True, "state": "completed", "outcome": "findings", "notify": notify, "for_policy": 0}


@pytest.mark.parametrize(("verdict", "expected"), [(MENDED, 1), ("unknown_history", 0)])
async def test_what_a_policy_mends_is_counted_and_not_what_somebody_must_be_asked_about(
    verdict: str, expected: int
) -> None:
    world = PolicyWorld()
    record = await world.audited(("a", verdict))
    assert ended_result(world.services, before=record, ended=record)["for_policy"] == expected


def test_nobody_is_told_of_what_was_cancelled() -> None:
    services = Outside(MemoryStorage({}), MemoryDatabase()).services
    assert not ended_result(services, before=QUEUED, ended=ended(State.CANCELLED))["notify"]
