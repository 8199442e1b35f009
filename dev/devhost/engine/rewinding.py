"""Rewriting a failed history so that its failed activities run again."""

from typing import Any

from dev.devhost.protocol.events import Event, Kind
from dev.devhost.protocol.turns import Past


class CannotRewindError(RuntimeError):
    """Only failed activities are rewound here."""


def _blank(event: Event) -> Event:
    data: dict[str, Any] = {"EventType": int(Kind.GenericEvent), "Data": None}
    return {**data, **{key: event[key] for key in ("EventId", "IsPlayed", "Timestamp")}}


def rewound(past: Past) -> Past:
    """Replace failed activities, their scheduling and the end by empty events; the ids are then free again.

    Raises CannotRewindError where a sub-orchestration failed: its own history would have to be rewound with it.
    """
    kinds = {event["EventType"] for event in past.events}
    if Kind.SubOrchestrationInstanceFailed in kinds:
        raise CannotRewindError(
            "devhost cannot rewind an instance whose sub-orchestration failed. Use 'func start' for that."
        )
    failed = {event["TaskScheduledId"] for event in past.events if event["EventType"] == Kind.TaskFailed}

    def gone(event: Event) -> bool:
        kind = event["EventType"]
        scheduled = kind == Kind.TaskScheduled and event["EventId"] in failed
        return scheduled or kind in (Kind.TaskFailed, Kind.ExecutionCompleted)

    return Past(tuple(_blank(event) if gone(event) else event for event in past.events), past.marks)
