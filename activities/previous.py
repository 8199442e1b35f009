"""The audit to compare with: the last one before it that was completed and asked the same of the same storage."""

import logging

from adapters.services import Services
from adapters.store.documents import ODD
from adapters.store.records import UnreadableAudit
from reconciliation.errors import RunStoreError
from reconciliation.lifecycle import State
from reconciliation.report.document import ReportReader
from reconciliation.report.model import SCHEMA_VERSION
from reconciliation.rules import Severity
from reconciliation.run_record import RunRecord
from reconciliation.since_last import Known, Previous, same_question
from reconciliation.times import from_text

logger = logging.getLogger("capture_audit.previous")

_MOST_LOOKED_AT = 200


async def previous_audit(services: Services, record: RunRecord) -> Previous | None:
    """Looks through the newest audits, as far as it must; None if there is none to compare with.

    One whose record or report is not there any more, or cannot be read (another release wrote it), is passed over.
    """
    looked_at, audited = 0, services.audited(services.profile_of(record))
    async for other in services.records.newest_first(record.parameters.profile, but=record.folder):
        looked_at += 1
        if looked_at > _MOST_LOOKED_AT:
            break
        if isinstance(other, UnreadableAudit):
            continue
        earlier = other.begun < record.begun and other.state is State.COMPLETED
        if not earlier or not same_question(other.parameters, record.parameters) or not audited.is_in(other.summary):
            continue
        try:
            return await _read(services, other)
        except (*ODD, RunStoreError) as error:
            kind = type(error).__name__
            logger.warning("The report of audit %s cannot be compared with: %s: %s", other.audit_id, kind, error)
    return None


async def _read(services: Services, record: RunRecord) -> Previous:
    reader, findings = ReportReader(), set[Known]()
    async for lines in services.store.reports.lines(record.folder):
        findings |= {
            Known(finding["subject"]["kind"], finding["subject"]["id"], finding["verdict"])
            for finding in reader.read(lines)
            if finding["severity"] != Severity.INFO.value
        }
    if not reader.complete or reader.head["schema_version"] != SCHEMA_VERSION:
        raise ValueError("it was cut short, or has another schema")
    as_of = from_text(reader.head["audit"]["as_of"])
    return Previous(record.audit_id, as_of, record.parameters.mode, frozenset(findings))
