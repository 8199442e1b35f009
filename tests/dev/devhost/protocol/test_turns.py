"""Turns that no recording shows: long timers, what is awaited, ids that drift, changed code."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dev.devhost.protocol import events as ev
from dev.devhost.protocol.events import Event, Kind
from dev.devhost.protocol.responses import parse_response
from dev.devhost.protocol.times import parse_stamp, stamp
from dev.devhost.protocol.turns import Execution, History, Turn, body_text, open_ids, open_turn, settle, wanted
from dev.devhost.protocol.walk import Scheduled
from dev.devhost.worker.calling import Calls
from dev.devhost.worker.loading import read_app

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDK warns about its own codec, once
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
KNOWN = frozenset({"a", "b"})
EXECUTION = Execution("one", "o", None)
HEAD = """
import datetime as dt
import azure.durable_functions as df
app = df.DFApp()
@app.activity_trigger(input_name="x")
def a(x): ...
@app.activity_trigger(input_name="x")
def b(x): ...
@app.orchestration_trigger(context_name="context")
def o(context):"""


@dataclass
class Engine:
    """Turns one after another, with answers made by hand."""

    past: History = ()
    now: datetime = NOON

    def turn(self, messages: Sequence[Event], response: dict[str, Any]) -> Turn:
        opened = open_turn(messages, self.now)
        text = json.dumps({"isDone": False, "schemaVersion": 2, **response})
        turn = settle(EXECUTION, self.past, opened, parse_response(text, None), activities=KNOWN)
        self.past = (*self.past, *ev.played(turn.events))
        return turn


def started() -> Event:
    return ev.execution_started(NOON, instance_id="one", execution_id="e", name="o", raw_input=None, generation=0)


def activity(name: str) -> dict[str, Any]:
    return {"actionType": 0, "functionName": name, "input": "1"}


def actions(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"actions": [list(items)], **more}


def all_of(*items: dict[str, Any]) -> dict[str, Any]:
    return {"actionType": 12, "compoundActions": list(items)}


async def run(source: str, rounds: int) -> tuple[list[Turn], list[timedelta]]:
    """Turns of an orchestrator under the real SDK, and after how long its timers were to fire; the clock stands still.

    Activities succeed, one for each turn, the newest first.
    """
    module: dict[str, Any] = {}
    exec(HEAD + source, module)
    calls = Calls(read_app(type("Module", (), module)))
    past: History = ()
    messages, turns, fired = [started()], list[Turn](), list[timedelta]()
    open_work = list[Scheduled]()
    for _ in range(rounds):
        opened = open_turn(messages, NOON)
        response = await calls.run_orchestrator("o", body_text(EXECUTION, past, opened))
        turns.append(settle(EXECUTION, past, opened, response, activities=KNOWN))
        past = (*past, *ev.played(turns[-1].events))
        open_work += turns[-1].work
        if turns[-1].ending is not None or not open_work:
            break
        item = open_work.pop()
        if item.kind is Kind.TimerCreated:
            fired.append(parse_stamp(item.fire_at) - NOON)
            messages = [ev.timer_fired(NOON, item.id, item.fire_at)]
        else:
            messages = [ev.task_completed(NOON, item.id, "1")]
    return turns, fired


async def test_a_long_timer_goes_in_steps_of_three_days() -> None:
    """The clock has not moved: the turn's time must."""
    turns, fired = await run(
        """
    yield context.create_timer(context.current_utc_datetime + dt.timedelta(days=10))
    return "woken"
""",
        rounds=10,
    )
    ending = turns[-1].ending
    assert ending is not None
    assert ending.result == '"woken"'
    assert fired == [timedelta(days=3), timedelta(days=6), timedelta(days=10)]


@pytest.mark.parametrize(
    "source",
    [
        """
    task = context.call_activity("a", 1)
    yield context.task_all([task, task])
""",
        """
    first, second = context.call_activity("a", 1), context.call_activity("b", 1)
    both = context.task_all([first, second])
    yield first
    yield both
""",
    ],
    ids=["a task twice", "a task_all made too early"],
)
async def test_ids_that_would_drift_apart_stop_the_instance(source: str) -> None:
    turns, _ = await run(source, rounds=3)
    ending = turns[-1].ending
    assert ending is not None
    assert ending.status == "Failed"
    assert "a hazard (task ids drift apart)" in (ending.text or "")
    assert turns[-1].complaints


async def test_tasks_may_be_awaited_again_together_and_alone() -> None:
    turns, _ = await run(
        """
    first, second = context.call_activity("a", 1), context.call_activity("b", 2)
    yield context.task_all([first, second])
    third = context.call_activity("a", 3)
    values = yield context.task_all([first, third])
    yield context.task_all([second])
    yield third
    return values
""",
        rounds=10,
    )
    assert [item.id for turn in turns for item in turn.work] == [0, 1, 2]
    assert turns[-1].ending is not None
    assert turns[-1].ending.result == "[1,1]"


def test_a_turn_is_never_before_its_timers() -> None:
    late = NOON + timedelta(hours=1)
    opened = open_turn([ev.timer_fired(NOON, 0, stamp(late))], NOON)
    assert opened.events[0]["Timestamp"] == stamp(late)


def test_all_of_a_task_all_is_awaited_until_one_has_failed() -> None:
    engine = Engine()
    listed = actions(all_of(*[activity("a")] * 3))
    assert engine.turn([started()], listed).awaiting == frozenset({0, 1, 2})
    assert engine.turn([ev.task_completed(NOON, 1, "1")], listed).awaiting == frozenset({0, 2})
    assert engine.turn([ev.task_failed(NOON, 0, "r", "d")], listed).awaiting is None


def test_what_comes_after_a_failed_task_all_is_scheduled_when_all_of_it_has_ended() -> None:
    engine = Engine()
    failing = all_of(activity("a"), activity("a"))
    engine.turn([started()], actions(failing))
    turn = engine.turn([ev.task_failed(NOON, 0, "r", "d")], actions(failing, activity("b")))
    assert (turn.work, turn.awaiting) == ((), None)
    turn = engine.turn([ev.task_completed(NOON, 1, "1")], actions(failing, activity("b")))
    assert [(item.id, item.name) for item in turn.work] == [(2, "b")]


def test_second_deliveries_are_left_out() -> None:
    engine = Engine()
    engine.turn([started()], actions(all_of(activity("a"), activity("b"))))
    assert open_ids(engine.past) == {0, 1}
    completed = ev.task_completed(NOON, 0, "1")
    assert wanted(engine.past, [completed, completed]) == [completed]
    engine.turn([completed], actions(all_of(activity("a"), activity("b"))))
    assert wanted(engine.past, [completed]) == []


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
    "response", ["", "[]", '{"isDone": true, "schemaVersion": 2, "actions": []}', '{"isDone": true, "actions": [[]]}']
)
def test_answers_that_make_no_sense_are_faults(response: str) -> None:
    assert parse_response(response, None).fault


def test_terminate_wins_over_everything() -> None:
    engine = Engine()
    engine.turn([started()], actions(activity("a")))
    messages = [ev.task_completed(NOON, 0, "1"), ev.execution_terminated(NOON, "enough")]
    turn = engine.turn(messages, actions(activity("a"), isDone=True, output=1))
    assert turn.ending is not None
    assert (turn.ending.status, turn.ending.text) == ("Terminated", "enough")
