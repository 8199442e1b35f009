"""Step 4, the fan-in: rows beside evidence, verdicts, coverage, and the canonical report."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.answers import Refusal, answered
from activities.audits import AuditRequest, running
from adapters.run_store import RunStore
from adapters.services import Services
from reconciliation.candidates import RegisteredRecording
from reconciliation.keys import session_key
from reconciliation.plan import Plan
from reconciliation.profiles import PROFILES
from reconciliation.reconcile import EvidenceIndex, Result, Tally, find
from reconciliation.report.document import CLOSING, finding_line, opening
from reconciliation.report.model import AuditHeader, build_head
from reconciliation.run_record import RunRecord
from reconciliation.verdicts import SEVERITY_ORDER, Severity

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.reconcile")

_IN_MEMORY_BYTES = 1024 * 1024
_CHUNK_BYTES = 1024 * 1024


class ReconcileAnswer(TypedDict):
    """The canonical report is in the run store."""

    ok: Literal[True]


async def reconcile_audit(request: AuditRequest, services: Services) -> ReconcileAnswer:
    """Judge every candidate and write report.json; a report that is already there is kept.

    Raises ``AssertionError`` if anything does not add up; nothing is written then.
    """
    audit_id, store = request["audit_id"], services.store
    if not await store.has_report(audit_id, "json"):
        record = await running(services.records, audit_id)
        plan = await store.planned(audit_id)
        index = await indexed(store, audit_id, plan)
        await write_report(services, record, plan, index)
        logger.info("Audit %s: %d candidates judged", audit_id, index.candidates)
    return {"ok": True}


async def indexed(store: RunStore, audit_id: str, plan: Plan) -> EvidenceIndex:
    """What all shards saw, beside the rows that register containers; read shard by shard."""
    keys = [session_key(session_id) async for ids in store.candidate_ids(audit_id) for session_id in ids]
    index = EvidenceIndex(keys, listed=plan.listed, skipped=plan.skipped)
    rows = RowsInOrder(store.registered(audit_id))
    for planned in plan.shards:
        records = await store.shard_records(audit_id, planned)
        known = await rows.of([record.container for record in records])
        for record in records:
            index.add(record, known.get(record.container))
    index.coverage.check()
    return index


class RowsInOrder:
    """Walks through the registered recordings beside the shards: both ascend by container name.

    Holds one portion of rows at most; those that nobody asks for are passed over.
    """

    def __init__(self, portions: AsyncIterator[list[RegisteredRecording]]) -> None:
        self._portions = portions
        self._portion: Sequence[RegisteredRecording] = ()

    async def of(self, names: Sequence[str]) -> dict[str, RegisteredRecording]:
        """The rows that register the given containers. Ascending names, which lie behind those of the last call."""
        wanted = set(names)
        found: dict[str, RegisteredRecording] = {}
        while names:
            found |= {row.recording_id: row for row in self._portion if row.recording_id in wanted}
            if self._portion and self._portion[-1].recording_id >= names[-1]:
                break
            portion = await anext(self._portions, None)
            if portion is None:
                break
            self._portion = portion
        return found


async def write_report(services: Services, record: RunRecord, plan: Plan, index: EvidenceIndex) -> None:
    """Judge the candidates one portion at a time, most urgent findings first in the report."""
    audit_id, parameters, store = record.audit_id, record.parameters, services.store
    profile, clock, tally = PROFILES[parameters.profile], plan.clock(parameters), Tally()
    with ExitStack() as files:
        spools = {severity: files.enter_context(SpooledTemporaryFile(_IN_MEMORY_BYTES)) for severity in Severity}
        async for candidates in store.candidates(audit_id):
            for candidate in candidates:
                finding = find(index, candidate, profile.rules, clock, parameters.mode)
                tally.count(finding.judgement)
                severity = finding.judgement.severity
                spools[severity].write(finding_line(finding.to_json()).encode())
        if tally.total != index.candidates:
            raise AssertionError(f"{tally.total} candidates were judged of {index.candidates}")
        result = Result(index.coverage, tally, index.unattributed(clock), parameters.mode)
        header = AuditHeader(audit_id, parameters, record.created_at, clock)
        head = build_head(header, profile, result, generated_at=services.now())

        async def chunks() -> AsyncIterator[bytes]:
            yield opening(head).encode()
            comma = b""
            for severity in SEVERITY_ORDER:
                spools[severity].seek(0)
                while lines := spools[severity].readlines(_CHUNK_BYTES):
                    yield comma + b",".join(lines)
                    comma = b","
            yield CLOSING.encode()

        await store.write_report(audit_id, "json", chunks())


@bp.activity_trigger(input_name="request")
async def reconcile(request: AuditRequest) -> ReconcileAnswer | Refusal:
    """The activity."""
    return await answered(reconcile_audit, request)
