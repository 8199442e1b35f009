"""The walk along an action list: what is to be scheduled by now, under which ids, and what is still waited for.

The SDK's response is a list of actions without ids; completions carry ids. Both sides number the activities and timers
of the list from 0, in its order. An action is scheduled when all of the one before it has ended, failed or not.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from dev.devhost.protocol.events import Event, Kind, completed_task
from dev.devhost.protocol.responses import Action, ActionType


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Work under its task id. ``kind`` is the type of the history event that records it."""

    id: int
    kind: Kind
    name: str = ""
    input: str | None = None
    fire_at: str = ""


@dataclass(frozen=True, slots=True)
class Walk:
    """How far a list can be walked.

    ``through``: it has been walked to its end and nothing is open. ``unknown`` is the name of an activity that the app
    does not have: the walk goes no further. ``awaiting`` are the ids without which user code cannot go on, whatever
    other successes come in; None where it may go on earlier (after a failure a ``task_all`` is over for the SDK).
    """

    scheduled: tuple[Scheduled, ...]
    through: bool = False
    unknown: str | None = None
    awaiting: frozenset[int] | None = None


def walk(actions: tuple[Action, ...], events: Iterable[Event], activities: frozenset[str]) -> Walk:
    """Walk the list as far as the completions in ``events`` allow. ``activities``: registered names in lower case."""
    ended = {completed_task(event): event["EventType"] for event in events}
    scheduled: list[Scheduled] = []
    for position, action in enumerate(actions, 1):
        first = len(scheduled)
        for leaf in action.leaves():
            if leaf.type is ActionType.CALL_ACTIVITY and leaf.name.lower() not in activities:
                return Walk(tuple(scheduled), unknown=leaf.name)
            scheduled.append(_scheduled(len(scheduled), leaf))
        own = range(first, len(scheduled))
        missing = frozenset(own) - ended.keys()
        if missing:
            went_on = position < len(actions) or any(ended.get(task_id) == Kind.TaskFailed for task_id in own)
            return Walk(tuple(scheduled), awaiting=None if went_on else missing)
    return Walk(tuple(scheduled), through=True)


def _scheduled(task_id: int, leaf: Action) -> Scheduled:
    if leaf.type is ActionType.CREATE_TIMER:
        return Scheduled(task_id, Kind.TimerCreated, fire_at=leaf.fire_at)
    return Scheduled(task_id, Kind.TaskScheduled, leaf.name, leaf.input)
