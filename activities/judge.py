"""What is in doubt gets its verdict, by what was read again; and the canonical report is written."""

import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.doubts import counted_from_json
from activities.joined import groups
from activities.previous import previous_audit
from activities.screen import audit_of, links_and_asked, places_of, take
from activities.second_look import doubts_of, kept_doubts, looked_at, looked_up, read_again
from activities.spools import Spools
from activities.step import AuditRequest, Job, Refusal, answered, running
from adapters.services import Services
from reconciliation.errors import RunStoreError
from reconciliation.judging import Judged, judge_doubts, link_again, names_more, summed, with_gaps
from reconciliation.looks import Audit, Doubt
from reconciliation.notes import notes_of
from reconciliation.report.model import AuditHeader, build_head
from reconciliation.screened import DoubtKept, FirstLook, Screening, judged_with, verdicts_of

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.judge")


class JudgeAnswer(TypedDict):
    """The canonical report is in the run store."""

    ok: Literal[True]


async def judge_audit(request: AuditRequest, services: Services) -> JudgeAnswer:
    """Judge everything in doubt and write report.json.

    Raises ``AssertionError`` if anything does not add up; nothing is written then.
    """
    record = await running(request, services)
    job = Job(services, record, services.profile_of(record))
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
    kept, units = await kept_doubts(job, screening), await looked_up(job, screening)
    seen = looked_at(kept, units)
    audit = with_gaps(before, profile.gaps(seen, before))
    joins = [join.name for join in profile.joins]
    verdicts = _verdicts(job, screening)
    if audit.known_lost != before.known_lost or names_more(profile, seen, audit):
        # What was in order as long as nothing could have been overlooked, and nothing named it, is screened anew.
        look, kept = await _screened_anew(job, {**plan.rows, **screening.rows}, audit, kept, seen)
        joins = [join.name for join in profile.joins if profile.is_of_scan(join.name)]
        verdicts = {**{join: verdicts.get(join, {}) for join in joins}, **look.verdicts}
        for (_, verdict), ids in look.counted.items():
            spools.count(verdict, ids)
    if screening.kept_ids:
        async for lines in services.store.attempts.counted(attempt, counted_from_json):
            for join, verdict, ids in lines:
                spools.count(verdict, ids if join in joins else ())
    again = await read_again(job, audit, kept)
    audit = replace(audit, databases=again.databases)
    doubts, complete = doubts_of(kept, profile, units, again), units.complete and not again.lost
    previous = await previous_audit(job)
    judged = judge_doubts(profile, audit, doubts, summed(verdicts.values()), previous, complete=complete)
    await _write(job, audit, judged, spools)


def _verdicts(job: Job, screening: Screening) -> dict[str, Mapping[str, Mapping[str, int]]]:
    try:
        return verdicts_of(screening, job.profile)
    except ValueError as error:
        audit_id = job.record.audit_id
        raise RunStoreError(f"Audit {audit_id} was screened by another release: {error}. Resume the audit.") from error


async def _screened_anew(
    job: Job, rows: Mapping[str, int], audit: Audit, kept: Sequence[DoubtKept], seen: Sequence[Doubt]
) -> tuple[FirstLook, list[DoubtKept]]:
    """The joins behind the scan's, screened anew, and the doubts of all joins then."""
    profile, look = job.profile, FirstLook(job.profile, audit)
    link_again(look, seen)
    doubts = [doubt for doubt in kept if profile.is_of_scan(doubt.join)]
    places = places_of(job, audit, rows)
    for join in profile.joins:
        if not profile.is_of_scan(join.name):
            async for portion in groups(job, places, join, links_and_asked(look, join)):
                doubts += [one for held in portion if (one := take(look, join, held, of_scan=False)) is not None]
    return look, doubts


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
