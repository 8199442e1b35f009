"""Cancelling an audit."""

from adapters.telemetry import tell_end
from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome
from reconciliation.run_record import RunRecord
from runs.context import Context
from runs.refusals import nothing_to


async def cancel(context: Context, record: RunRecord) -> RunRecord:
    """End an audit and its orchestration. Raises ``RefusedError`` if the audit has ended."""
    services = context.services
    while not record.state.has_ended:  # if it is resumed meanwhile, that attempt is cancelled
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
