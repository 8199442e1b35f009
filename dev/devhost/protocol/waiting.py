"""When messages may wait in the inbox: a host need not call the SDK where user code could not go on."""

from collections.abc import Iterable

from dev.devhost.protocol import events as ev
from dev.devhost.protocol.answers import Action, ActionType
from dev.devhost.protocol.events import Event
from dev.devhost.protocol.shadow import Machine, Step


def _only_all(action: Action) -> bool:
    return action.type is not ActionType.WHEN_ANY and all(_only_all(child) for child in action.children)


def awaited_ids(machine: Machine, listed: int) -> frozenset[int] | None:
    """The ids a plain WhenAll still waits for, or None where every message must wake the SDK at once.

    While they succeed one by one and some are missing, user code cannot go on, so the SDK need not be called: see
    `may_wait`. A failure among them ends the SDK's task_all early, after that every message counts.
    """
    if machine.suspended or machine.blocked or machine.current is None or machine.current.done:
        return None
    action = machine.actions[machine.position - 1]
    if machine.position < listed or machine.current_failed or not _only_all(action):
        return None
    own = {i for i, leaf in machine.open.items() if leaf.root == machine.position}
    retrying = any(machine.open[i].step is not Step.ACTIVITY and machine.open[i].step is not Step.CHILD for i in own)
    return None if retrying or machine.waits_for_events else frozenset(own)


def may_wait(awaiting: frozenset[int], messages: Iterable[Event]) -> bool:
    """Whether these messages can stay in the inbox: successes of awaited tasks, and not yet all of them."""
    ids = set()
    for message in messages:
        task_id = ev.completed_task(message)
        if message["EventType"] not in ev.SUCCESSES or task_id not in awaiting:
            return False
        ids.add(task_id)
    return len(ids) < len(awaiting)
