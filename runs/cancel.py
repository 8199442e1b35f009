"""Ending an audit on request."""

from adapters.telemetry import tell_end
from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome
from reconciliation.run_record import RunRecord
from runs.context import Context
from runs.refusals import nothing_to


async def cancel(context: Context, record: RunRecord) -> RunRecord:
    """End an audit that has not ended, and its orchestration. Raises ``RefusedError`` if it has."""
    services = context.services
    while not record.state.has_ended:  # it may be begun again in this moment; then that beginning is cancelled
        reached, at, why = await services.reached(record), services.now(), "Cancelled on request."
        cancelled = record.ended(State.CANCELLED, at, outcome=Outcome.FAILED, reached=reached, error=why)
        record = await services.records.end(cancelled)
        if record.state is State.CANCELLED:
            if record == cancelled:
                tell_end(record)
            # The record is what counts; an orchestration that has just ended by itself cannot be terminated.
            if (await context.orchestration(record.audit_id)).is_open:
                await context.client.terminate(record.audit_id, "cancelled on request")
            return record
    raise nothing_to("cancel", record.audit_id, record.state)
