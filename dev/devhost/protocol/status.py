"""Status documents: the response to GET on an instance, and its history rows, in the real host's form."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from dev.devhost.protocol.events import COMPLETIONS, SCHEDULING, Event, Kind, completed_task
from dev.devhost.protocol.json_text import parse_or_text
from dev.devhost.protocol.times import seconds_stamp

_HIDDEN = ("EventId", "IsPlayed", "Version", "TaskScheduledId", "TimerId", "OrchestrationInstance", "ParentInstance")


def status_document(
    *,
    name: str,
    instance_id: str,
    status: str,
    raw_input: str | None,
    output: str | None,
    created: datetime,
    updated: datetime,
) -> dict[str, Any]:
    """The document without history. ``raw_input`` and ``output`` are JSON texts."""
    return {
        "name": name,
        "instanceId": instance_id,
        "runtimeStatus": status,
        "input": parse_or_text(raw_input),
        "customStatus": None,
        "output": parse_or_text(output),
        "createdTime": seconds_stamp(created),
        "lastUpdatedTime": seconds_stamp(updated),
    }


def history_rows(events: Iterable[Event], *, show_output: bool) -> list[dict[str, Any]]:
    """The rows of ``historyEvents``, without episode marks and finished scheduling rows.

    Ids go; completions tell which function they are of and when it was scheduled; results only if asked for.
    """
    events = list(events)
    scheduled = {e["EventId"]: e for e in events if e["EventType"] in SCHEDULING}
    finished = {completed_task(e) for e in events} - {None}
    hidden = (Kind.OrchestratorStarted, Kind.OrchestratorCompleted)
    rows = []
    for event in events:
        kind = Kind(event["EventType"])
        over = kind is Kind.TaskScheduled and event["EventId"] in finished
        if kind not in hidden and not over:
            rows.append(_row(kind, event, scheduled, show_output=show_output))
    return rows


def _row(kind: Kind, event: Event, scheduled: dict[int, Event], *, show_output: bool) -> dict[str, Any]:
    row = {key: value for key, value in event.items() if key not in _HIDDEN}
    row["EventType"] = kind.name
    if kind is Kind.ExecutionStarted:
        row["FunctionName"] = row.pop("Name")
        row.pop("Tags", None)
    if kind is Kind.ExecutionCompleted:
        row["FailureDetails"] = None
    if kind in COMPLETIONS and kind is not Kind.TimerFired:
        source = scheduled.get(completed_task(event) or 0)
        if source is not None:
            row["ScheduledTime"] = source["Timestamp"].removesuffix("Z") + "+00:00"
            row["FunctionName"] = source["Name"]
        row["Input"] = None
    if "Result" in row:
        if show_output:
            row["Result"] = parse_or_text(row["Result"])
        else:
            del row["Result"]
    return row
