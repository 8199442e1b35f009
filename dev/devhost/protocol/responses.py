"""The SDK's response to one orchestrator call, parsed: the action list, and how the code ended if it did."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

ERROR_LABEL = "\n\n$OutOfProcData$:"


class ActionType(IntEnum):
    """The action types that this host serves, by their number in the response."""

    CALL_ACTIVITY = 0
    CREATE_TIMER = 5
    WHEN_ALL = 12


_NOT_SERVED = {
    1: "call_activity_with_retry",
    2: "call_sub_orchestrator",
    3: "call_sub_orchestrator_with_retry",
    4: "continue_as_new",
    6: "wait_for_external_event",
    7: "call_entity",
    8: "call_http",
    9: "signal_entity",
    11: "task_any",
}
"""The action types that this host does not serve, by number."""


@dataclass(frozen=True, slots=True)
class Action:
    """One action. ``name`` is an activity's; ``input`` is JSON text; ``fire_at`` an ISO time."""

    type: ActionType
    name: str = ""
    input: str | None = None
    fire_at: str = ""
    children: tuple["Action", ...] = ()

    def leaves(self) -> Iterator["Action"]:
        """The activities and timers in it, in the order in which the SDK counts them."""
        if self.type is not ActionType.WHEN_ALL:
            yield self
        for child in self.children:
            yield from child.leaves()


@dataclass(frozen=True, slots=True)
class Response:
    """A parsed response.

    ``error`` is user code's exception text. ``fault`` is a failure of the protocol itself (the SDK raised something
    without its label, the response is invalid, or this host does not serve an action): the instance fails at
    once with that text. ``counted`` is how many tasks the SDK has given an id, None if that is not known.
    """

    done: bool = False
    actions: tuple[Action, ...] = ()
    output: Any = None
    error: str | None = None
    fault: str | None = None
    counted: int | None = None


class _NotServedError(Exception):
    """The orchestrator uses something that this host does not serve; the text names it."""


def _parse_action(data: dict[str, Any]) -> Action:
    number = data["actionType"]
    if number not in set(ActionType):
        raise _NotServedError(_NOT_SERVED.get(number, f"the action type {number}"))
    if data.get("isCanceled"):
        raise _NotServedError("cancelling a timer")
    return Action(
        type=ActionType(number),
        name=data.get("functionName", ""),
        input=data.get("input"),
        fire_at=data.get("fireAt", ""),
        children=tuple(_parse_action(child) for child in data.get("compoundActions", ())),
    )


def _parse_state(text: str) -> Response:
    data = json.loads(text)
    lists = data["actions"]
    if len(lists) != 1 or data.get("schemaVersion") is None:
        return Response(fault="The SDK answered in an older schema than this host speaks.")
    if data.get("customStatus") is not None:
        raise _NotServedError("set_custom_status")
    return Response(
        done=bool(data["isDone"]),
        actions=tuple(_parse_action(action) for action in lists[0]),
        output=data.get("output"),
        error=data.get("error"),
    )


def parse_response(returned: str | None, raised: BaseException | None, stack: str = "") -> Response:
    """Parse what a call returned or raised. ``stack`` is the traceback's text. Never raises."""
    text = returned if raised is None else str(raised)
    if raised is not None:
        _, label, text = str(raised).partition(ERROR_LABEL)
        if not label:
            kind = type(raised).__name__
            cause = f"Result: Failure\nException: {kind}: {raised}\nStack: {stack}"
            return Response(fault=f"One or more errors occurred. ({cause})")
    try:
        return _parse_state(text or "")
    except _NotServedError as what:
        return Response(fault=f"devhost does not serve {what}. Use 'func start' for this orchestration.")
    except (ValueError, KeyError, TypeError, IndexError) as problem:
        return Response(fault=f"The orchestrator's answer cannot be read: {type(problem).__name__}: {problem}")
