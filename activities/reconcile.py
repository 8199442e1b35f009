"""Step 5, the fan-in: rows beside evidence, verdicts, coverage, and the canonical report."""

import logging
import sys
from collections.abc import AsyncIterator
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.absences import list_again, open_again
from activities.answers import Refusal, answered
from activities.audits import AuditRequest, running
from activities.in_order import InOrder
from activities.previous import previous_audit
from activities.second_look import look_again
from activities.spools import Spools
from adapters.run_store import RunStore
from adapters.services import Services
from profiles.pre_capture_sessions.absences import refuse_wrong_account
from profiles.pre_capture_sessions.candidates import Candidate, RegisteredRecording
from profiles.pre_capture_sessions.conclusion import Conclusion
from profiles.pre_capture_sessions.evidence import ContainerEvidence, Record
from profiles.pre_capture_sessions.first_look import FirstLook, OneName
from profiles.pre_capture_sessions.notes import notes_of
from reconciliation.plan import Plan
from reconciliation.report.model import AuditHeader, build_head
from reconciliation.run_record import RunRecord
from reconciliation.since_last import Known, change_of, compare
from reconciliation.tally import Result

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.reconcile")

_BEHIND_ALL = chr(sys.maxunicode)


class ReconcileAnswer(TypedDict):
    """The canonical report is in the run store."""

    ok: Literal[True]


async def reconcile_audit(request: AuditRequest, services: Services) -> ReconcileAnswer:
    """Judge everything and write report.json; a report of this attempt that is already there is kept.

    Raises ``WrongAccountError`` if storage has almost nothing of what the rows speak of, and ``AssertionError`` if
    anything does not add up; nothing is written then.
    """
    audit_id, store = request["audit_id"], services.store
    record = await running(services.records, audit_id)
    if not await store.has_report_of(audit_id, record.attempt):
        plan = await store.planned(audit_id)
        profile, parameters = services.profile_of(record), record.parameters
        clock = plan.clock(parameters, services.now(), services.settings.clock_tolerance)
        first = FirstLook(profile, parameters, clock, listed=plan.listed, skipped=plan.skipped)
        with Spools(clock, profile.kinds[0].name) as spools:
            relisted = await list_again(audit_id, first, services)
            await take_storage(store, audit_id, plan, first, relisted=relisted)
            if not services.settings.allow_mostly_missing:
                refuse_wrong_account(first, profile.storage, profile.database)
            await open_again(first, services)
            async for candidates in store.rows(audit_id, "candidates", Candidate.from_json):
                for candidate in candidates:
                    if (verdict := first.take_session(candidate)) is not None:
                        spools.count(verdict, candidate.session_id)
            await conclude(services, record, first, spools)
        logger.info("Audit %s: %s", audit_id, dict(first.tally.severities))
    return {"ok": True}


async def take_storage(store: RunStore, audit_id: str, plan: Plan, first: FirstLook, *, relisted: bool) -> None:
    """Take in what all shards saw, beside both listings and the rows that register containers: streams that ascend by
    name. ``relisted``: there is a second listing.
    """
    again = InOrder(store.relisted_names(audit_id), str) if relisted else None
    rows = InOrder(store.rows(audit_id, "registered", RegisteredRecording.from_json), lambda row: row.recording_id)
    records = InOrder(_records(store, audit_id, plan), lambda record: record.unit)

    async def take(names: set[str], last: str) -> None:
        listed_again = set(await again.upto(last)) if again else None
        seen = {record.unit: record for record in await records.upto(last)}
        known = {row.recording_id: row for row in await rows.upto(last)}
        for name in names | known.keys() | (listed_again or set()):
            is_listed_again = None if listed_again is None else name in listed_again
            first.take(OneName(name, name in names, is_listed_again, seen.get(name), known.get(name)))

    async for names in store.container_names(audit_id):
        await take(set(names), names[-1])
    await take(set(), _BEHIND_ALL)
    first.coverage.check()


async def _records(store: RunStore, audit_id: str, plan: Plan) -> AsyncIterator[list[Record]]:
    for planned in plan.shards:
        records = await store.shard_records(audit_id, planned, ContainerEvidence.from_json)
        if records:
            yield records


async def conclude(services: Services, record: RunRecord, first: FirstLook, spools: Spools) -> None:
    """Look again at what is in doubt, judge it for good, compare with the previous audit, and write the report."""
    profile, parameters = first.profile, first.parameters
    second = await look_again(first, services)
    previous = await previous_audit(services, record)
    now: list[Known] = []
    conclusion = Conclusion(first, second)
    for finding in conclusion.findings():
        known = finding.known
        spools.add(finding, None if known is None else change_of(previous, known, profile.shows))
        if known is not None:
            now.append(known)
    for verdict, session_id in conclusion.counted_sessions:
        spools.count(verdict, session_id)
    first.coverage.gaps += conclusion.gaps
    looked_twice = second.complete and not conclusion.unresolved
    complete = first.coverage.is_complete and looked_twice
    since_last = compare(previous, now, profile.shows, mode=parameters.mode, complete=complete)
    result = Result(first.coverage, first.tally, parameters.mode, since_last, looked_twice)
    header = AuditHeader(
        record.audit_id,
        parameters,
        record.created_at,
        first.clock,
        services.audited(profile),
        resumes=record.resumes,
        runbook_url=services.settings.runbook_url,
        look_up=spools.cases.look_up(profile),
    )
    letters = await services.store.dead_letters(record.audit_id)
    notes = list(notes_of(first, second))
    head = build_head(header, profile, result, letters, notes, generated_at=services.now())

    async def chunks() -> AsyncIterator[bytes]:
        for chunk in spools.document(head):
            yield chunk

    await services.store.write_report(record.audit_id, "json", chunks(), record.attempt)


@bp.activity_trigger(input_name="request")
async def reconcile(request: AuditRequest) -> ReconcileAnswer | Refusal:
    """The activity."""
    return await answered(reconcile_audit, request)
