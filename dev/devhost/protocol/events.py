"""History events: JSON objects with PascalCase keys, built with exactly the keys that a real host sends."""

from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum
from typing import Any

from dev.devhost.protocol.times import stamp

Event = dict[str, Any]


class Kind(IntEnum):
    """The event types that occur here, by number as in the trigger body; the names are those of the status document."""

    ExecutionStarted = 0
    ExecutionCompleted = 1
    ExecutionTerminated = 3
    TaskScheduled = 4
    TaskCompleted = 5
    TaskFailed = 6
    TimerCreated = 10
    TimerFired = 11
    OrchestratorStarted = 12
    OrchestratorCompleted = 13


SCHEDULING = frozenset({Kind.TaskScheduled, Kind.TimerCreated})
COMPLETIONS = frozenset({Kind.TaskCompleted, Kind.TaskFailed, Kind.TimerFired})
MESSAGES = COMPLETIONS | {Kind.ExecutionStarted, Kind.ExecutionTerminated}
"""Events that come from outside and wake an orchestration; once handed over they count as played."""


def _event(kind: Kind, now: datetime, extra: Event, event_id: int = -1) -> Event:
    return {"EventType": int(kind), **extra, "EventId": event_id, "IsPlayed": False, "Timestamp": stamp(now)}


def orchestrator_started(now: datetime) -> Event:
    """Opens an episode; its time is the orchestration's clock."""
    return _event(Kind.OrchestratorStarted, now, {})


def orchestrator_completed(now: datetime) -> Event:
    """Closes an episode."""
    return _event(Kind.OrchestratorCompleted, now, {})


def execution_started(
    now: datetime, *, instance_id: str, execution_id: str, name: str, raw_input: str | None, generation: int
) -> Event:
    """The first message of an execution. ``raw_input`` is JSON text or None."""
    extra: Event = {
        "OrchestrationInstance": {"InstanceId": instance_id, "ExecutionId": execution_id},
        "ParentInstance": None,
        "Name": name,
        "Version": "",
        "Input": raw_input,
        "Tags": None,
        "Correlation": None,
        "ParentTraceContext": None,
        "ScheduledStartTime": None,
        "Generation": generation,
        "GenerateNewTrace": False,
    }
    return _event(Kind.ExecutionStarted, now, extra)


def execution_completed(now: datetime, event_id: int, status: str, result: str | None) -> Event:
    """The last event of an execution; never sent to the SDK."""
    return _event(Kind.ExecutionCompleted, now, {"OrchestrationStatus": status, "Result": result}, event_id)


def execution_terminated(now: datetime, reason: str | None) -> Event:
    """Ends the execution, whatever it is doing."""
    return _event(Kind.ExecutionTerminated, now, {"Input": reason})


def task_scheduled(now: datetime, task_id: int, name: str) -> Event:
    """An activity was handed out."""
    extra = {"Name": name, "Version": "", "Input": None, "ParentTraceContext": None, "Tags": None}
    return _event(Kind.TaskScheduled, now, extra, task_id)


def task_completed(now: datetime, task_id: int, result: str | None) -> Event:
    """An activity ended well; ``result`` is JSON text."""
    return _event(Kind.TaskCompleted, now, {"TaskScheduledId": task_id, "Result": result})


def task_failed(now: datetime, task_id: int, reason: str, details: str) -> Event:
    """An activity failed; user code sees the text of both, reason first."""
    extra = {"TaskScheduledId": task_id, "Reason": reason, "Details": details, "FailureDetails": None}
    return _event(Kind.TaskFailed, now, extra)


def timer_created(now: datetime, task_id: int, fire_at: str) -> Event:
    """A timer was set."""
    return _event(Kind.TimerCreated, now, {"FireAt": fire_at}, task_id)


def timer_fired(created: datetime, task_id: int, fire_at: str) -> Event:
    """A timer fired. Its timestamp is the time of creation: so does the real host."""
    return _event(Kind.TimerFired, created, {"TimerId": task_id, "FireAt": fire_at})


def completed_task(event: Event) -> int | None:
    """The task id that a completion is for, None for any other event."""
    if event["EventType"] not in COMPLETIONS:
        return None
    key = "TimerId" if event["EventType"] == Kind.TimerFired else "TaskScheduledId"
    task_id: int = event[key]
    return task_id


def played(events: Iterable[Event]) -> list[Event]:
    """The same events as every later body shows them: those that came in as messages have ``IsPlayed`` true."""
    return [{**e, "IsPlayed": True} if e["EventType"] in MESSAGES else e for e in events]
