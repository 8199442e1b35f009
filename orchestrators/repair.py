"""The orchestrations of a repair: propose a plan, and apply an approved one.

As with audits, they decide nothing but what is done next, and the run store is the truth: one that is lost is started
again, and goes on from the ledger.
"""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any

import azure.durable_functions as df

from orchestrators.audit import StepFailedError, look_again, pause, scan, step
from orchestrators.settle import settled

bp = df.Blueprint()

MOST_ERROR_CHARACTERS = 1200
BETWEEN_GLANCES = timedelta(minutes=5)
"""How often a repair that waits looks whether it is to stop."""
Work = Generator[Any, Any, Any]


def proposal(context: Any) -> Work:
    """Look at the subjects of a repair and make its plan. The input is ``{"profile", "repair_id", "undoes"}``: an undo
    rests on a ledger, and needs no look.
    """
    given = context.get_input()
    yield from propose(context, given)
    return {"repair_id": given["repair_id"]}


def propose(context: Any, given: dict[str, Any]) -> Work:
    """Look, and make the plan; a failure ends the repair as failed."""
    request = {"profile": given["profile"], "repair_id": given["repair_id"]}
    try:
        if not given.get("undoes"):
            yield from look(context, request, 1)
        proposed = yield from step(context, "propose", {**request, "look": 1})
        yield from tell(context, request, proposed)
    except StepFailedError as failure:
        yield from failed(context, request, failure, [])


def repair(context: Any) -> Work:
    """Apply an approved plan, look at what was changed at once and once more later, and end: the audited service writes
    whole rows from memory, and can put an old status back.

    The input is ``{"profile", "repair_id", "looks", "undoes", "second_look_seconds", "notify"}``: how many looks were
    taken before, by the proposal or by an orchestration that was lost.
    """
    return (yield from apply(context, context.get_input()))


def apply(context: Any, given: dict[str, Any]) -> Work:
    """Do the steps of an approved repair; returns its id and state."""
    request = {"profile": given["profile"], "repair_id": given["repair_id"]}
    number, after = given["looks"], list[int]()
    yield from tell(context, request, given)
    try:
        while True:
            number += 1
            if not given.get("undoes"):
                yield from look(context, request, number)
            applied = yield from step(context, "apply", {**request, "look": number})
            if applied["then"] == "verify":
                break
            if applied["until"] is not None:
                yield from wait(context, request, datetime.fromisoformat(applied["until"]))
        for pause in (timedelta(), timedelta(seconds=given["second_look_seconds"])):
            if pause:
                yield context.create_timer(context.current_utc_datetime + pause)
            number += 1
            yield from look(context, request, number)
            yield from step(context, "verify", {**request, "look": number})
            after.append(number)
        ended = yield from step(context, "end_repair", {**request, "state": applied["state"], "looks": after})
        yield from tell(context, request, ended)
    except StepFailedError as failure:
        ended = yield from failed(context, request, failure, after)
    return {"repair_id": request["repair_id"], "state": ended["state"]}


def wait(context: Any, request: dict[str, Any], until: datetime) -> Work:
    """Wait for the end of closed hours, or until somebody asks the repair to stop."""
    while context.current_utc_datetime < until:
        waiting = yield from step(context, "defer", {**request, "until": until.isoformat()})
        if waiting["stop"]:
            return
        yield context.create_timer(min(until, context.current_utc_datetime + BETWEEN_GLANCES))


def look(context: Any, request: dict[str, Any], number: int) -> Work:
    """Audit the subjects of a repair up to the second look; what it has read is judged by the step that needs it."""
    begun = yield from step(context, "begin_look", {**request, "look": number})
    audit = {"profile": request["profile"], "audit_id": begun["audit_id"]}
    for run in range(begun["pulls"]):
        yield from step(context, "pull", {**audit, "run": run})
    plan = yield from step(context, "plan", audit)
    failed = yield from scan(context, audit, list(range(plan["shards"])), plan["max_passes"])
    if failed:
        yield from step(context, "keep_dead_letters", {**audit, "failed": failed})
    screened = yield from step(context, "screen", audit)
    yield from pause(context, screened)
    yield from look_again(context, audit, screened["shards"])


def failed(
    context: Any, request: dict[str, Any], failure: StepFailedError, looks: list[int], state: str = "failed"
) -> Work:
    """End a repair by a failure, with the looks that were taken after its changes."""
    error = str(failure)[:MOST_ERROR_CHARACTERS]
    ended = yield from step(context, "end_repair", {**request, "state": state, "looks": looks, "error": error})
    yield from tell(context, request, ended)
    return ended


def tell(context: Any, request: dict[str, Any], of: dict[str, Any]) -> Work:
    """Notify people of where the repair is, if ``of`` says so; that it cannot be done changes nothing."""
    if of["notify"]:
        yield from settled(context, [context.call_activity("tell_of_repair", request)])


bp.orchestration_trigger(context_name="context")(proposal)
bp.orchestration_trigger(context_name="context")(repair)
