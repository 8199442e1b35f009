"""The record of the audit that an activity works for."""

from adapters.audit_records import AuditRecords
from reconciliation.errors import RunStoreError
from reconciliation.run_record import RunRecord


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
