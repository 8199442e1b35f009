"""The audit that an activity works for."""

from typing import Literal, TypedDict

from adapters.audit_records import AuditRecords
from adapters.services import Services
from adapters.telemetry import tell_end
from reconciliation.errors import RunStoreError
from reconciliation.lifecycle import State
from reconciliation.run_record import RunRecord


class AuditRequest(TypedDict):
    """The request of a step that finds all it needs in the audit's folder."""

    audit_id: str


class EndedAnswer(TypedDict):
    """The answer of a step that ends the audit; ``notify`` if people want to be told of such an end."""

    ok: Literal[True]
    state: str
    outcome: str
    notify: bool


async def running(records: AuditRecords, audit_id: str) -> RunRecord:
    """The record of an audit that has not ended.

    Raises ``RunStoreError`` if there is none, or if it has ended: a cancelled audit's queued work is not done.
    """
    record = await records.record(audit_id)
    if record is None:
        raise RunStoreError(f"There is no audit {audit_id} in {records.where}. Start a new audit.")
    if record.state.has_ended:
        raise RunStoreError(f"Audit {audit_id} has ended ({record.state}); nothing more is done for it.")
    return record


def ended_answer(services: Services, *, before: RunRecord, ended: RunRecord) -> EndedAnswer:
    """The answer of a step that ends the audit, told of as an event unless the audit had ended before.

    People are told also when the step is done a second time: its first answer was lost with its worker. Nobody is told
    of what was cancelled.
    """
    word = "unknown" if ended.outcome is None else ended.outcome.word
    if not before.state.has_ended and ended.state.has_ended:
        tell_end(ended)
    return {
        "ok": True,
        "state": ended.state.value,
        "outcome": word,
        "notify": ended.state is not State.CANCELLED and services.settings.notifies_of(word),
    }
