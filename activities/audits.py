"""The audit that an activity works for."""

from typing import Literal, TypedDict

from adapters.audit_records import AuditRecords
from reconciliation.errors import RunStoreError
from reconciliation.run_record import RunRecord


class AuditRequest(TypedDict):
    """The request of a step that finds all it needs in the audit's folder."""

    audit_id: str


class EndedAnswer(TypedDict):
    """The answer of a step that ends the audit."""

    ok: Literal[True]
    state: str
    outcome: str


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
