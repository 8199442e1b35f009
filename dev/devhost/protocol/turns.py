"""One turn of an orchestration: messages in, the body for the SDK, its answer in, new events and new work out.

Pure: a turn is a function of the past, the messages, the answer and the time. The order of calls is
`open_turn` -> `body_text` -> (the SDK) -> `settle`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dev.devhost.protocol import events as ev
from dev.devhost.protocol.answers import Action, ActionType, Answer
from dev.devhost.protocol.events import Event, Kind
from dev.devhost.protocol.hazards import drifted_ids, shut_gates
from dev.devhost.protocol.json_text import compact, parse_or_text
from dev.devhost.protocol.shadow import Known, Leaf, Machine, Scheduled
from dev.devhost.protocol.times import parse_stamp
from dev.devhost.protocol.unanswered import unanswered
from dev.devhost.protocol.waiting import awaited_ids

CUSTOM_STATUS_KB = 16
"""A custom status whose JSON text is larger than this in UTF-16 fails the instance."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far one past episode got: how many actions were listed by then, and which timers it cancelled."""

    listed: int
    cancelled: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Execution:
    """What does not change while an execution lasts. ``continued``: begun by continue_as_new."""

    instance_id: str
    execution_id: str
    name: str
    raw_input: str | None
    parent_id: str | None = None
    continued: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """The history so far, and one mark per OrchestratorStarted in it."""

    events: tuple[Event, ...] = ()
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """A turn that waits for the SDK's answer: the events that it adds to the past."""

    now: datetime
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Ending:
    """How an execution ended. ``result`` is JSON text, ``text`` the plain text of a failure or a reason."""

    status: str
    result: str | None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn changes. ``events`` are to be appended to the history, with ``mark`` on the first of them.

    Exactly one of these holds: ``ending`` is set (finished), ``next_input`` is set (a new generation with that raw
    input begins), or neither (the execution goes on). ``awaiting`` is for `dev.devhost.protocol.waiting.may_wait`.
    """

    events: tuple[Event, ...]
    mark: Mark
    work: tuple[Scheduled, ...] = ()
    cancelled: tuple[int, ...] = ()
    custom_status: str | None = None
    suspended: str | None = None
    ending: Ending | None = None
    next_input: str | None = None
    awaiting: frozenset[int] | None = None
    complaints: tuple[str, ...] = field(default=())


def open_turn(execution: Execution, past: Past, messages: Sequence[Event], now: datetime) -> Opened:
    """Begin a turn with these messages, in this order.

    The episode's time is never before the fire time of a timer that it brings: a long timer would split once more.
    Completions of ids that are not open must have been left out (`wanted`).
    """
    fired = [parse_stamp(m["FireAt"]) for m in messages if m["EventType"] == Kind.TimerFired]
    now = max([now, *fired])
    opening = [ev.orchestrator_started(now), *messages]
    if execution.continued and not past.events:
        opening.append(ev.orchestrator_completed(now))
    return Opened(now, tuple(opening))


def open_ids(past: Past) -> set[int]:
    """The task ids that are scheduled, not completed and not cancelled."""
    scheduled = {e["EventId"] for e in past.events if e["EventType"] in ev.SCHEDULING}
    completed = {ev.completed_task(e) for e in past.events}
    cancelled = {i for mark in past.marks for i in mark.cancelled}
    return {i for i in scheduled if i not in completed and i not in cancelled}


def wanted(past: Past, messages: Iterable[Event]) -> list[Event]:
    """The messages without completions that nobody waits for (a cancelled timer, a second delivery)."""
    waiting = open_ids(past)
    result = []
    for message in messages:
        task_id = ev.completed_task(message)
        if task_id is None or task_id in waiting:
            result.append(message)
        if task_id is not None:
            waiting.discard(task_id)
    return result


def body_text(execution: Execution, past: Past, opened: Opened) -> str:
    """The trigger body: the whole history as JSON text, with exactly the ten keys a real host sends."""
    body: dict[str, Any] = {
        "history": [*past.events, *opened.events],
        "input": parse_or_text(execution.raw_input),
        "instanceId": execution.instance_id,
        "isReplaying": bool(past.events),
        "parentInstanceId": execution.parent_id,
        "upperSchemaVersion": 1,
        "upperSchemaVersionNew": 2,
        "longRunningTimerIntervalDuration": "3.00:00:00",
        "maximumShortTimerDuration": "6.00:00:00",
        "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
    }
    return compact(body)


def fold(execution: Execution, past: Past, opened: Opened, actions: tuple[Action, ...], known: Known) -> Machine:
    """Walk the whole history with the newest action list, each episode as far as the list went in its time."""
    machine = Machine(actions, known, execution.execution_id)
    episodes = iter(past.marks)
    mark: Mark | None = None
    for event in past.events:
        if event["EventType"] == Kind.OrchestratorStarted:
            _end_past_episode(machine, mark)
            mark = next(episodes)
            machine.start_episode(parse_stamp(event["Timestamp"]), min(mark.listed, len(actions)))
        elif event["EventType"] in ev.MESSAGES:
            machine.take(event)
    _end_past_episode(machine, mark)
    machine.cancelled.clear()
    machine.start_episode(opened.now, len(actions))
    for event in opened.events:
        if event["EventType"] in ev.MESSAGES:
            machine.take(event)
    machine.end_episode(lambda _, leaf: leaf.action.cancelled)
    return machine


def _end_past_episode(machine: Machine, mark: Mark | None) -> None:
    if mark is None:
        return
    cancelled = mark.cancelled

    def was_cancelled(task_id: int, _: Leaf) -> bool:
        return task_id in cancelled

    machine.end_episode(was_cancelled)


def settle(
    execution: Execution, past: Past, opened: Opened, answer: Answer, *, known: Known, sdk_tasks: Mapping[int, str]
) -> Turn:
    """Turn the SDK's answer into events and work, and decide whether the execution ends.

    ``sdk_tasks`` are the ids the SDK holds open, by kind (see `hazards`); empty if unknown. ``answer`` is ignored when
    the messages terminate the execution.
    """
    reason = next((e["Input"] for e in opened.events if e["EventType"] == Kind.ExecutionTerminated), None)
    if any(e["EventType"] == Kind.ExecutionTerminated for e in opened.events):
        ending = Ending("Terminated", None if reason is None else compact(reason), reason)
        return _finish(past, opened, ending, None)
    custom_status = None if answer.custom_status is None else compact(answer.custom_status)
    fault = answer.fault or _too_big(custom_status)
    if fault is not None:
        return _finish(past, opened, _failure(execution, fault), None)
    machine = fold(execution, past, opened, answer.actions, known)
    fault = _differs_from_history(past, machine) or drifted_ids(machine, sdk_tasks) or shut_gates(machine, answer)
    if fault is not None:
        return _finish(past, opened, _failure(execution, fault), custom_status, complaints=(fault,))
    return _go_on_or_end(
        execution=execution, past=past, opened=opened, answer=answer, machine=machine, custom_status=custom_status
    )


def worker_died(execution: Execution, past: Past, opened: Opened) -> Turn:
    """What becomes of an execution whose orchestrator was being called when the worker died: it fails for good."""
    return _finish(past, opened, _failure(execution, unanswered(execution.name, past.events)), None)


def _go_on_or_end(
    *, execution: Execution, past: Past, opened: Opened, answer: Answer, machine: Machine, custom_status: str | None
) -> Turn:
    recorded = {e["EventId"] for e in past.events if e["EventType"] in ev.SCHEDULING}
    work = tuple(s for s in machine.scheduled if s.id not in recorded)
    over = (answer.done or answer.error is not None) and machine.through and not machine.suspended
    complaints = () if machine.blocked is None else (_unknown_name(machine.blocked),)
    if over and answer.error is not None:
        return _finish(past, opened, _failure(execution, answer.error), custom_status, work=work)
    if over:
        again = next((a for a in answer.actions if a.type is ActionType.CONTINUE_AS_NEW), None)
        if again is not None:
            mark = Mark(len(answer.actions))
            return Turn(opened.events, mark, custom_status=custom_status, next_input=compact(again.input))
        output = None if answer.output is None else compact(answer.output)
        return _finish(past, opened, Ending("Completed", output), custom_status, work=work)
    scheduling = [_record(opened.now, item) for item in work]
    closing = [*scheduling, ev.orchestrator_completed(opened.now)]
    events = opened.events
    if execution.continued and not past.events:
        # The first body of a new generation already ended with OrchestratorCompleted, and that one counts as played.
        events = (*events[:-1], {**events[-1], "IsPlayed": True})
        closing = closing if scheduling else []
    return Turn(
        events=(*events, *closing),
        mark=Mark(len(answer.actions), tuple(machine.cancelled)),
        work=work,
        cancelled=tuple(machine.cancelled),
        custom_status=custom_status,
        suspended=_suspend_reason(past, opened) if machine.suspended else None,
        awaiting=awaited_ids(machine, len(answer.actions)),
        complaints=complaints,
    )


def _finish(
    past: Past,
    opened: Opened,
    ending: Ending,
    custom_status: str | None,
    *,
    work: tuple[Scheduled, ...] = (),
    complaints: tuple[str, ...] = (),
) -> Turn:
    scheduling = [_record(opened.now, item) for item in work]
    ids = [e["EventId"] for e in (*past.events, *scheduling) if e["EventType"] in ev.SCHEDULING]
    completed = ev.execution_completed(opened.now, max(ids, default=-1) + 1, ending.status, ending.result)
    events = (*opened.events, *scheduling, completed, ev.orchestrator_completed(opened.now))
    return Turn(events, Mark(0), custom_status=custom_status, ending=ending, complaints=complaints)


def _failure(execution: Execution, error: str) -> Ending:
    text = f"Orchestrator function '{execution.name}' failed: {error}"
    return Ending("Failed", compact(text), text)


def _too_big(custom_status: str | None) -> str | None:
    kilobytes = 0 if custom_status is None else len(custom_status.encode("utf-16-le", "surrogatepass")) // 1024
    if kilobytes <= CUSTOM_STATUS_KB:
        return None
    limit = f"must not exceed {CUSTOM_STATUS_KB} KB. The current payload size is {kilobytes} KB."
    return f"The UTF-16 size of the JSON-serialized payload {limit}"


def _record(now: datetime, item: Scheduled) -> Event:
    if item.kind is Kind.TaskScheduled:
        return ev.task_scheduled(now, item.id, item.name)
    if item.kind is Kind.TimerCreated:
        return ev.timer_created(now, item.id, item.fire_at)
    return ev.child_created(now, item.id, item.name, item.instance_id)


def _differs_from_history(past: Past, machine: Machine) -> str | None:
    asked = {item.id: item for item in machine.scheduled}
    for event in past.events:
        if event["EventType"] not in ev.SCHEDULING:
            continue
        item = asked.get(event["EventId"])
        name = event.get("Name", "")
        if item is None or item.kind != event["EventType"] or item.name != name:
            recorded = f"{Kind(event['EventType']).name} {event['EventId']} {name}".strip()
            now = "nothing" if item is None else f"{item.kind.name} {item.id} {item.name}".strip()
            return (
                f"Non-Deterministic workflow detected: the history has '{recorded}', the orchestrator's code now asks "
                f"for '{now}' there. Did the code change while this instance was running?"
            )
    return None


def _unknown_name(what: str) -> str:
    return (
        f"There is no {what} in this app. As on a real host the instance neither fails nor goes on: it stays Running "
        "until it is terminated. Compare the name with the registered functions."
    )


def _suspend_reason(past: Past, opened: Opened) -> str:
    reasons = [e["Reason"] for e in (*past.events, *opened.events) if e["EventType"] == Kind.ExecutionSuspended]
    return reasons[-1] or ""
