"""Render the report as a page and a table, and end the audit."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import azure.durable_functions as df

from activities.step import AuditRequest, EndedResult, Refusal, ended_result, folder_of, run_body
from adapters.services import Services
from adapters.store.reports import Reports
from reconciliation.errors import RunStoreError
from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome
from reconciliation.plan import Plan
from reconciliation.profile import Profile
from reconciliation.progress import Progress, Reached
from reconciliation.question import question_of
from reporting.csv_table import csv_header, csv_rows
from reporting.document import ReportReader
from reporting.html import MOST_ROWS, SHOWN_SEVERITIES, render_html
from reporting.layout import environment
from reporting.model import SCHEMA_VERSION, Head, summary_of

bp = df.Blueprint()
environment()  # compiled while the app is loaded, and not while an audit waits for its report
logger = logging.getLogger("capture_audit.report")


async def report_audit(request: AuditRequest, services: Services) -> EndedResult:
    """Render findings.csv and report.html from report.json, end the audit, and add it to the index of its question.
    Idempotent.
    """
    audit_id = request["audit_id"]
    record = ended = await services.records.record_in(folder_of(request))
    if record is None or ended is None:
        raise RunStoreError(f"There is no audit {audit_id} in {services.records.where} to report.")
    if not record.is_first_attempt:
        services.store.recent.drop_audit(record.folder)
    is_first = False
    if not record.state.has_ended:
        profile = services.profile_of(record)
        head = await render(services.store.reports, record.folder, profile)
        state = State.COMPLETED if head["complete"] else State.INCOMPLETE
        plan = await services.store.plans.existing(record.folder)
        outcome, reached = Outcome(head["outcome"]["code"]), _reached(head, plan)
        summary, is_first = summary_of(head, profile), head["since_last"]["previous"] is None
        ended = record.ended(state, services.now(), outcome=outcome, reached=reached, summary=summary)
        ended = await services.records.end(ended, record)
        logger.info("Audit %s is %s: %s", audit_id, ended.state, head["headline"])
    if ended.state is State.COMPLETED:
        profile = services.profile_of(ended)
        question = question_of(ended.parameters, services.audited(profile), profile.compared_apart)
        await services.store.questions.add(profile.name, question, ended.begun, is_first=is_first)
        services.store.recent.keep_report(ended.folder)
    services.store.recent.drop_audit(ended.folder)
    if not record.state.has_ended and ended.state.has_ended:
        await services.records.let_go(ended)
    return ended_result(services, before=record, ended=ended)


def _reached(head: Head, plan: Plan) -> Reached:
    """The progress of the audit by its report. Every shard with unread units has a dead letter."""
    coverage, letters = head["coverage"], len(head["coverage"]["dead_letters"])
    units = coverage["units"]
    progress = Progress(
        shards=len(plan.shards),
        shards_done=len(plan.shards) - letters,
        shards_failed=letters,
        listed=units["listed"],
        skipped_by_plan=sum(plan.skipped.values()),
        scanned=units["scanned"],
        skipped=units["skipped"],
        failed=units["failed"],
        blobs=coverage["blobs"],
    )
    return Reached(progress.to_json(None, units["noun"]), letters)


async def render(reports: Reports, audit: str, profile: Profile) -> Head:
    """Write the two renderings, reading report.json line by line; returns its head.

    Raises ``RunStoreError`` if report.json is truncated, or was written by another release.
    """
    reader = ReportReader()
    shown: dict[str, list[dict[str, Any]]] = {severity: [] for severity in SHOWN_SEVERITIES}

    async def rows() -> AsyncIterator[bytes]:
        yield csv_header(profile.showing).encode()
        async for lines in reports.lines(audit):
            findings = reader.read(lines)
            for finding in findings:
                of_severity = shown.get(finding["severity"])
                if of_severity is not None and len(of_severity) < MOST_ROWS:
                    of_severity.append(finding)
            yield csv_rows(findings, profile.showing).encode()

    await reports.write(audit, "csv", rows())
    if not reader.complete:
        raise RunStoreError(f"report.json of {audit} ends before its end. Start a new audit.")
    if reader.head["schema_version"] != SCHEMA_VERSION:
        raise RunStoreError(f"report.json of {audit} was written by another release. Resume the audit.")

    async def page() -> AsyncIterator[bytes]:
        yield render_html(reader.head, shown, profile).encode()

    await reports.write(audit, "html", page())
    return reader.head


@bp.activity_trigger(input_name="request")
async def report(request: AuditRequest) -> EndedResult | Refusal:
    return await run_body(report_audit, request)
