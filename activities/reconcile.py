"""Step 4, the fan-in: rows beside evidence, verdicts, coverage, and the canonical report."""

import asyncio
import json
import logging
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.answers import Refusal, answered
from activities.audits import running
from adapters.services import Services
from reconciliation.profiles import PROFILES
from reconciliation.reconcile import Reconciler
from reconciliation.report.model import AuditHeader, build_report

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.reconcile")


class ReconcileRequest(TypedDict):
    """The audit to reconcile."""

    audit_id: str


class ReconcileAnswer(TypedDict):
    """The canonical report is in the run store."""

    ok: Literal[True]


async def reconcile_audit(request: ReconcileRequest, services: Services) -> ReconcileAnswer:
    """Judge every candidate and write report.json; a report that is already there is kept."""
    audit_id, store = request["audit_id"], services.store
    if await store.report(audit_id, "json") is None:
        record = await running(store, audit_id)
        plan = await store.planned(audit_id)
        profile = PROFILES[record.parameters.profile]
        reconciler = Reconciler(await store.candidates(audit_id), await store.registered(audit_id), listed=plan.listed)
        async for container in store.all_records(audit_id, plan):
            reconciler.add(container)
        clock = plan.clock(record.parameters)
        header = AuditHeader(audit_id, record.parameters, record.created_at, clock)

        def build() -> bytes:
            result = reconciler.judged(profile.rules, clock)
            report = build_report(header, profile, result, generated_at=services.now())
            return json.dumps(report, indent=1, ensure_ascii=False).encode()

        # Judging a large account takes seconds of CPU; the worker's event loop must go on answering its host.
        await store.write_report(audit_id, "json", await asyncio.to_thread(build))
    return {"ok": True}


@bp.activity_trigger(input_name="request")
async def reconcile(request: ReconcileRequest) -> ReconcileAnswer | Refusal:
    """The activity."""
    return await answered(reconcile_audit, request)
