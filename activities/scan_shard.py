"""For one shard: look up every unit of it, and keep what a verdict can need."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.looking import looker_of
from activities.step import AuditRequest, Refusal, answered, folder_of, running
from adapters.services import Services
from adapters.store.shards import Shards
from adapters.telemetry import event
from reconciliation.coverage import counts_of
from reconciliation.errors import AuditError
from reconciliation.evidence import Record, has_failed

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.scan")

_SECONDS_BETWEEN_PROGRESS = 2.0


class ScanRequest(AuditRequest):
    """One shard of an audit; ``attempt`` counts the passes from 1."""

    shard: int
    attempt: int


class ScanAnswer(TypedDict):
    """How many units of the shard were read, skipped with a reason, and could not be read."""

    ok: Literal[True]
    scanned: int
    skipped: int
    failed: int


async def scan(request: ScanRequest, services: Services) -> ScanAnswer:
    """Scan a shard into the run store. Units that an earlier pass read are not read again.

    A unit that cannot be read is kept as failed, never dropped. Raises ``RunStoreError`` if the audit has ended.
    """
    audit, index, shards = folder_of(request), request["shard"], services.store.shards
    record = await running(request, services)
    scanned = services.profile_of(record).scan
    assert scanned is not None
    begun = services.now()
    # Of a first attempt nothing is there yet; if something is, it stays, and is what counts.
    is_first = record.is_first_attempt and request["attempt"] == 1
    seen = None if is_first else await shards.result(audit, index, scanned.unpack)
    known = {one.unit: one for one in (seen.records if seen else ())}
    kept = [one for one in known.values() if not has_failed(one)]
    if known and len(kept) == len(known):
        counts = counts_of(kept)
        return {"ok": True, "scanned": counts["scanned"], "skipped": counts["skipped"], "failed": counts["failed"]}
    plan = await services.store.plans.existing(audit)
    done = {one.unit for one in kept}
    wanted = [unit for unit in await services.store.plans.units(audit, plan.shards[index]) if unit[0] not in done]
    async with _progress_kept(shards, audit, index, kept):
        looker = looker_of(services, scanned, timedelta(seconds=plan.storage_ahead_seconds))
        await looker.read_all(wanted, kept, services.settings.shard_timeout_seconds)
    kept.sort(key=lambda one: one.unit)
    written = await shards.mend(audit, index, kept, scanned, attempt=request["attempt"], before=seen)
    if written is None:  # what is there counts; if it has gaps, the next pass mends it
        there = await shards.result(audit, index, scanned.unpack)
        written = counts_of(there.records if there else ())
    event(
        "audit.shard_completed",
        audit_id=record.audit_id,
        profile=record.parameters.profile,
        shard=index,
        attempt=request["attempt"],
        read=len(wanted),
        seconds=round((services.now() - begun).total_seconds(), 1),
        **written,
    )
    return {"ok": True, "scanned": written["scanned"], "skipped": written["skipped"], "failed": written["failed"]}


@asynccontextmanager
async def _progress_kept(shards: Shards, audit: str, index: int, records: list[Record]) -> AsyncIterator[None]:
    """While the block runs, write how far it has come; failing to do so never harms the scan."""

    async def keep() -> None:
        while True:
            await asyncio.sleep(_SECONDS_BETWEEN_PROGRESS)
            try:
                await shards.write_progress(audit, index, list(records))
            except AuditError as error:
                logger.warning("Progress of shard %d of %s was not written: %s", index, audit, error)

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
