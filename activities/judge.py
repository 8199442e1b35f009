"""Judge what is in doubt by the second look, and write the canonical report."""

import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.doubts import counted_from_json
from activities.first_look import AfterScan, audit_of, cleared, taken_in
from activities.previous import previous_audit
from activities.second_look import doubts_of, looked_again, looked_before, read_again
from activities.spools import Spools
from activities.step import AuditRequest, Job, Refusal, run_body, running
from adapters.services import Services
from reconciliation.errors import RunStoreError
from reconciliation.judging import Judged, judge_doubts, link_again, names_more, summed, with_gaps
from reconciliation.looks import Audit, Doubt
from reconciliation.notes import notes_of
from reconciliation.plan import Plan
from reconciliation.screened import DoubtKept, FirstLook, Screening, judged_with, verdicts_of
from reporting.model import AuditHeader, build_head

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.judge")


class JudgeResult(TypedDict):
    ok: Literal[True]


async def judge_audit(request: AuditRequest, services: Services) -> JudgeResult:
    """Judge everything in doubt and write report.json; an existing report of this attempt is kept.

    Raises ``AssertionError``, and writes nothing, if anything does not add up.
    """
    record, reports = await running(request, services), services.store.reports
    if record.is_first_attempt or not await reports.is_of(record.folder, record.attempt):
        job = Job(services, record, services.profile_of(record))
        screening = await services.store.attempts.screened(record.attempt_folder)
        if screening is None:
            raise RunStoreError(f"Audit {record.audit_id} was not screened. Resume the audit.")
        with Spools(screening.now, job.profile.kinds[0].name) as spools:
            await _judge(job, screening, spools)
    return {"ok": True}


async def _judge(job: Job, screening: Screening, spools: Spools) -> None:
    services, profile = job.services, job.profile
    plan = await services.store.plans.existing(job.record.folder)
    before = judged_with(audit_of(job, plan), screening)
    looked, complete = await looked_again(job, screening)
    by_units = [one.doubt(one.kept.group.rows) for one in looked]
    audit = with_gaps(before, profile.gaps(by_units, before))
    verdicts = _verdicts(job, screening)
    if audit.all_lost != before.all_lost or names_more(profile, by_units, audit):
        # The second look found new gaps or new links, which may put more in doubt: the first look is repeated.
        look = FirstLook(profile, cleared(job, plan, audit))
        looked = looked_before(await _taken_in_again(job, look, plan, screening, by_units), looked)
        verdicts = look.verdicts
        for (_, verdict), ids in look.counted.items():
            spools.count(verdict, ids)
    elif screening.kept_ids:
        folder = f"{job.record.folder}/{screening.folder}"
        async for lines in services.store.attempts.counted(folder, counted_from_json):
            for _, verdict, ids in lines:
                spools.count(verdict, ids)
    again = await read_again(job, audit, looked)
    audit = replace(audit, databases=again.databases)
    doubts, complete = doubts_of(looked, profile, again), complete and not again.lost
    previous = await previous_audit(job)
    judged = judge_doubts(profile, audit, doubts, summed(verdicts.values()), previous, complete=complete)
    await _write(job, audit, judged, spools)


def _verdicts(job: Job, screening: Screening) -> Mapping[str, Mapping[str, Mapping[str, int]]]:
    try:
        return verdicts_of(screening, job.profile)
    except ValueError as error:
        audit_id = job.record.audit_id
        raise RunStoreError(f"Audit {audit_id} was screened by another release: {error}. Resume the audit.") from error


async def _taken_in_again(
    job: Job, look: FirstLook, plan: Plan, screening: Screening, by_units: Sequence[Doubt]
) -> list[DoubtKept]:
    """All groups in doubt, by the first look and the links that the second look added."""
    link_again(look, by_units)
    after = AfterScan(screening.folder, screening.rows)
    return [doubt for join in job.profile.joins async for _, doubt in taken_in(job, look, join, plan, after)]


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

    reports, written = services.store.reports, False
    if record.is_first_attempt:  # then there is usually none, and an existing one is kept
        written = await reports.create(record.folder, chunks(), record.attempt)
    if not written and not await reports.is_of(record.folder, record.attempt):
        await reports.write(record.folder, "json", chunks(), record.attempt)
    logger.info("Audit %s: %s", record.audit_id, dict(judged.result.tally.severities))


def _notes(job: Job, audit: Audit) -> Iterator[str]:
    yield from job.profile.notes(audit)
    yield from notes_of(audit)


@bp.activity_trigger(input_name="request")
async def judge(request: AuditRequest) -> JudgeResult | Refusal:
    return await run_body(judge_audit, request)
