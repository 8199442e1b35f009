"""Ending an audit that could not get to its report as failed, with the reason."""

import logging
from typing import NotRequired

import azure.durable_functions as df

from activities.step import AuditRequest, EndedResult, Refusal, ended_result, folder_of, run_body
from adapters.redaction import redacted
from adapters.services import Services
from reconciliation.errors import RunStoreError
from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.fail")


class FailRequest(AuditRequest):
    """The audit, the step that failed, and why; ``runtime`` is the Durable runtime's error, if any."""

    step: str
    error: str
    runtime: NotRequired[str]


async def fail_audit(request: FailRequest, services: Services) -> EndedResult:
    """End the audit as failed, unless it has ended already. The error is stored without secrets."""
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
    return ended_result(services, before=record, ended=ended)


@bp.activity_trigger(input_name="request")
async def fail(request: FailRequest) -> EndedResult | Refusal:
    return await run_body(fail_audit, request)
