"""The orchestration of a scheduled audit whose profile has a policy: the audit, then the repair of what it has found.

The repair is that of ``repair``, but for its approval. If this orchestration is lost, the next scheduled audit finds
the same; with a repair that was approved the watchdog goes on.
"""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

from orchestrators.audit import StepFailedError, audited, step
from orchestrators.repair import apply, failed, propose, tell

bp = df.Blueprint()

LOOKS_OF_PROPOSAL = 1
Work = Generator[Any, Any, Any]


def recovery(context: Any) -> Work:
    """Audit, and repair what the policy approves. The input is that of ``audit``; returns id, state and outcome of the
    audit, and the id of the repair, None if there is none.
    """
    ended = yield from audited(context)
    given, repair_id = context.get_input(), None
    request = {"profile": given["profile"], "audit_id": given["audit_id"]}
    if ended.get("for_policy"):
        repair_id = yield from recover(context, request)
    return {**request, "state": ended["state"], "outcome": ended["outcome"], "repair_id": repair_id}


def recover(context: Any, audit: dict[str, Any]) -> Work:
    """Begin a repair, make its plan, have the policy decide about it, and apply it; returns its id. A failure costs the
    repair, and never the audit, which has ended.
    """
    try:
        begun = yield from step(context, "begin_recovery", audit)
    except StepFailedError:  # the log has it, and the next audit tries again
        return None
    if begun["repair_id"] is None:
        return None
    request = {"profile": audit["profile"], "repair_id": begun["repair_id"]}
    yield from propose(context, request)
    try:
        decided = yield from step(context, "approve_by_policy", request)
    except StepFailedError as failure:
        yield from failed(context, request, failure, [], "rejected")
        return begun["repair_id"]
    yield from tell(context, request, decided)
    if decided["approved"]:
        pause = decided["second_look_seconds"]
        given = {**request, "looks": LOOKS_OF_PROPOSAL, "second_look_seconds": pause, "notify": False}
        yield from apply(context, given)
    return begun["repair_id"]


bp.orchestration_trigger(context_name="context")(recovery)
