"""Step 3, for one shard: read every page of every container, and keep what a verdict can need."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.answers import Refusal, answered
from activities.audits import running
from activities.reading import reader_of
from adapters.run_store import RunStore
from adapters.services import Services
from adapters.telemetry import event
from profiles.pre_capture_sessions.evidence import ContainerEvidence, Record
from reconciliation.coverage import counts_of
from reconciliation.errors import AuditError
from reconciliation.evidence import has_failed

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.scan")

_SECONDS_BETWEEN_PROGRESS = 2.0


class ScanRequest(TypedDict):
    """One shard of an audit; ``attempt`` counts the passes from 1."""

    audit_id: str
    shard: int
    attempt: int


class ScanAnswer(TypedDict):
    """How many containers of the shard were read, skipped with a reason, and could not be read."""

    ok: Literal[True]
    scanned: int
    skipped: int
    failed: int


async def scan(request: ScanRequest, services: Services) -> ScanAnswer:
    """Scan a shard into the run store. Containers that an earlier pass read are not read again.

    A container that cannot be read is kept as failed, never dropped. Raises ``RunStoreError`` if the audit has ended.
    """
    audit_id, index = request["audit_id"], request["shard"]
    store = services.store
    record = await running(services.records, audit_id)
    begun = services.now()
    seen = await store.shard_result(audit_id, index, ContainerEvidence.from_json)
    known = {record.unit: record for record in (seen.records if seen else ())}
    kept = [record for record in known.values() if not has_failed(record)]
    if not known or len(kept) < len(known):
        plan = await store.planned(audit_id)
        planned = plan.shards[index]
        done = {record.unit for record in kept}
        wanted = [name for name in await store.shard_names(audit_id, planned) if name not in done]
        async with _progress_kept(store, audit_id, index, kept):
            reader = reader_of(services, timedelta(seconds=plan.storage_ahead_seconds))
            await reader.read_all(wanted, kept, services.settings.shard_timeout_seconds)
        kept.sort(key=lambda record: record.unit)
        counts = await store.mend_shard(audit_id, index, request["attempt"], kept, seen)
        if counts is None:  # what stands there counts; if it has gaps, the next pass mends it
            counts = counts_of(await store.shard(audit_id, index, ContainerEvidence.from_json) or ())
        event(
            "audit.shard_completed",
            audit_id=audit_id,
            profile=record.parameters.profile,
            shard=index,
            attempt=request["attempt"],
            read=len(wanted),
            seconds=round((services.now() - begun).total_seconds(), 1),
            **counts,
        )
    else:
        counts = counts_of(kept)
    return {"ok": True, "scanned": counts["scanned"], "skipped": counts["skipped"], "failed": counts["failed"]}


@asynccontextmanager
async def _progress_kept(store: RunStore, audit_id: str, index: int, records: list[Record]) -> AsyncIterator[None]:
    """While the block runs, write how far it has come; failing to do so never harms the scan."""

    async def keep() -> None:
        while True:
            await asyncio.sleep(_SECONDS_BETWEEN_PROGRESS)
            try:
                await store.write_progress(audit_id, index, list(records))
            except AuditError as error:
                logger.warning("Audit %s: progress of shard %d was not written: %s", audit_id, index, error)

    task = asyncio.create_task(keep())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@bp.activity_trigger(input_name="request")
async def scan_shard(request: ScanRequest) -> ScanAnswer | Refusal:
    """The activity."""
    return await answered(scan, request)
