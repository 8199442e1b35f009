"""History events: JSON objects with PascalCase keys, built with exactly the keys that a real host sends."""

from datetime import datetime
from enum import IntEnum
from typing import Any

from dev.devhost.protocol.times import stamp

Event = dict[str, Any]


class Kind(IntEnum):
    """Event types by number, as in the trigger body; their names are those of the status document."""

    ExecutionStarted = 0
    ExecutionCompleted = 1
    ExecutionFailed = 2
    ExecutionTerminated = 3
    TaskScheduled = 4
    TaskCompleted = 5
    TaskFailed = 6
    SubOrchestrationInstanceCreated = 7
    SubOrchestrationInstanceCompleted = 8
    SubOrchestrationInstanceFailed = 9
    TimerCreated = 10
    TimerFired = 11
    OrchestratorStarted = 12
    OrchestratorCompleted = 13
    EventSent = 14
    EventRaised = 15
    ContinueAsNew = 16
    GenericEvent = 17
    HistoryState = 18
    ExecutionSuspended = 19
    ExecutionResumed = 20


MESSAGES = frozenset(
    {
        Kind.ExecutionStarted,
        Kind.ExecutionTerminated,
        Kind.TaskCompleted,
        Kind.TaskFailed,
        Kind.SubOrchestrationInstanceCompleted,
        Kind.SubOrchestrationInstanceFailed,
        Kind.TimerFired,
        Kind.EventRaised,
        Kind.ExecutionSuspended,
        Kind.ExecutionResumed,
    }
)
"""Events that come from outside and wake an orchestration; once handed over they count as played."""

SCHEDULING = frozenset({Kind.TaskScheduled, Kind.SubOrchestrationInstanceCreated, Kind.TimerCreated})
COMPLETIONS = frozenset(
    {
        Kind.TaskCompleted,
        Kind.TaskFailed,
        Kind.SubOrchestrationInstanceCompleted,
        Kind.SubOrchestrationInstanceFailed,
        Kind.TimerFired,
    }
)
SUCCESSES = frozenset({Kind.TaskCompleted, Kind.SubOrchestrationInstanceCompleted})


def _event(kind: Kind, now: datetime, extra: Event, event_id: int = -1) -> Event:
    return {"EventType": int(kind), **extra, "EventId": event_id, "IsPlayed": False, "Timestamp": stamp(now)}


def orchestrator_started(now: datetime) -> Event:
    """Opens an episode; its time is the orchestration's clock."""
    return _event(Kind.OrchestratorStarted, now, {})


def orchestrator_completed(now: datetime) -> Event:
    """Closes an episode."""
    return _event(Kind.OrchestratorCompleted, now, {})


def execution_started(
    now: datetime,
    *,
    instance_id: str,
    execution_id: str,
    name: str,
    raw_input: str | None,
    generation: int | None,
    parent: Event | None,
) -> Event:
    """The first message of an execution. ``raw_input`` is JSON text or None; ``parent`` is `parent_instance()`."""
    extra: Event = {
        "OrchestrationInstance": {"InstanceId": instance_id, "ExecutionId": execution_id},
        "ParentInstance": parent,
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


def parent_instance(name: str, instance_id: str, execution_id: str, task_id: int) -> Event:
    """Who waits for a sub-orchestration, and under which task id."""
    instance = {"InstanceId": instance_id, "ExecutionId": execution_id}
    return {"Name": name, "OrchestrationInstance": instance, "TaskScheduleId": task_id, "Version": ""}


def execution_completed(now: datetime, event_id: int, status: str, result: str | None) -> Event:
    """The last event of an execution; never sent to the SDK."""
    return _event(Kind.ExecutionCompleted, now, {"OrchestrationStatus": status, "Result": result}, event_id)


def execution_terminated(now: datetime, reason: str | None) -> Event:
    """Ends the execution, whatever it is doing."""
    return _event(Kind.ExecutionTerminated, now, {"Input": reason})


def execution_suspended(now: datetime, reason: str | None) -> Event:
    """Stops scheduling until `execution_resumed`."""
    return _event(Kind.ExecutionSuspended, now, {"Reason": reason})


def execution_resumed(now: datetime, reason: str | None) -> Event:
    """Works off what arrived while suspended."""
    return _event(Kind.ExecutionResumed, now, {"Reason": reason})


def rewound(now: datetime, reason: str | None) -> Event:
    """Wakes a failed execution whose failed activities have been taken out of its history."""
    return _event(Kind.GenericEvent, now, {"Data": reason})


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


def child_created(now: datetime, task_id: int, name: str, instance_id: str) -> Event:
    """A sub-orchestration was started."""
    extra = {"Name": name, "Version": "", "InstanceId": instance_id, "Input": None, "ClientSpanId": None, "Tags": None}
    return _event(Kind.SubOrchestrationInstanceCreated, now, extra, task_id)


def child_completed(now: datetime, task_id: int, result: str | None) -> Event:
    """A sub-orchestration ended well; ``result`` is JSON text."""
    return _event(Kind.SubOrchestrationInstanceCompleted, now, {"TaskScheduledId": task_id, "Result": result})


def child_failed(now: datetime, task_id: int, reason: str, details: str) -> Event:
    """A sub-orchestration failed or was terminated."""
    extra = {"TaskScheduledId": task_id, "Reason": reason, "Details": details, "FailureDetails": None}
    return _event(Kind.SubOrchestrationInstanceFailed, now, extra)


def timer_created(now: datetime, task_id: int, fire_at: str) -> Event:
    """A timer was set, by user code or between two attempts of a retry."""
    return _event(Kind.TimerCreated, now, {"FireAt": fire_at}, task_id)


def timer_fired(created: datetime, task_id: int, fire_at: str) -> Event:
    """A timer fired. Its timestamp is the time of creation: so does the real host."""
    return _event(Kind.TimerFired, created, {"TimerId": task_id, "FireAt": fire_at})


def event_raised(now: datetime, name: str, payload: str) -> Event:
    """An external event; ``payload`` is JSON text."""
    return _event(Kind.EventRaised, now, {"Name": name, "Input": payload, "ParentTraceContext": None})


def completed_task(event: Event) -> int | None:
    """The task id that a completion is for, None for any other event."""
    if event["EventType"] not in COMPLETIONS:
        return None
    key = "TimerId" if event["EventType"] == Kind.TimerFired else "TaskScheduledId"
    task_id: int = event[key]
    return task_id


def played(events: list[Event]) -> list[Event]:
    """The same events as every later body shows them: those that came in as messages have ``IsPlayed`` true."""
    return [{**e, "IsPlayed": True} if e["EventType"] in MESSAGES or is_rewind(e) else e for e in events]


def is_rewind(event: Event) -> bool:
    """Whether this is the message that `rewound` makes, not an event that was blanked out."""
    return bool(event["EventType"] == Kind.GenericEvent and event["EventId"] == -1)
