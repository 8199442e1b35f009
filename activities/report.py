"""Step 5: render the report for people and spreadsheets, and end the audit."""

import asyncio
import json
import logging
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.answers import Refusal, answered
from adapters.services import Services
from reconciliation.errors import RunStoreError
from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome
from reconciliation.report.csv_table import render_csv
from reconciliation.report.html import render_html
from reconciliation.report.model import summary_of

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.report")


class ReportRequest(TypedDict):
    """The audit to report."""

    audit_id: str


class ReportAnswer(TypedDict):
    """How the audit ended."""

    ok: Literal[True]
    state: str
    outcome: str


async def report_audit(request: ReportRequest, services: Services) -> ReportAnswer:
    """Render findings.csv and report.html from report.json, then end the audit. Doing it again changes nothing."""
    audit_id, store = request["audit_id"], services.store
    stored, record = await store.report(audit_id, "json"), await store.record(audit_id)
    if stored is None or record is None:
        raise RunStoreError(f"Audit {audit_id} has no report.json in {store.where}. Start a new audit.")
    report = json.loads(stored)
    if not record.state.has_ended:
        csv, html = await asyncio.to_thread(lambda: (render_csv(report), render_html(report)))
        await store.write_report(audit_id, "csv", csv.encode())
        await store.write_report(audit_id, "html", html.encode())
        state = State.COMPLETED if report["complete"] else State.INCOMPLETE
        outcome = Outcome(report["outcome"]["code"])
        ended = record.ended(state, services.now(), outcome=outcome, summary=summary_of(report))
        record = await store.end(ended)
        logger.info("Audit %s is %s: %s", audit_id, record.state, report["headline"])
    return {"ok": True, "state": record.state.value, "outcome": report["outcome"]["word"]}


@bp.activity_trigger(input_name="request")
async def report(request: ReportRequest) -> ReportAnswer | Refusal:
    """The activity."""
    return await answered(report_audit, request)
