"""The audit to compare with: the last one before it that was completed and asked the same."""

from itertools import islice

from adapters.services import Services
from reconciliation.lifecycle import State
from reconciliation.report.document import ReportReader
from reconciliation.run_record import RunRecord
from reconciliation.since_last import Known, Previous, same_question
from reconciliation.times import from_text
from reconciliation.verdicts import Severity

_MOST_LOOKED_AT = 200


async def previous_audit(services: Services, record: RunRecord) -> Previous | None:
    """Looks through the newest audits; None if there is none to compare with, or its report is not there any more."""
    ids = [audit_id for audit_id in await services.records.audit_ids() if audit_id < record.audit_id]
    for audit_id in islice(ids, _MOST_LOOKED_AT):
        other = await services.records.record(audit_id)
        if other is None or other.state is not State.COMPLETED:
            continue
        if same_question(other.parameters, record.parameters) and await services.store.has_report(audit_id, "json"):
            return await _read(services, other)
    return None


async def _read(services: Services, record: RunRecord) -> Previous:
    reader, findings = ReportReader(), set[Known]()
    async for lines in services.store.report_lines(record.audit_id):
        findings |= {
            Known(finding["subject"]["kind"], finding["subject"]["id"], finding["verdict"])
            for finding in reader.read(lines)
            if finding["severity"] != Severity.INFO.value
        }
    as_of = from_text(reader.head["audit"]["as_of"])
    return Previous(record.audit_id, as_of, record.parameters.mode, frozenset(findings))
