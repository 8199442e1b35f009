"""Turns that no recording shows: long timers, waiting in the inbox, changed code."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dev.devhost.protocol import events as ev
from dev.devhost.protocol.answers import parse_answer
from dev.devhost.protocol.events import Event, Kind
from dev.devhost.protocol.shadow import Known
from dev.devhost.protocol.times import parse_stamp, stamp
from dev.devhost.protocol.turns import Execution, Past, Turn, body_text, open_ids, open_turn, settle, wanted
from dev.devhost.protocol.waiting import may_wait
from dev.devhost.worker.calling import Calls
from dev.devhost.worker.loading import read_app

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDK warns about its own codec, once
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
KNOWN = Known(frozenset({"a", "b"}), frozenset({"kid"}))
EXECUTION = Execution("one", "0123456789abcdef", "o", None)


@dataclass
class Engine:
    """Turns one after another, with answers made by hand."""

    past: Past = field(default_factory=Past)
    now: datetime = NOON

    def turn(self, messages: Sequence[Event], answer: dict[str, Any]) -> Turn:
        opened = open_turn(EXECUTION, self.past, messages, self.now)
        text = json.dumps({"isDone": False, "schemaVersion": 2, **answer})
        turn = settle(EXECUTION, self.past, opened, parse_answer(text, None), known=KNOWN, sdk_tasks={})
        self.past = Past((*self.past.events, *ev.played(list(turn.events))), (*self.past.marks, turn.mark))
        return turn


def started() -> Event:
    return ev.execution_started(
        NOON, instance_id="one", execution_id="e", name="o", raw_input=None, generation=0, parent=None
    )


def activity(name: str) -> dict[str, Any]:
    return {"actionType": 0, "functionName": name, "input": "1"}


def actions(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"actions": [list(items)], **more}


def all_of(*items: dict[str, Any]) -> dict[str, Any]:
    return {"actionType": 12, "compoundActions": list(items)}


def test_a_long_timer_goes_in_steps_of_three_days() -> None:
    source = """
import datetime as dt
import azure.durable_functions as df
app = df.DFApp()
@app.orchestration_trigger(context_name="context")
def o(context):
    yield context.create_timer(context.current_utc_datetime + dt.timedelta(days=10))
    return "woken"
"""
    module: dict[str, Any] = {}
    exec(source, module)
    calls = Calls(read_app(type("Module", (), module)), ".")
    call = calls._orchestrators["o"].call
    past, messages, now = Past(), [started()], NOON
    fired = []
    for _ in range(10):
        opened = open_turn(EXECUTION, past, messages, now)
        answer = parse_answer(call(body_text(EXECUTION, past, opened)), None)
        turn = settle(EXECUTION, past, opened, answer, known=KNOWN, sdk_tasks={})
        past = Past((*past.events, *ev.played(list(turn.events))), (*past.marks, turn.mark))
        if turn.ending is not None:
            break
        (timer,) = turn.work
        fired.append(parse_stamp(timer.fire_at) - NOON)
        messages = [ev.timer_fired(now, timer.id, timer.fire_at)]  # the clock has not moved: the turn's time must
    calls.close()
    assert turn.ending is not None
    assert turn.ending.result == '"woken"'
    assert fired == [timedelta(days=3), timedelta(days=6), timedelta(days=10)]


def test_a_turn_is_never_before_its_timers() -> None:
    late = NOON + timedelta(hours=1)
    opened = open_turn(EXECUTION, Past(), [ev.timer_fired(NOON, 0, stamp(late))], NOON)
    assert opened.events[0]["Timestamp"] == stamp(late)


def test_successes_of_a_task_all_may_wait_until_the_last() -> None:
    engine = Engine()
    turn = engine.turn([started()], actions(all_of(*[activity("a")] * 3)))
    assert turn.awaiting == frozenset({0, 1, 2})
    done = [ev.task_completed(NOON, i, "1") for i in range(3)]
    assert may_wait(turn.awaiting, done[:2])
    assert not may_wait(turn.awaiting, done)
    assert not may_wait(turn.awaiting, [ev.task_failed(NOON, 0, "r", "d")])
    assert not may_wait(turn.awaiting, [ev.event_raised(NOON, "e", "1")])


def test_after_a_failure_every_message_counts() -> None:
    engine = Engine()
    listed = actions(all_of(*[activity("a")] * 3))
    engine.turn([started()], listed)
    turn = engine.turn([ev.task_failed(NOON, 0, "r", "d")], listed)
    assert turn.awaiting is None


@pytest.mark.parametrize("compound", [11, 12])
def test_only_a_plain_task_all_may_wait(compound: int) -> None:
    inner = {"actionType": 11, "compoundActions": [activity("a"), activity("b")]}
    turn = Engine().turn([started()], actions({"actionType": compound, "compoundActions": [activity("a"), inner]}))
    assert turn.awaiting is None


def test_second_deliveries_and_cancelled_timers_are_left_out() -> None:
    engine = Engine()
    timer = {"actionType": 5, "fireAt": stamp(NOON + timedelta(hours=1)), "isCanceled": False}
    both = {"actionType": 11, "compoundActions": [activity("a"), timer]}
    engine.turn([started()], actions(both))
    assert open_ids(engine.past) == {0, 1}
    completed = ev.task_completed(NOON, 0, "1")
    assert wanted(engine.past, [completed, completed]) == [completed]
    cancelled = {**both, "compoundActions": [activity("a"), {**timer, "isCanceled": True}]}
    turn = engine.turn([completed], actions(cancelled, activity("b")))
    assert turn.cancelled == (1,)
    assert [item.id for item in turn.work] == [2]
    assert wanted(engine.past, [ev.timer_fired(NOON, 1, stamp(NOON)), completed]) == []


def test_ids_stay_right_when_a_retry_ran_before_the_cancel() -> None:
    """The list as it was then counts, not as it is now: a timer cancelled later must not look cancelled early."""
    engine = Engine()
    retry = {
        **activity("a"),
        "actionType": 1,
        "retryOptions": {"firstRetryIntervalInMilliseconds": 10, "maxNumberOfAttempts": 3},
    }
    timer = {"actionType": 5, "fireAt": stamp(NOON + timedelta(hours=1)), "isCanceled": False}
    open_list = {"actionType": 11, "compoundActions": [all_of(retry), timer]}
    engine.turn([started()], actions(open_list))
    back_off = engine.turn([ev.task_failed(NOON, 0, "r", "d")], actions(open_list))
    assert [(item.id, item.kind) for item in back_off.work] == [(2, Kind.TimerCreated)]
    again = engine.turn([ev.timer_fired(NOON, 2, stamp(NOON))], actions(open_list))
    assert [(item.id, item.name) for item in again.work] == [(3, "a")]
    closed = {**open_list, "compoundActions": [all_of(retry), {**timer, "isCanceled": True}]}
    then = engine.turn([ev.task_completed(NOON, 3, "1")], actions(closed, activity("b")))
    assert [(item.id, item.name) for item in then.work] == [(4, "b")]
    end = engine.turn([ev.task_completed(NOON, 4, "1")], actions(closed, activity("b"), isDone=True, output=1))
    assert end.ending is not None
    assert end.ending.status == "Completed"


def test_changed_code_is_found() -> None:
    engine = Engine()
    engine.turn([started()], actions(activity("a")))
    turn = engine.turn([ev.task_completed(NOON, 0, "1")], actions(activity("b")))
    assert turn.ending is not None
    assert "Non-Deterministic workflow detected" in (turn.ending.text or "")


def test_unknown_names_block_and_complain() -> None:
    turn = Engine().turn([started()], actions(activity("nowhere")))
    assert turn.work == ()
    assert turn.ending is None
    assert "activity 'nowhere'" in turn.complaints[0]


@pytest.mark.parametrize(
    "answer", ["", "[]", '{"isDone": true, "schemaVersion": 2, "actions": []}', '{"isDone": true, "actions": [[]]}']
)
def test_answers_that_make_no_sense_are_faults(answer: str) -> None:
    assert parse_answer(answer, None).fault


def test_terminate_wins_over_everything() -> None:
    engine = Engine()
    engine.turn([started()], actions(activity("a")))
    messages = [ev.task_completed(NOON, 0, "1"), ev.execution_terminated(NOON, "enough")]
    turn = engine.turn(messages, actions(activity("a"), isDone=True, output=1))
    assert turn.ending is not None
    assert (turn.ending.status, turn.ending.text) == ("Terminated", "enough")
