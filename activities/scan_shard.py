"""Read every unit of one shard, and store its evidence."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.looking import looker_of
from activities.remembering import Remembering
from activities.step import AuditRequest, Refusal, folder_of, run_body, running
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
    """``attempt`` counts the passes from 1."""

    shard: int
    attempt: int


class ScanResult(TypedDict):
    """How many units of the shard were read, skipped with a reason, or failed."""

    ok: Literal[True]
    scanned: int
    skipped: int
    failed: int


async def scan(request: ScanRequest, services: Services) -> ScanResult:
    """Scan a shard into the run store. Units that an earlier pass read are not read again.

    A unit that cannot be read is stored as failed. Raises ``RunStoreError`` if the audit has ended.
    """
    audit, index, shards = folder_of(request), request["shard"], services.store.shards
    record = await running(request, services)
    scanned = services.profile_of(record).scan
    assert scanned is not None
    begun = services.now()
    # A first attempt has no result yet; if there is one after all, it is kept and counts.
    is_first = record.is_first_attempt and request["attempt"] == 1
    before = None if is_first else await shards.result(audit, index, scanned.unpack)
    records = {one.unit: one for one in (before.records if before else ())}
    kept = [one for one in records.values() if not has_failed(one)]
    if records and len(kept) == len(records):
        counts = counts_of(kept)
        return {"ok": True, "scanned": counts["scanned"], "skipped": counts["skipped"], "failed": counts["failed"]}
    plan = await services.store.plans.existing(audit)
    done = {one.unit for one in kept}
    wanted = [unit for unit in await services.store.plans.units(audit, plan.shards[index]) if unit[0] not in done]
    async with _progress_kept(shards, audit, index, kept):
        looker = looker_of(services, scanned, plan, Remembering(services.store.readings, audit, plan))
        await looker.read_all(wanted, kept, services.settings.shard_timeout_seconds)
    kept.sort(key=lambda one: one.unit)
    written = await shards.mend(audit, index, kept, scanned, attempt=request["attempt"], before=before)
    if written is None:  # the stored result counts; the next pass reads what it lacks
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
    """While the block runs, write its progress; a failure to do so does not affect the scan."""

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
async def scan_shard(request: ScanRequest) -> ScanResult | Refusal:
    return await run_body(scan, request)
