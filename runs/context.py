"""The services and the Durable client, for everything that starts, watches and ends audits."""

from dataclasses import dataclass
from typing import Any

import azure.durable_functions as df

from adapters.services import Services
from adapters.telemetry import tell_end
from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome
from reconciliation.run_record import RunRecord
from runs.state import Orchestration, current_state


@dataclass(frozen=True)
class Context:
    """The app's services, and the client of the Durable runtime."""

    services: Services
    client: Any

    async def orchestration(self, audit_id: str) -> Orchestration:
        """The state of an audit's orchestration in the Durable runtime."""
        status = await self.client.get_status(audit_id)
        runtime = status.runtime_status if status else None
        if runtime is None:
            return Orchestration.UNKNOWN
        if runtime is df.OrchestrationRuntimeStatus.Pending:
            return Orchestration.WAITING
        working = {df.OrchestrationRuntimeStatus.Running, df.OrchestrationRuntimeStatus.ContinuedAsNew}
        return Orchestration.WORKING if runtime in working else Orchestration.ENDED

    async def state(self, record: RunRecord) -> State:
        """The state that the API shows: the record's own once it has ended, otherwise ``current_state``."""
        if record.state.has_ended:
            return record.state
        if record.is_of_old_layout:
            return State.INTERRUPTED
        return current_state(record, await self.orchestration(record.audit_id), self.services.now())

    async def give_up(self, record: RunRecord, why: str) -> RunRecord:
        """End an audit that nobody works on as failed; returns its record, which keeps an earlier end."""
        reached = await self.services.reached(record)
        given_up = record.ended(State.FAILED, self.services.now(), outcome=Outcome.FAILED, reached=reached, error=why)
        ended = await self.services.records.end(given_up)
        if ended == given_up:
            tell_end(ended)
        return ended
