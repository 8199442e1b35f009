"""The audit to compare with: the last completed one before it with the same question."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from activities.step import Job
from adapters.services import Services
from adapters.store.documents import ODD
from reconciliation.errors import RunStoreError, UnreadableError
from reconciliation.profile import Profile
from reconciliation.question import question_of
from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_plan import Named
from reconciliation.rules import Severity
from reconciliation.since_last import Known, Previous, SinceLast
from reconciliation.times import from_text
from reporting.document import ReportReader
from reporting.model import COMPARABLE_VERSIONS

logger = logging.getLogger("capture_audit.previous")

_LONGEST_REPAIR = timedelta(days=9)
"""A repair that was proposed earlier than this before an audit had ended by then: plans last a week at most."""


async def previous_audit(job: Job) -> Previous | None:
    """None if there is none. An audit whose report was deleted or cannot be read (another release wrote it) is skipped
    with a warning in the log.
    """
    services, record, profile = job
    question = question_of(record.parameters, services.audited(profile), profile.compared_apart)
    completed = await services.store.questions.completed(profile.name, question)
    for audit_id in completed.before(record.begun):
        try:
            return await _read(services, profile, audit_id)
        except (*ODD, RunStoreError) as error:
            kind = type(error).__name__
            logger.warning("The report of audit %s cannot be compared with: %s: %s", audit_id, kind, error)
    return None


async def with_repairs(job: Job, since: SinceLast) -> SinceLast:
    """The comparison, with the repairs that have changed what was resolved; they are read only if anything was."""
    if since.previous is None or not since.resolved or not job.profile.repairs:
        return since
    repaired = await _repaired(job.services, job.profile.name, since.previous.as_of)
    return replace(since, previous=replace(since.previous, repaired=repaired))


async def _read(services: Services, profile: Profile, audit_id: str) -> Previous:
    reader, findings = ReportReader(), set[Known]()
    services.store.recent.drop_audit(f"{profile.name}/{audit_id}")
    async for lines in services.store.reports.lines(f"{profile.name}/{audit_id}"):
        findings |= {
            Known(finding["subject"]["kind"], finding["subject"]["id"], finding["verdict"])
            for finding in reader.read(lines)
            if finding["severity"] != Severity.INFO.value
        }
    if not reader.complete or reader.head["schema_version"] not in COMPARABLE_VERSIONS:
        raise ValueError("it was cut short, or has another schema")
    as_of, mode = from_text(reader.head["audit"]["as_of"]), str(reader.head["parameters"]["mode"])
    return Previous(audit_id, as_of, mode, frozenset(findings))


async def _repaired(services: Services, profile: str, since: datetime) -> dict[Named, str]:
    """Which repair has changed what since a moment, and was not taken back; the newest of several. One that cannot be
    read is left out, with a warning in the log.
    """
    found: dict[Named, str] = {}
    repairs = services.store.repairs
    async for record in repairs.newest_first(profile):
        if isinstance(record, UnreadableError):
            logger.warning("What a repair has changed is not known: %s", record)
            continue
        if record.created_at < since - _LONGEST_REPAIR:
            break
        if record.ended_at is not None and record.ended_at <= since:
            continue
        if not record.counts.get("done") or record.undoes is not None or record.state is RepairState.UNDONE:
            continue
        try:
            stored, ledger = await repairs.plan(record), await repairs.ledger(record)
        except UnreadableError as error:
            logger.warning("What a repair has changed is not known: %s", error)
            continue
        for one in stored.plan.changes if stored else ():
            if (at := ledger.applied_at(one)) is not None and at > since:
                found.setdefault(one.subject, record.repair_id)
    return found
