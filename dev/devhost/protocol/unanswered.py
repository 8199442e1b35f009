"""What a host says of an orchestrator that was called and never answered, because its worker process died."""

from collections.abc import Iterable

from dev.devhost.protocol import events as ev
from dev.devhost.protocol.events import Event, Kind

_KINDS = {
    Kind.TaskScheduled: "an activity task",
    Kind.TimerCreated: "a timer task",
    Kind.SubOrchestrationInstanceCreated: "a sub-orchestration task",
}


def unanswered(name: str, history: Iterable[Event]) -> str:
    """The error of the instance.

    No answer is taken for an empty one, so that the first task of the history looks like one that the code does not ask
    for any more; the text misleads on the real host, too. An execution without a task fails with the bare reason.
    """
    scheduled = next((event for event in history if event["EventType"] in ev.SCHEDULING), None)
    if scheduled is None:
        return f"Exception while executing function: Functions.{name} python exited with code 137"
    return (
        f"Non-Deterministic workflow detected: A previous execution of this orchestration scheduled "
        f"{_KINDS[Kind(scheduled['EventType'])]} with sequence ID {scheduled['EventId']} and name "
        f"'{scheduled.get('Name', '')}' (version ''), but the current replay execution hasn't (yet?) scheduled this "
        "task. Was a change made to the orchestrator code after this instance had already started running?"
    )
