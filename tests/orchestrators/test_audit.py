import asyncio
import json
import re
from datetime import timedelta
from typing import Any

import pytest

from activities.step import run_body
from orchestrators.audit import PAUSE_BETWEEN_ATTEMPTS, STEP_ATTEMPTS, StepFailedError, audit, look_again, scan, step
from tests.orchestrators.answers import ENDED, FAILED, World, once, raising, refused, scanned
from tests.orchestrators.driver import Driver, FakeContext

PULLS, SCANS, LOOKS = ["pull"] * 2, ["scan_shard"] * 2, ["look_again"] * 2
STEPS = [*PULLS, "plan", *SCANS, "screen", *LOOKS, "judge", "report"]
BEFORE = {step: STEPS.index(step) for step in ("pull", "plan", "screen", "judge", "report")}
A = {"profile": "p", "audit_id": "a"}


def passes(driver: Driver) -> list[tuple[int, int]]:
    """The scans that were asked for, as (shard, attempt)."""
    requests = [call.request for call in driver.calls if call.name == "scan_shard"]
    return [(request["shard"], request["attempt"]) for request in requests]


def of(driver: Driver, name: str) -> list[dict[str, Any]]:
    """The requests that were made of one activity."""
    return [call.request for call in driver.calls if call.name == name]


def test_an_audit_does_its_steps_in_order_and_tells_how_it_ended() -> None:
    driver = Driver(World())
    assert driver.run(audit(driver.context)) == {"audit_id": "a", "state": "completed", "outcome": "clean"}
    assert driver.names == STEPS
    assert driver.timers == []
    assert all(call.request.items() >= A.items() for call in driver.calls)
    assert [call.request.get("run") for call in driver.calls[:2]] == [0, 1]


@pytest.mark.parametrize("pulls", [1, 5])
def test_sources_are_read_one_run_behind_the_other(pulls: int) -> None:
    driver = Driver(World(), FakeContext(pulls=pulls))
    driver.run(audit(driver.context))
    assert of(driver, "pull") == [{**A, "run": run} for run in range(pulls)]
    assert driver.names[pulls] == "plan"


def test_a_run_that_cannot_be_read_keeps_the_next_from_being_read() -> None:
    broken = World(answers={"pull": lambda _: refused("No.", retryable=False)})
    driver = Driver(broken, FakeContext(pulls=3))
    driver.run(audit(driver.context))
    assert driver.names == ["pull", "fail"]


def as_every_activity(request: Any) -> Any:
    """What any activity answers before its own work."""

    async def body(_request: Any, _services: Any) -> Any:
        raise AssertionError

    return asyncio.run(run_body(body, request))


def test_an_audit_that_an_earlier_release_began_without_a_profile_is_refused_by_each_step_and_ends_loudly() -> None:
    context = FakeContext()
    context._input = {"audit_id": "a"}
    driver = Driver(World(answers=dict.fromkeys(("pull", "fail"), as_every_activity)), context)
    words = "Audit a was begun by an earlier release, which cannot be continued. Start a new audit."
    with pytest.raises(StepFailedError, match=words):
        driver.run(audit(context))
    assert [call.request for call in driver.calls] == [
        {"profile": None, "audit_id": "a", "run": 0},
        {"profile": None, "audit_id": "a", "step": "pull", "error": words, "runtime": ""},
    ]
    assert driver.timers == []


@pytest.mark.parametrize("broken", BEFORE)
@pytest.mark.parametrize(
    ("answer", "error", "attempts"),
    [
        pytest.param(lambda _: refused("No.", retryable=False), "No.", 1, id="refused"),
        pytest.param(lambda _: refused("Busy.", retryable=True), "Busy.", STEP_ATTEMPTS, id="unavailable"),
    ],
)
def test_a_step_that_cannot_be_done_ends_the_audit_as_failed_with_its_reason(
    broken: str, answer: Any, error: str, attempts: int
) -> None:
    driver = Driver(World(answers={broken: answer}))
    assert driver.run(audit(driver.context)) == {"audit_id": "a", "state": "failed", "outcome": "failed"}
    assert driver.names == [*STEPS[: BEFORE[broken]], *[broken] * attempts, "fail"]
    assert driver.calls[-1].request == {**A, "step": broken, "error": error, "runtime": ""}


@pytest.mark.parametrize("broken", BEFORE)
def test_a_step_that_fails_in_the_runtime_ends_the_audit_in_our_words_and_the_runtimes_are_for_the_log(
    broken: str,
) -> None:
    said = f"Activity function '{broken}' failed:  KeyError: 'x' \n {{\"$type\":\"System.Exception\"}}"
    driver = Driver(World(answers={broken: raising(said)}))
    assert driver.run(audit(driver.context)) == {"audit_id": "a", "state": "failed", "outcome": "failed"}
    assert driver.names == [*STEPS[: BEFORE[broken]], *[broken] * STEP_ATTEMPTS, "fail"]
    request = driver.calls[-1].request
    assert (request["step"], request["runtime"]) == (broken, said)
    assert re.fullmatch(
        rf"The step {broken} did not come to its end: .+ log has the details under a\..+", request["error"]
    )
    assert "KeyError" not in request["error"]


def test_what_the_runtime_said_of_an_earlier_attempt_is_not_told_of_a_refusal() -> None:
    again = once(raising("killed"), refused("No.", retryable=False))
    driver = Driver(World(answers={"pull": again}))
    driver.run(audit(driver.context))
    assert driver.calls[-1].request == {**A, "step": "pull", "error": "No.", "runtime": ""}


def test_the_text_of_a_failure_is_cut_before_it_enters_the_history() -> None:
    driver = Driver(World(answers={"pull": raising("x" * 100_000)}))
    driver.run(audit(driver.context))
    assert driver.calls[-1].name == "fail"
    assert driver.calls[-1].request["runtime"] == "x" * len(driver.calls[-1].request["runtime"])
    assert len(json.dumps(driver.calls[-1].request)) < 16_384


@pytest.mark.parametrize("letter", ["é", "\U0001f600"])
@pytest.mark.parametrize(
    "answer", [raising, lambda text: lambda _: refused(text, retryable=False)], ids=["raised", "refused"]
)
def test_a_cut_text_is_short_in_every_alphabet(letter: str, answer: Any) -> None:
    driver = Driver(World(answers={"pull": answer(letter * 100_000)}))
    driver.run(audit(driver.context))
    assert len(json.dumps(driver.calls[-1].request)) < 16_384


def test_an_audit_whose_end_cannot_be_written_fails_loudly() -> None:
    refusing = World(answers={"plan": raising("broken"), "fail": lambda _: refused("Gone.", retryable=False)})
    driver = Driver(refusing)
    with pytest.raises(StepFailedError, match=r"^Gone\.$") as raised:
        driver.run(audit(driver.context))
    assert raised.value.step == "fail"


@pytest.mark.parametrize(
    "first", [lambda _: refused("Busy.", retryable=True), raising("killed")], ids=["unavailable", "raised"]
)
def test_a_step_is_tried_again_after_a_pause(first: Any) -> None:
    driver = Driver(World(answers={"pull": once(first, {"ok": True, "rows": 3})}))
    began = driver.context.current_utc_datetime
    assert driver.run(step(driver.context, "pull", {"audit_id": "a"})) == {"ok": True, "rows": 3}
    assert driver.names == ["pull", "pull"]
    assert [timer.fire_at for timer in driver.timers] == [began + PAUSE_BETWEEN_ATTEMPTS]
    assert timedelta() < PAUSE_BETWEEN_ATTEMPTS < timedelta(minutes=1)


def test_there_is_no_pause_after_the_last_attempt() -> None:
    driver = Driver(World(answers={"pull": raising("killed")}))
    with pytest.raises(StepFailedError, match="did not come to its end") as failed:
        driver.run(step(driver.context, "pull", {"audit_id": "a"}))
    assert failed.value.runtime == "killed"
    assert len(driver.calls) == STEP_ATTEMPTS
    assert len(driver.timers) == STEP_ATTEMPTS - 1


def test_the_last_reason_is_the_one_that_is_told() -> None:
    answers = iter([refused("first", retryable=True), refused("second", retryable=False)])
    driver = Driver(World(answers={"pull": lambda _: next(answers)}))
    with pytest.raises(StepFailedError, match=r"^second$"):
        driver.run(step(driver.context, "pull", {"audit_id": "a"}))


# --- scanning -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(raising("exited with code 137"), id="its worker died"),
        pytest.param(lambda _: refused("Busy.", retryable=True), id="storage was busy"),
        pytest.param(lambda _: scanned(failed=1), id="one of its containers could not be read"),
    ],
)
def test_a_shard_that_left_something_unread_costs_a_second_pass_of_that_shard_and_nothing_else(trouble: Any) -> None:
    mended = once(trouble, scanned())
    driver = Driver(World(answers={"scan_shard": lambda r: mended(r) if r["shard"] == 1 else scanned()}))
    driver.run(scan(driver.context, A, shards=[0, 1, 2, 3], max_passes=3))
    assert passes(driver) == [(0, 1), (1, 1), (2, 1), (3, 1), (1, 2)]
    assert len(driver.timers) == 1


def test_a_refusal_that_cannot_be_mended_costs_no_second_pass() -> None:
    answers = {0: scanned(), 1: refused("No plan.", retryable=False), 2: refused("Busy.", retryable=True)}
    driver = Driver(World(answers={"scan_shard": lambda request: answers[request["shard"]]}))
    driver.run(scan(driver.context, A, shards=[0, 1, 2], max_passes=3))
    assert passes(driver) == [(0, 1), (1, 1), (2, 1), (2, 2), (2, 3)]
    assert len(driver.timers) == 2


def test_passes_are_limited_and_what_is_still_unread_is_left_to_the_coverage() -> None:
    world = World(shards=2, max_passes=3, answers={"scan_shard": lambda r: scanned(failed=r["shard"])})
    driver = Driver(world)
    assert driver.run(audit(driver.context))["state"] == "completed"
    assert passes(driver) == [(0, 1), (1, 1), (1, 2), (1, 3)]
    assert driver.names[-6:] == ["keep_dead_letters", "screen", *LOOKS, "judge", "report"]
    assert len(driver.timers) == 2


def test_an_audit_with_one_pass_never_waits() -> None:
    driver = Driver(World(answers={"scan_shard": raising("killed")}))
    driver.run(scan(driver.context, A, shards=[0, 1], max_passes=1))
    assert passes(driver) == [(0, 1), (1, 1)]
    assert driver.timers == []


def test_a_cancelled_audit_is_told_so_by_its_activities_and_ends_as_cancelled() -> None:
    ended = refused("Audit a has ended (cancelled); nothing more is done for it.", retryable=False)
    cancelled = {**FAILED, "state": "cancelled"}
    answers = {"scan_shard": lambda _: ended, "keep_dead_letters": lambda _: ended, "fail": lambda _: cancelled}
    driver = Driver(World(answers=answers))
    assert driver.run(audit(driver.context)) == {"audit_id": "a", "state": "cancelled", "outcome": "failed"}
    assert driver.names == [*PULLS, "plan", *SCANS, "keep_dead_letters", "fail"]
    assert driver.timers == []
    assert driver.calls[-1].request["error"] == ended["error"]


# --- dead letters, and beginning again ------------------------------------------------------------------------------


def test_dead_letters_are_kept_only_where_something_stayed_unread() -> None:
    good = Driver(World())
    good.run(audit(good.context))
    assert of(good, "keep_dead_letters") == []
    bad = Driver(World(shards=3, max_passes=1, answers={"scan_shard": lambda r: scanned(failed=r["shard"] == 1)}))
    bad.run(audit(bad.context))
    assert of(bad, "keep_dead_letters") == [{**A, "failed": [1]}]


def test_a_mended_shard_is_no_dead_letter() -> None:
    driver = Driver(World(answers={"scan_shard": once(raising("killed"), scanned())}))
    driver.run(audit(driver.context))
    assert of(driver, "keep_dead_letters") == []


@pytest.mark.parametrize("trouble", [raising("killed"), lambda _: refused("No plan.", retryable=False)])
def test_a_shard_that_never_came_back_is_a_dead_letter(trouble: Any) -> None:
    driver = Driver(World(shards=2, answers={"scan_shard": trouble}))
    driver.run(audit(driver.context))
    assert of(driver, "keep_dead_letters") == [{**A, "failed": [0, 1]}]


def test_a_resumed_audit_takes_back_the_dead_letters_that_it_mends() -> None:
    driver = Driver(World(shards=2), FakeContext(again=True))
    driver.run(audit(driver.context))
    assert passes(driver) == [(0, 1), (1, 1)]
    assert of(driver, "keep_dead_letters") == [{**A, "failed": []}]


def test_a_replay_scans_the_shards_of_dead_letters_and_no_other() -> None:
    driver = Driver(World(shards=9), FakeContext(again=True, replay=[2, 7]))
    assert driver.run(audit(driver.context))["state"] == "completed"
    assert passes(driver) == [(2, 1), (7, 1)]
    assert of(driver, "keep_dead_letters") == [{**A, "failed": []}]
    assert driver.names[-5:] == ["screen", *LOOKS, "judge", "report"]


def test_a_discard_scans_nothing_waits_for_nothing_and_reports_anew() -> None:
    driver = Driver(World(shards=9), FakeContext(again=True, replay=[]))
    driver.run(audit(driver.context))
    assert passes(driver) == []
    assert driver.timers == []
    assert driver.names[-6:] == ["keep_dead_letters", "screen", *LOOKS, "judge", "report"]


# --- looking again --------------------------------------------------------------------------------------------------


def looks(driver: Driver) -> list[int]:
    """The pieces of the second look that were asked for."""
    return [request["shard"] for request in of(driver, "look_again")]


def test_the_second_look_is_taken_in_as_many_pieces_as_the_first_says() -> None:
    driver = Driver(World(pieces=5))
    driver.run(audit(driver.context))
    assert of(driver, "look_again") == [{**A, "shard": shard} for shard in range(5)]
    assert driver.timers == []


def test_where_nothing_is_in_doubt_nothing_is_looked_at_again() -> None:
    driver = Driver(World(pieces=0))
    driver.run(audit(driver.context))
    assert driver.names == [*PULLS, "plan", *SCANS, "screen", "judge", "report"]


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(raising("exited with code 137"), id="its worker died"),
        pytest.param(lambda _: refused("Busy.", retryable=True), id="the run store was busy"),
    ],
)
def test_a_piece_that_did_not_come_to_its_end_is_tried_again_and_no_other(trouble: Any) -> None:
    mended = once(trouble, {"ok": True})
    driver = Driver(World(answers={"look_again": lambda r: mended(r) if r["shard"] == 1 else {"ok": True}}))
    driver.run(look_again(driver.context, A, 3))
    assert looks(driver) == [0, 1, 2, 1]
    assert len(driver.timers) == 1


@pytest.mark.parametrize(
    ("trouble", "attempts"),
    [
        pytest.param(raising("exited with code 137"), STEP_ATTEMPTS, id="its worker always dies"),
        pytest.param(lambda _: refused("Busy.", retryable=True), STEP_ATTEMPTS, id="unavailable"),
        pytest.param(lambda _: refused("No screening.", retryable=False), 1, id="refused"),
    ],
)
def test_what_cannot_be_looked_at_again_never_ends_the_audit(trouble: Any, attempts: int) -> None:
    driver = Driver(World(answers={"look_again": trouble}))
    assert driver.run(audit(driver.context)) == {"audit_id": "a", "state": "completed", "outcome": "clean"}
    assert looks(driver) == [0, 1] * attempts
    assert len(driver.timers) == attempts - 1
    assert driver.names[-2:] == ["judge", "report"]


# --- telling people ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", [True, False])
def test_people_are_told_of_an_end_they_want_to_hear_of(wanted: bool) -> None:
    driver = Driver(World(answers={"report": lambda _: {**ENDED, "notify": wanted}}))
    driver.run(audit(driver.context))
    assert of(driver, "notify") == [A] * wanted


def test_people_are_told_of_a_failure() -> None:
    driver = Driver(World(answers={"pull": raising("killed"), "fail": lambda _: {**FAILED, "notify": True}}))
    driver.run(audit(driver.context))
    assert driver.names[-2:] == ["fail", "notify"]


@pytest.mark.parametrize("trouble", [raising("killed"), lambda _: refused("It answered 500.", retryable=False)])
def test_what_becomes_of_a_notice_harms_nothing(trouble: Any) -> None:
    driver = Driver(World(answers={"report": lambda _: {**ENDED, "notify": True}, "notify": trouble}))
    assert driver.run(audit(driver.context)) == {"audit_id": "a", "state": "completed", "outcome": "clean"}
    assert driver.names.count("notify") == 1


@pytest.mark.parametrize("shards", [0, 2])
def test_before_what_is_in_doubt_is_looked_at_again_it_waits_as_long_as_the_profile_wants(shards: int) -> None:
    answers = {"screen": lambda _: {"ok": True, "shards": shards, "pause_seconds": 15}}
    driver = Driver(World(answers=answers))
    driver.run(audit(driver.context))
    assert driver.names == [*PULLS, "plan", *SCANS, "screen", *LOOKS[:shards], "judge", "report"]
    assert len(driver.timers) == 1
