"""What is in doubt gets its verdict, by what was read again; and the canonical report is written."""

import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.joined import groups
from activities.previous import previous_audit
from activities.screen import audit_of, links_and_asked, places_of, take
from activities.second_look import second_look
from activities.spools import Spools
from activities.step import AuditRequest, Job, Refusal, answered, running
from adapters.services import Services
from reconciliation.errors import RunStoreError
from reconciliation.judging import Judged, judge_doubts, summed, with_gaps
from reconciliation.looks import Audit, Doubt
from reconciliation.notes import notes_of
from reconciliation.plan import Plan
from reconciliation.report.model import AuditHeader, build_head
from reconciliation.screened import FirstLook, Screening, judged_with, verdicts_of

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.judge")


class JudgeAnswer(TypedDict):
    """The canonical report is in the run store."""

    ok: Literal[True]


async def judge_audit(request: AuditRequest, services: Services) -> JudgeAnswer:
    """Judge everything in doubt and write report.json; a report of this attempt that is already there is kept.

    Raises ``AssertionError`` if anything does not add up; nothing is written then.
    """
    record = await running(request, services)
    job = Job(services, record, services.profile_of(record))
    if not await services.store.reports.is_of(record.folder, record.attempt):
        screening = await services.store.attempts.screened(record.attempt_folder)
        if screening is None:
            raise RunStoreError(f"Audit {record.audit_id} was not screened. Resume the audit.")
        with Spools(screening.now, job.profile.kinds[0].name) as spools:
            await _judge(job, screening, spools)
    return {"ok": True}


async def _judge(job: Job, screening: Screening, spools: Spools) -> None:
    services, profile, attempt = job.services, job.profile, job.record.attempt_folder
    plan = await services.store.plans.known(job.record.folder)
    before = judged_with(audit_of(job, plan), screening)
    again = await second_look(job, before, screening)
    before = replace(before, databases=again.databases)
    audit, doubts = with_gaps(before, profile.gaps(again.doubts, before)), again.doubts
    joins = [join.name for join in profile.joins]
    verdicts = verdicts_of(screening, profile)
    if before.coverage.is_complete and not audit.coverage.is_complete and profile.scan is not None:
        # What was in order as long as nothing could have been overlooked is screened by what is known now.
        look, doubts = await _screened_anew(job, plan, audit, again.doubts)
        joins = [profile.scan.join]
        verdicts = {**{join: verdicts.get(join, {}) for join in joins}, **look.verdicts}
        for (_, verdict), ids in look.counted.items():
            spools.count(verdict, ids)
    if screening.kept_ids:
        async for lines in services.store.attempts.counted(attempt):
            for join, verdict, ids in lines:
                spools.count(verdict, ids if join in joins else ())
    previous = await previous_audit(job)
    judged = judge_doubts(profile, audit, doubts, summed(verdicts.values()), previous, complete=again.complete)
    await _write(job, audit, judged, spools)


async def _screened_anew(job: Job, plan: Plan, audit: Audit, doubts: Sequence[Doubt]) -> tuple[FirstLook, list[Doubt]]:
    """The joins behind the scan's, screened anew, and the doubts of all joins then."""
    scan, look = job.profile.scan, FirstLook(job.profile, audit)
    assert scan is not None
    of_scan = [doubt for doubt in doubts if doubt.join == scan.join]
    for doubt in of_scan:
        look.link(doubt.first, job.profile.screen(doubt.join, doubt.first, audit).links)
    known, more = {(doubt.join, doubt.first.key): doubt for doubt in doubts}, list[Doubt]()
    places = places_of(job, audit, plan)
    for join in job.profile.joins:
        if join.name == scan.join:
            continue
        async for portion in groups(job, places, join, partial(links_and_asked, look, join)):
            for held in portion:
                if (kept := take(look, join, held, of_scan=False)) is not None:
                    as_it_is = Doubt(kept.join, kept.group, kept.group)
                    more.append(known.get((kept.join, kept.group.key), as_it_is))
    return look, of_scan + more


async def _write(job: Job, audit: Audit, judged: Judged, spools: Spools) -> None:
    services, record, profile = job.services, job.record, job.profile
    for finding, change in judged.findings:
        spools.add(finding, change)
    for verdict, subject in judged.counted:
        spools.count(verdict, [subject])
    header = AuditHeader(
        record.audit_id,
        record.parameters,
        record.created_at,
        audit.clock,
        services.audited(profile),
        resumes=record.resumes,
        runbook_url=services.settings.runbook_url,
        look_up=spools.names.look_up(profile),
    )
    letters = await services.store.letters.all(record.folder) if audit.coverage.failed else []
    head = build_head(header, profile, judged.result, letters, list(_notes(job, audit)), generated_at=services.now())

    async def chunks() -> AsyncIterator[bytes]:
        for chunk in spools.document(head):
            yield chunk

    await services.store.reports.write(record.folder, "json", chunks(), record.attempt)
    logger.info("Audit %s: %s", record.audit_id, dict(judged.result.tally.severities))


def _notes(job: Job, audit: Audit) -> Iterator[str]:
    yield from job.profile.notes(audit)
    yield from notes_of(audit)


@bp.activity_trigger(input_name="request")
async def judge(request: AuditRequest) -> JudgeAnswer | Refusal:
    """The activity."""
    return await answered(judge_audit, request)
