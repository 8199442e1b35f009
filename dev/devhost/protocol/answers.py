"""What the SDK answers to one orchestrator call, parsed: the action list, and how the code ended if it did."""

import json
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Any

ERROR_LABEL = "\n\n$OutOfProcData$:"


class ActionType(IntEnum):
    """Action types by number, as in the answer."""

    CALL_ACTIVITY = 0
    CALL_ACTIVITY_WITH_RETRY = 1
    CALL_SUB_ORCHESTRATOR = 2
    CALL_SUB_ORCHESTRATOR_WITH_RETRY = 3
    CONTINUE_AS_NEW = 4
    CREATE_TIMER = 5
    WAIT_FOR_EXTERNAL_EVENT = 6
    CALL_ENTITY = 7
    CALL_HTTP = 8
    SIGNAL_ENTITY = 9
    WHEN_ANY = 11
    WHEN_ALL = 12


UNSUPPORTED = {
    ActionType.CALL_ENTITY: "call_entity",
    ActionType.SIGNAL_ENTITY: "signal_entity",
    ActionType.CALL_HTTP: "call_http",
}


@dataclass(frozen=True, slots=True)
class Retry:
    """A retry policy: the interval is constant, the attempts include the first."""

    interval: timedelta
    attempts: int


@dataclass(frozen=True, slots=True)
class Action:
    """One action. ``name`` is a function's or an event's; ``input`` is JSON text; ``fire_at`` an ISO time."""

    type: ActionType
    name: str = ""
    input: str | None = None
    instance_id: str | None = None
    retry: Retry | None = None
    fire_at: str = ""
    cancelled: bool = False
    children: tuple["Action", ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A parsed answer.

    ``error`` is user code's exception text. ``fault`` is a failure of the protocol itself (the SDK raised something
    without its label, or the answer makes no sense): the instance fails at once with that text.
    """

    done: bool = False
    actions: tuple[Action, ...] = ()
    output: Any = None
    error: str | None = None
    custom_status: Any = None
    fault: str | None = None


def _parse_action(data: dict[str, Any]) -> Action:
    options = data.get("retryOptions")
    retry = None
    if options:
        interval = timedelta(milliseconds=options["firstRetryIntervalInMilliseconds"])
        retry = Retry(interval, options["maxNumberOfAttempts"])
    return Action(
        type=ActionType(data["actionType"]),
        name=data.get("functionName") or data.get("externalEventName") or "",
        input=data.get("input"),
        instance_id=data.get("instanceId"),
        retry=retry,
        fire_at=data.get("fireAt", ""),
        cancelled=bool(data.get("isCanceled", False)),
        children=tuple(_parse_action(child) for child in data.get("compoundActions", ())),
    )


def unsupported(action: Action) -> str | None:
    """The name of the first thing in an action that this host cannot do, or None."""
    if action.type in UNSUPPORTED:
        return UNSUPPORTED[action.type]
    return next((name for child in action.children if (name := unsupported(child))), None)


def _parse_state(text: str) -> Answer:
    data = json.loads(text)
    lists = data["actions"]
    if len(lists) != 1 or data.get("schemaVersion") is None:
        return Answer(fault="The SDK answered in an older schema than this host speaks.")
    actions = tuple(_parse_action(action) for action in lists[0])
    refused = next((name for action in actions if (name := unsupported(action))), None)
    if refused is not None:
        return Answer(fault=f"devhost does not support {refused}. Use 'func start' for this orchestration.")
    return Answer(
        done=bool(data["isDone"]),
        actions=actions,
        output=data.get("output"),
        error=data.get("error"),
        custom_status=data.get("customStatus"),
    )


def parse_answer(returned: str | None, raised: BaseException | None, stack: str = "") -> Answer:
    """Parse what a call returned or raised. ``stack`` is the traceback's text. Never raises."""
    text = returned if raised is None else str(raised)
    if raised is not None:
        _, label, text = str(raised).partition(ERROR_LABEL)
        if not label:
            kind = type(raised).__name__
            cause = f"Result: Failure\nException: {kind}: {raised}\nStack: {stack}"
            return Answer(fault=f"One or more errors occurred. ({cause})")
    try:
        return _parse_state(text or "")
    except (ValueError, KeyError, TypeError, IndexError) as problem:
        return Answer(fault=f"The orchestrator's answer cannot be read: {type(problem).__name__}: {problem}")
