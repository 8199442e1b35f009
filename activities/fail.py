"""The way out: an audit that could not get to its report ends as failed, and says why."""

import logging
from typing import NotRequired

import azure.durable_functions as df

from activities.step import AuditRequest, EndedAnswer, Refusal, answered, ended_answer, folder_of
from adapters.redaction import redacted
from adapters.services import Services
from reconciliation.errors import RunStoreError
from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.fail")


class FailRequest(AuditRequest):
    """The audit, the step that could not be done, and why; and what the Durable runtime said of it, if it did."""

    step: str
    error: str
    runtime: NotRequired[str]


async def fail_audit(request: FailRequest, services: Services) -> EndedAnswer:
    """End the audit as failed, unless it has ended already. The text is kept without secrets."""
    audit_id = request["audit_id"]
    record = await services.records.record_in(folder_of(request))
    if record is None:
        raise RunStoreError(f"There is no audit {audit_id} in {services.records.where} to end.")
    error = redacted(request["error"])
    reached = await services.reached(record)
    failed = record.ended(State.FAILED, services.now(), outcome=Outcome.FAILED, reached=reached, error=error)
    ended = await services.records.end(failed)
    runtime = redacted(request.get("runtime") or "nothing")
    logger.error("Audit %s failed in step %s: %s The runtime says: %s", audit_id, request["step"], error, runtime)
    return ended_answer(services, before=record, ended=ended)


@bp.activity_trigger(input_name="request")
async def fail(request: FailRequest) -> EndedAnswer | Refusal:
    """The activity."""
    return await answered(fail_audit, request)
