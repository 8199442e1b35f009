"""One turn of an orchestration: messages in, the body for the SDK, its response in, new events and new work out.

Pure: a turn is a function of the past, the messages, the response and the time. The order of calls is
`open_turn` -> `body_text` -> (the SDK) -> `settle`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dev.devhost.protocol import events as ev
from dev.devhost.protocol.events import Event, Kind
from dev.devhost.protocol.json_text import compact, parse_or_text
from dev.devhost.protocol.responses import Response
from dev.devhost.protocol.times import parse_stamp
from dev.devhost.protocol.walk import Scheduled, Walk, walk

History = tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Execution:
    """What does not change while an execution lasts."""

    instance_id: str
    name: str
    raw_input: str | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A turn that waits for the SDK's response: the events that it adds to the past."""

    now: datetime
    events: History


@dataclass(frozen=True, slots=True)
class Ending:
    """How an execution ended. ``result`` is JSON text, ``text`` the plain text of a failure or a reason."""

    status: str
    result: str | None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn changes: ``events`` are to be appended to the history, ``work`` is to be set going.

    The execution goes on unless ``ending`` is set; ``awaiting`` is that of `Walk`. ``complaints`` are for the log.
    """

    events: History
    work: tuple[Scheduled, ...] = ()
    ending: Ending | None = None
    awaiting: frozenset[int] | None = None
    complaints: tuple[str, ...] = ()


def open_turn(messages: Sequence[Event], now: datetime) -> Opened:
    """Begin a turn with these messages, in this order.

    The episode's time is never before the fire time of a timer that it brings: a long timer would split once more.
    Completions of ids that are not open must have been left out (`wanted`).
    """
    fired = [parse_stamp(m["FireAt"]) for m in messages if m["EventType"] == Kind.TimerFired]
    now = max([now, *fired])
    return Opened(now, (ev.orchestrator_started(now), *messages))


def open_ids(past: History) -> set[int]:
    """The task ids that are scheduled and not completed."""
    scheduled = {e["EventId"] for e in past if e["EventType"] in ev.SCHEDULING}
    return scheduled - {ev.completed_task(e) for e in past}


def wanted(past: History, messages: Iterable[Event]) -> list[Event]:
    """The messages without completions that nobody waits for (a second delivery)."""
    waiting = open_ids(past)
    result = []
    for message in messages:
        task_id = ev.completed_task(message)
        if task_id is None or task_id in waiting:
            result.append(message)
        if task_id is not None:
            waiting.discard(task_id)
    return result


def body_text(execution: Execution, past: History, opened: Opened) -> str:
    """The trigger body: the whole history as JSON text, with exactly the ten keys a real host sends."""
    body: dict[str, Any] = {
        "history": [*past, *opened.events],
        "input": parse_or_text(execution.raw_input),
        "instanceId": execution.instance_id,
        "isReplaying": bool(past),
        "parentInstanceId": None,
        "upperSchemaVersion": 1,
        "upperSchemaVersionNew": 2,
        "longRunningTimerIntervalDuration": "3.00:00:00",
        "maximumShortTimerDuration": "6.00:00:00",
        "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
    }
    return compact(body)


def settle(
    execution: Execution, past: History, opened: Opened, response: Response, *, activities: frozenset[str]
) -> Turn:
    """Turn the SDK's response into events and work, and decide whether the execution ends.

    ``activities`` are the registered names, in lower case. ``response`` is ignored when the messages terminate the
    execution.
    """
    terminated = next((e for e in opened.events if e["EventType"] == Kind.ExecutionTerminated), None)
    if terminated is not None:
        reason = terminated["Input"]
        return _finish(past, opened, Ending("Terminated", None if reason is None else compact(reason), reason))
    if response.fault is not None:
        return _finish(past, opened, _failure(execution, response.fault), complaints=(response.fault,))
    walked = walk(response.actions, (*past, *opened.events), activities)
    fault = _differs_from_history(past, walked) or _drifted(response)
    if fault is not None:
        return _finish(past, opened, _failure(execution, fault), complaints=(fault,))
    if walked.through and response.error is not None:
        return _finish(past, opened, _failure(execution, response.error))
    if walked.through and response.done:
        output = None if response.output is None else compact(response.output)
        return _finish(past, opened, Ending("Completed", output))
    recorded = {e["EventId"] for e in past if e["EventType"] in ev.SCHEDULING}
    work = tuple(item for item in walked.scheduled if item.id not in recorded)
    scheduling = [_record(opened.now, item) for item in work]
    return Turn(
        events=(*opened.events, *scheduling, ev.orchestrator_completed(opened.now)),
        work=work,
        awaiting=walked.awaiting,
        complaints=() if walked.unknown is None else (_unknown_name(walked.unknown),),
    )


def worker_died(execution: Execution, past: History, opened: Opened, death: str) -> Turn:
    """The end of an execution whose orchestrator was running when the worker died: it fails.

    A missing response counts as an empty one, so the first task of the history looks like one that the code no longer
    schedules; the text is as misleading on the real host. An execution without a task fails with the bare ``death``.
    """
    scheduled = next((event for event in past if event["EventType"] in ev.SCHEDULING), None)
    if scheduled is None:
        error = f"Exception while executing function: Functions.{execution.name} {death}"
    else:
        what = "an activity task" if scheduled["EventType"] == Kind.TaskScheduled else "a timer task"
        error = (
            f"Non-Deterministic workflow detected: A previous execution of this orchestration scheduled {what} with "
            f"sequence ID {scheduled['EventId']} and name '{scheduled.get('Name', '')}' (version ''), but the current "
            "replay execution hasn't (yet?) scheduled this task. Was a change made to the orchestrator code after this "
            "instance had already started running?"
        )
    return _finish(past, opened, _failure(execution, error))


def _finish(past: History, opened: Opened, ending: Ending, *, complaints: tuple[str, ...] = ()) -> Turn:
    ids = [e["EventId"] for e in past if e["EventType"] in ev.SCHEDULING]
    completed = ev.execution_completed(opened.now, max(ids, default=-1) + 1, ending.status, ending.result)
    events = (*opened.events, completed, ev.orchestrator_completed(opened.now))
    return Turn(events, ending=ending, complaints=complaints)


def _failure(execution: Execution, error: str) -> Ending:
    text = f"Orchestrator function '{execution.name}' failed: {error}"
    return Ending("Failed", compact(text), text)


def _record(now: datetime, item: Scheduled) -> Event:
    if item.kind is Kind.TaskScheduled:
        return ev.task_scheduled(now, item.id, item.name)
    return ev.timer_created(now, item.id, item.fire_at)


def _differs_from_history(past: History, walked: Walk) -> str | None:
    scheduled = {item.id: item for item in walked.scheduled}
    for event in past:
        if event["EventType"] not in ev.SCHEDULING:
            continue
        item = scheduled.get(event["EventId"])
        name = event.get("Name", "")
        if item is None or item.kind != event["EventType"] or item.name != name:
            recorded = f"{Kind(event['EventType']).name} {event['EventId']} {name}".strip()
            now = "nothing" if item is None else f"{item.kind.name} {item.id} {item.name}".strip()
            return (
                f"Non-Deterministic workflow detected: the history has '{recorded}', the orchestrator's code now asks "
                f"for '{now}' there. Did the code change while this instance was running?"
            )
    return None


def _drifted(response: Response) -> str | None:
    """The remaining hazard: the SDK has numbered fewer tasks than are in its actions, so a host's numbers differ."""
    in_actions = sum(1 for action in response.actions for _ in action.leaves())
    if response.counted is None or response.counted == in_actions:
        return None
    return (
        f"devhost stopped this instance, a hazard (task ids drift apart): the SDK lists {in_actions} activities and "
        f"timers and has counted {response.counted}. A task stands twice in a task_all, or was awaited between the "
        "making and the awaiting of one. A real host runs it twice, and from then on results go to the wrong tasks. "
        "Make a task_all where it is awaited, of different tasks."
    )


def _unknown_name(name: str) -> str:
    return (
        f"There is no activity '{name}' in this app. As on a real host the instance neither fails nor goes on: it "
        "stays Running until it is terminated. Compare the name with the registered functions."
    )
