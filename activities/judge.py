"""Judge what is in doubt by the second look, and write the canonical report."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.judging import to_judge
from activities.previous import previous_audit, with_repairs
from activities.spools import Spools
from activities.step import AuditRequest, Job, Refusal, run_body, running
from adapters.ahead import meanwhile
from adapters.services import Services
from reconciliation.errors import RunStoreError
from reconciliation.judging import judge_doubts
from reconciliation.looks import Audit
from reconciliation.notes import notes_of
from reconciliation.screened import Screening
from reconciliation.tally import Result
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
        with Spools(screening.now, job.profile.kinds[0]) as spools:
            await _judge(job, screening, spools)
    return {"ok": True}


async def _judge(job: Job, screening: Screening, spools: Spools) -> None:
    async with meanwhile(previous_audit(job)) as previous, to_judge(job, screening, spools.count) as ready:
        given = (job.profile, ready.audit, ready.doubts, ready.in_order, await previous)
        # Of very many doubts it takes minutes, in which the app must answer.
        result = await asyncio.to_thread(judge_doubts, *given, takes=spools, complete=ready.complete)
    since = await with_repairs(job, result.since_last)
    await _write(job, ready.audit, replace(result, since_last=since), spools)


async def _write(job: Job, audit: Audit, result: Result, spools: Spools) -> None:
    services, record, profile = job.services, job.record, job.profile
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
    head = build_head(header, profile, result, letters, list(_notes(job, audit, result)), generated_at=services.now())

    async def chunks() -> AsyncIterator[bytes]:
        for chunk in spools.document(head):
            yield chunk

    reports, written = services.store.reports, False
    if record.is_first_attempt:  # then there is usually none, and an existing one is kept
        written = await reports.create(record.folder, chunks(), record.attempt)
    if not written and not await reports.is_of(record.folder, record.attempt):
        await reports.write(record.folder, "json", chunks(), record.attempt)
    logger.info("Audit %s: %s", record.audit_id, dict(result.tally.severities))


def _notes(job: Job, audit: Audit, result: Result) -> Iterator[str]:
    yield from job.profile.notes(audit)
    for total, found in zip(job.profile.totals, result.totals, strict=True):
        yield total.says(found, audit, result.is_complete)
    yield from notes_of(audit)


@bp.activity_trigger(input_name="request")
async def judge(request: AuditRequest) -> JudgeResult | Refusal:
    return await run_body(judge_audit, request)
