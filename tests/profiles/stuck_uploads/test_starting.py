"""Starting a run, driven by hand: one run, whoever else is at it."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.stuck_uploads.runs import TERMINAL
from profiles.stuck_uploads.starting import (
    AHEAD,
    LEAST_TIME,
    MOST_SECONDS,
    cancel,
    generation_after,
    key_of,
    start,
    started,
)
from reconciliation.effects import Ended, Ending, Once, Values
from reconciliation.errors import ApiInDoubtError, ListingError
from reconciliation.queries import HttpAnswer, HttpCall
from tests.profiles.stuck_uploads.prefect_in_memory import AT, Prefect, ago

VIDEO = "a0000000-0000-4000-8000-000000000001"
OURS, OTHERS = Once("repair-1", 1, 1), Once("repair-2", 7, 1)


def values(generation: int = 0, **changes: Any) -> Values:
    return {
        "namespace": "prod",
        "deployment_id": "d-process",
        "video_id": VIDEO,
        "tenant_id": "7e000000-0000-4000-8000-000000000001",
        "storage_key": "key",
        "generation": generation,
        "recent_minutes": 5,
        **changes,
    }


def server(**changes: Any) -> Prefect:
    return Prefect(**changes).with_deployments()


def run_to_its_end(conversation: Generator[HttpCall, HttpAnswer, Any], of: Prefect) -> Any:
    """What a conversation returns."""
    try:
        said = next(conversation)
        while True:
            said = conversation.send(of.answer(said))
    except StopIteration as stop:
        return stop.value


def living(of: Prefect) -> list[str]:
    return [name for name, run in of.runs.items() if run["state_type"] not in TERMINAL]


def test_one_run_is_created_ahead_under_a_key_of_its_own_and_tagged() -> None:
    prefect = server()
    ended = run_to_its_end(start(values(), OURS), prefect)
    [run] = prefect.runs.values()
    assert ended == Ended(Ending.DONE, left={"run_id": run["id"], "key": f"rec:prod:d-process:{VIDEO}:g0"})
    assert run["state_type"] == "SCHEDULED"
    assert run["expected_start_time"] == "2026-11-27T09:31:30Z"
    assert run["tags"] == ["recovery", f"video:{VIDEO}", f"recovery-op:{OURS.id('run')}"]
    assert set(run["parameters"]) == {"video_id", "tenant_id", "storage_key"}


def test_a_repeated_delivery_finds_its_own_run() -> None:
    prefect = server()
    first = run_to_its_end(start(values(), OURS), prefect)
    again = run_to_its_end(start(values(), OURS), prefect)
    assert (again.ending, again.left) == (Ending.ALREADY_DONE, first.left)
    assert len(prefect.runs) == 1
    assert run_to_its_end(started(values(), OURS), prefect) == first.left
    assert run_to_its_end(started(values(), OTHERS), prefect) is None


@pytest.mark.parametrize("state", ["SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING"])
def test_where_a_run_is_active_none_is_made(state: str) -> None:
    prefect = server()
    for number in range(9):
        another = f"b0000000-0000-4000-8000-{number:012}"
        prefect.add(f"another {number}", "RUNNING", ago(3), parameters={"video_id": another})
    prefect.add("theirs", state, ago(3))
    ended = run_to_its_end(start(values(), OURS), prefect)
    assert ended.ending is Ending.SOMEONE_ELSE_MOVED
    assert "active_flow_runs" in ended.why
    assert len(prefect.runs) == 10


def test_runs_of_another_deployment_or_video_stand_against_nothing() -> None:
    prefect = server()
    prefect.add("crop", "RUNNING", ago(3), of="crop")
    prefect.add("another", "RUNNING", ago(3), parameters={"video_id": "b0000000-0000-4000-8000-000000000001"})
    assert run_to_its_end(start(values(), OURS), prefect).ending is Ending.DONE


@pytest.mark.parametrize(("of", "state"), [("former", "RUNNING"), ("former", "PAUSED"), (None, "RUNNING")])
def test_a_run_from_before_the_deployment_was_registered_again_stands_against_another(
    of: str | None, state: str
) -> None:
    prefect = server()
    prefect.add("theirs", state, ago(3), deployment_id=None if of is None else f"d-{of}")
    assert run_to_its_end(start(values(), OURS), prefect).ending is Ending.SOMEONE_ELSE_MOVED
    assert living(prefect) == ["theirs"]


def test_one_from_before_that_has_just_ended_is_waited_for() -> None:
    prefect = server()
    prefect.add("ended", "FAILED", ago(30), of="former", end_time="2026-11-27T09:26:00Z")
    assert run_to_its_end(start(values(), OURS), prefect).ending is Ending.REFUSED


def test_one_from_before_that_is_seen_only_afterwards_makes_us_take_ours_back() -> None:
    prefect = server()
    rival_after(prefect, "create_flow_run", of="former", state_type="RUNNING")
    assert run_to_its_end(start(values(), OURS), prefect).ending is Ending.SOMEONE_ELSE_MOVED
    assert living(prefect) == ["rival"]


def test_a_run_of_another_environment_that_names_no_video_stands_against_nothing() -> None:
    prefect = server()
    prefect.add("nameless", "RUNNING", ago(3), of="staging", parameters={})
    assert run_to_its_end(start(values(), OURS), prefect).ending is Ending.DONE


def test_a_run_that_has_just_ended_is_waited_for() -> None:
    prefect = server()
    prefect.add("ended", "FAILED", ago(30), end_time="2026-11-27T09:26:00Z")
    ended = run_to_its_end(start(values(), OURS), prefect)
    assert (ended.ending, "recent_run" in ended.why) == (Ending.REFUSED, True)
    assert run_to_its_end(start(values(recent_minutes=3), OURS), prefect).ending is Ending.DONE


def with_key(prefect: Prefect, state: str, generation: int, **changes: Any) -> None:
    key = key_of("prod", "d-process", VIDEO, generation)
    prefect.add(f"g{generation}", state, ago(60), idempotency_key=key, tags=["recovery"], **changes)


def test_a_key_that_is_bound_to_a_run_that_is_over_is_passed_by_once() -> None:
    prefect = server()
    with_key(prefect, "FAILED", 0)
    ended = run_to_its_end(start(values(0), OURS), prefect)
    assert (ended.ending, ended.left["key"][-2:]) == (Ending.DONE, "g1")
    prefect = server()
    with_key(prefect, "FAILED", 0)
    with_key(prefect, "CRASHED", 1)
    assert run_to_its_end(start(values(0), OURS), prefect).ending is Ending.REFUSED
    assert living(prefect) == []


def test_a_key_of_another_deployment_is_never_taken_for_ours() -> None:
    prefect = server()
    with_key(prefect, "RUNNING", 0, of="staging")
    assert run_to_its_end(start(values(0), OURS), prefect).ending is Ending.REFUSED


def test_a_deployment_that_is_not_there_starts_nothing() -> None:
    assert run_to_its_end(start(values(), OURS), Prefect()).ending is Ending.REFUSED


def rival_after(prefect: Prefect, path: str, **changes: Any) -> None:
    """Another run appears right after the first call of that path."""

    def appear(calls: int) -> None:
        if prefect.calls and prefect.calls[-1].path.endswith(path) and "rival" not in prefect.runs:
            prefect.add("rival", "SCHEDULED", AT, **changes)

    prefect.between = appear


def test_a_rival_without_a_key_makes_us_take_ours_back_while_there_is_time() -> None:
    prefect = server()
    rival_after(prefect, "create_flow_run")
    ended = run_to_its_end(start(values(), OURS), prefect)
    assert ended.ending is Ending.SOMEONE_ELSE_MOVED
    assert living(prefect) == ["rival"]


def test_a_run_that_a_worker_may_have_taken_is_never_cancelled() -> None:
    prefect = server()
    rival_after(prefect, "create_flow_run")
    inner = prefect.between

    def later(calls: int) -> None:
        inner(calls)
        if "rival" in prefect.runs:
            prefect.now = AT + timedelta(seconds=61)

    prefect.between = later
    ended = run_to_its_end(start(values(), OURS), prefect)
    assert ended.ending is Ending.DONE
    assert "too close" in ended.why
    assert len(living(prefect)) == 2


@given(st.data())
def test_of_several_that_start_runs_at_once_one_run_stays(data: st.DataObject) -> None:
    """Whatever the order of their calls, and whether they use the same generation or not."""
    prefect = server()
    number = data.draw(st.integers(2, 3))
    talks = {one: start(values(data.draw(st.integers(0, 2))), Once(f"repair-{one}", 1, 1)) for one in range(number)}
    answers: dict[int, HttpAnswer | None] = dict.fromkeys(talks)
    endings: dict[int, Ended] = {}
    while talks:
        one = data.draw(st.sampled_from(sorted(talks)))
        if data.draw(st.booleans()):
            prefect.now += timedelta(seconds=data.draw(st.integers(0, 1)))
        try:
            answer = answers[one]
            call = next(talks[one]) if answer is None else talks[one].send(answer)
            answers[one] = prefect.answer(call)
        except StopIteration as stop:
            endings[one] = stop.value
            del talks[one]
    if (prefect.now - AT) < timedelta(seconds=60):
        assert len(living(prefect)) == 1
        done = [ended for ended in endings.values() if ended.ending.is_applied]
        assert [ended.left["run_id"] for ended in done] == living(prefect)


@given(st.lists(st.integers(0, 50)), st.lists(st.text(max_size=20)))
def test_a_generation_is_higher_than_every_one_that_exists(numbers: list[int], others: list[str]) -> None:
    keys = [key_of("prod", "d", VIDEO, number) for number in numbers]
    found = generation_after([*others, *keys, key_of("dev", "d", VIDEO, 99)], "prod", "d", VIDEO)
    assert found == max(numbers, default=-1) + 1


def test_an_answer_without_its_time_schedules_nothing() -> None:
    class Timeless(Prefect):
        def answer(self, call: HttpCall) -> HttpAnswer:
            return super().answer(call)._replace(at=None)

    prefect = Timeless().with_deployments()
    with pytest.raises(ListingError, match="Date"):
        run_to_its_end(start(values(), OURS), prefect)
    assert prefect.runs == {}


def test_a_run_that_was_called_off_is_not_waited_for() -> None:
    prefect = server()
    prefect.add("called off", "CANCELLED", ago(1), end_time="2026-11-27T09:29:00Z")
    assert run_to_its_end(start(values(), OURS), prefect).ending is Ending.DONE


@pytest.mark.parametrize(
    ("state", "cancelled"), [("SCHEDULED", True), ("PENDING", False), ("RUNNING", False), ("COMPLETED", False)]
)
def test_only_a_run_that_no_worker_has_taken_is_cancelled(state: str, *, cancelled: bool) -> None:
    prefect = server()
    prefect.add("a", state, AT + timedelta(seconds=80))
    assert run_to_its_end(cancel("a"), prefect) is cancelled
    assert prefect.runs["a"]["state_type"] == ("CANCELLED" if cancelled else state)


@pytest.mark.parametrize("parameters", [None, {}, {"video_id": None}, {"video_id": "?"}, {"video": VIDEO}])
def test_an_active_run_that_does_not_say_of_which_video_it_is_may_be_of_this_one(parameters: Any) -> None:
    prefect = server()
    prefect.add("nameless", "RUNNING", ago(3), parameters=parameters)
    ended = run_to_its_end(start(values(), OURS), prefect)
    assert (ended.ending, "nameless" in ended.why) == (Ending.REFUSED, True)
    assert living(prefect) == ["nameless"]


def test_a_run_is_not_cancelled_any_more_shortly_before_it_begins() -> None:
    prefect = server()
    prefect.add("a", "SCHEDULED", AT + timedelta(seconds=29))
    assert run_to_its_end(cancel("a"), prefect) is False
    assert prefect.runs["a"]["state_type"] == "SCHEDULED"


def with_lost_answers(conversation: Generator[HttpCall, HttpAnswer, Any], of: Prefect, becomes: str | None) -> Any:
    """What a conversation returns whose calls that are sent once get no answer. None of them is carried out; then the
    run is in another state (None: in the same one).
    """
    try:
        said = next(conversation)
        while True:
            if not said.once:
                said = conversation.send(of.answer(said))
                continue
            of.calls.append(said)
            if becomes is not None:
                of.runs["a"]["state_type"] = becomes
            said = conversation.throw(ApiInDoubtError("The answer got lost."))
    except StopIteration as stop:
        return stop.value


@pytest.mark.parametrize(
    ("becomes", "cancelled", "asked"),
    [("PENDING", False, 1), ("RUNNING", False, 1), ("CANCELLED", True, 1), ("COMPLETED", False, 1), (None, False, 3)],
)
def test_between_two_tries_to_cancel_a_run_its_state_is_read(becomes: str, *, cancelled: bool, asked: int) -> None:
    prefect = server()
    prefect.add("a", "SCHEDULED", AT + timedelta(seconds=80))
    assert with_lost_answers(cancel("a"), prefect, becomes) is cancelled
    assert [call.path for call in prefect.calls].count("/flow_runs/a/set_state") == asked
    assert prefect.runs["a"]["state_type"] == (becomes or "SCHEDULED")


def test_between_two_tries_the_time_that_must_remain_may_run_out() -> None:
    prefect = server()
    prefect.add("a", "SCHEDULED", AT + timedelta(seconds=80))

    def later(_calls: int) -> None:
        if any(call.once for call in prefect.calls):
            prefect.now = AT + timedelta(seconds=51)

    prefect.between = later
    assert with_lost_answers(cancel("a"), prefect, None) is False
    assert [call.once for call in prefect.calls].count(True) == 1


def test_a_rival_of_a_repair_that_a_worker_has_taken_does_not_give_way() -> None:
    prefect = server()
    rival_after(prefect, "create_flow_run", state_type="PENDING", tags=[f"recovery-op:{OTHERS.id('run')}"])
    assert run_to_its_end(start(values(), OURS), prefect).ending is Ending.SOMEONE_ELSE_MOVED
    assert living(prefect) == ["rival"]


def test_whoever_settles_what_a_dead_worker_did_looks_again_for_others() -> None:
    prefect, conversation = server(), start(values(), OURS)
    call = next(conversation)
    while not call.changes:
        call = conversation.send(prefect.answer(call))
    prefect.answer(call)
    conversation.close()  # it dies with the answer
    assert living(prefect) == ["run-0"]
    prefect.add("rival", "SCHEDULED", AT)
    prefect.now = AT + timedelta(seconds=MOST_SECONDS + 5)
    assert run_to_its_end(started(values(), OURS), prefect) is None
    assert living(prefect) == ["rival"]
    assert run_to_its_end(started(values(), OURS), prefect) is None, "it was called off"


def test_there_is_time_to_call_a_run_off_after_its_deadline() -> None:
    assert AHEAD - timedelta(seconds=MOST_SECONDS) > LEAST_TIME
