"""Two ways in which the SDK and a real host disagree. An app that meets one hangs or mixes up its results there.

1. ``task_any`` over an already scheduled task and a new one: the host only waits for the new one.
2. ``task_all`` over retries where one fails for good, the error is caught and something else is awaited while others
   still retry: both sides count task ids differently from then on.

This host finds them and fails the instance, instead of repairing what would break in production.
"""

from collections.abc import Mapping

from dev.devhost.protocol.answers import Answer
from dev.devhost.protocol.shadow import Machine, Step

KINDS = {
    "CallActivityAction": Step.ACTIVITY,
    "CallActivityWithRetryAction": Step.ACTIVITY,
    "CallSubOrchestratorAction": Step.CHILD,
    "CallSubOrchestratorWithRetryAction": Step.CHILD,
    "CreateTimerAction": Step.TIMER,
    "-WithRetry timer": Step.RETRY_TIMER,
    "rescheduled task": Step.RETRY_ATTEMPT,
}
"""The SDK's action class names (or, for its anonymous actions, their remarks) and what they stand for."""


def drifted_ids(machine: Machine, sdk_tasks: Mapping[int, str]) -> str | None:
    """Hazard 2: an id that both sides hold open, but for different things. Returns the text to fail with."""
    if machine.suspended:
        return None
    for task_id, leaf in machine.open.items():
        kind = KINDS.get(sdk_tasks.get(task_id, ""))
        if kind is not None and kind is not leaf.step:
            return (
                f"devhost stopped this instance, hazard 2 (task ids drift apart): task {task_id} is a "
                f"{leaf.step.value} for the host and a {kind.value} for the SDK. A task_all over retries failed, the "
                "error was caught, and something else was awaited while other tasks of it were still retrying. On a "
                "real host results now go to the wrong tasks. Await every task of the task_all before going on."
            )
    return None


def shut_gates(machine: Machine, answer: Answer) -> str | None:
    """Hazard 1: the SDK has gone on (or is done) while the host waits for something that nothing will complete."""
    went_on = answer.done or answer.error is not None or machine.position < len(answer.actions)
    stuck = machine.current is not None and not machine.current.done and not machine.open
    if machine.suspended or machine.blocked is not None or not (went_on and stuck):
        return None
    return (
        "devhost stopped this instance, hazard 1 (the SDK is ahead of the host): a task_any was awaited over an "
        "already scheduled task and a new one, and the old one won (or one event answered several waits). A real host "
        "only waits for the new one, so this instance would stay Running for ever. Create the tasks of a task_any "
        "together, or await the old one by itself."
    )
