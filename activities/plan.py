"""Choose the units to open, and cut them into shards."""

import logging
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Literal, TypedDict

import azure.durable_functions as df

from activities.joined import groups, rows_of
from activities.step import AuditRequest, Job, Refusal, answered, folder_of, running
from adapters.services import Services
from reconciliation.errors import ListingError, RunStoreError, UnreadableError
from reconciliation.looks import Group
from reconciliation.plan import Plan, shards_of
from reconciliation.profile import Profile, Scan, Skip, Technology
from reconciliation.pulled import Pulled

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.plan")

_BLOCKS_IN_A_SHARD = 10


class PlanAnswer(TypedDict):
    """How much there is to do."""

    ok: Literal[True]
    shards: int
    max_passes: int


async def plan_audit(request: AuditRequest, services: Services) -> PlanAnswer:
    """Freeze the audit's shards; a plan that is already there is kept."""
    audit = folder_of(request)
    plan = await services.store.plans.plan(audit)
    if plan is None:
        record = await running(request, services)
        job = Job(services, record, services.profile_of(record))
        runs = len(job.profile.pulls())
        pulled = [await services.store.rows.pulled(audit, run) for run in range(runs)]
        try:
            plan = await make_plan(job, [one for one in pulled if one])
        except (ListingError, UnreadableError) as error:
            # Kept, it would stop every resume here.
            await services.store.rows.forget(audit, runs)
            raise RunStoreError(f"{error} What was read is not kept: resume the audit.") from error
        to_open = plan.listed - sum(plan.skipped.values())
        logger.info("Audit %s: %d to open in %d shards", record.audit_id, to_open, len(plan.shards))
    return {"ok": True, "shards": len(plan.shards), "max_passes": plan.max_passes}


async def make_plan(job: Job, pulled: list[Pulled]) -> Plan:
    """Choose, cut and write down. Raises ``ListingError`` or ``UnreadableError`` if what was read cannot be trusted;
    there is no plan then.
    """
    services, audit = job.services, job.record.folder
    if len(pulled) < len(job.profile.pulls()):
        raise RunStoreError(f"{audit} has not been read to its end in {services.records.where}. Start a new audit.")
    skipped, held, settings = Counter[str](), Counter[str](), services.settings
    chosen = _chosen(job, job.profile.scan, skipped, held) if job.profile.scan else _no_blocks()
    blocks = await services.store.plans.write_work(audit, chosen)
    for source, rows in [item for one in pulled for item in one.rows.items()]:
        if source in held and held[source] != rows:
            raise ListingError(f"{audit}: the source {source} gave {rows} rows, and {held[source]} are kept.")
    try:
        shards = shards_of(blocks, settings.shard_containers)
    except ValueError as error:
        raise ListingError(f"{audit}: {error}.") from error
    plan = Plan(
        as_of=pulled[0].as_of,
        settle_minutes=settings.settle_minutes,
        max_passes=settings.max_passes,
        listed=sum(block.units for block in blocks) + skipped.total(),
        skipped=dict(skipped),
        shards=shards,
        storage_ahead_seconds=_ahead(job.profile, pulled, Technology.STORAGE),
        database_ahead_seconds=_ahead(job.profile, pulled, Technology.DATABASE),
    )
    await services.store.plans.write(audit, plan)
    return plan


def _ahead(profile: Profile, pulled: list[Pulled], of: Technology) -> int:
    """By how many seconds the clock of a technology is ahead, the furthest of several."""
    settings = {connection.setting for connection in profile.connections if connection.of is of}
    runs = zip(profile.pulls(), pulled, strict=True)
    ahead = [one.ahead // timedelta(seconds=1) for run, one in runs if run[0].setting in settings]
    return max(ahead, key=abs, default=0)


async def _no_blocks() -> AsyncIterator[list[list[Any]]]:
    for block in list[list[list[Any]]]():
        yield block


async def _chosen(job: Job, scan: Scan, skipped: Counter[str], held: Counter[str]) -> AsyncIterator[list[list[Any]]]:
    """The units to open with their hints, in blocks; counts those that are not opened, by reason, and the rows that
    each source holds.
    """
    join, size = job.profile.join(scan.join), max(1, job.services.settings.shard_containers // _BLOCKS_IN_A_SHARD)
    folders = {source.name: f"{job.record.folder}/rows" for run in job.profile.pulls() for source in run}
    unique = [job.profile.source(name).unique for name, _ in join.of]
    held.update({name: 0 for name, _ in join.of})
    block: list[list[Any]] = []
    async for portion in groups(job, folders, join):
        for key, items in portion:
            if any(len(of) > 1 for of, once in zip(items, unique, strict=True) if once):
                raise ListingError(f"Storage listed {key!r} twice. Audit again.")
            for (name, _), of in zip(join.of, items, strict=True):
                held[name] += len(of)
            unit = scan.open(Group(key, tuple(map(rows_of, items))), job.record.parameters)
            if isinstance(unit, Skip):
                skipped[unit.reason] += 1
            elif unit is not None:
                block.append([key, unit.hint])
                if len(block) == size:
                    yield block
                    block = []
    if block:
        yield block


@bp.activity_trigger(input_name="request")
async def plan(request: AuditRequest) -> PlanAnswer | Refusal:
    """The activity."""
    return await answered(plan_audit, request)
