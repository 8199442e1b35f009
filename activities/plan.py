"""Choose the units to open, and cut them into shards."""

import logging
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any, Literal, TypedDict

import azure.durable_functions as df

from activities.joined import Place, groups, rows_of
from activities.step import AuditRequest, Job, Refusal, run_body, running
from adapters.services import Services
from reconciliation.errors import ListingError, RunStoreError, UnreadableError
from reconciliation.looks import Group
from reconciliation.plan import Block, Plan, shards_of
from reconciliation.profile import Profile, Scan, Skip, Technology
from reconciliation.pulled import Pulled

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.plan")

_BLOCKS_IN_A_SHARD = 10


class PlanResult(TypedDict):
    ok: Literal[True]
    shards: int
    max_passes: int


async def plan_audit(request: AuditRequest, services: Services) -> PlanResult:
    """Make the audit's plan; an existing plan is kept."""
    record = await running(request, services)
    audit = record.folder
    plan = None if record.is_first_attempt else await services.store.plans.plan(audit)
    if plan is None:
        job = Job(services, record, services.profile_of(record))
        runs = len(job.profile.pulls())
        pulled = [await services.store.rows.pulled(audit, run) for run in range(runs)]
        try:
            plan = await make_plan(job, [one for one in pulled if one])
        except (ListingError, UnreadableError) as error:
            # If it were kept, every resume would fail here.
            await services.store.rows.forget(audit, runs)
            raise RunStoreError(f"{error} What was read is not kept: resume the audit.") from error
        to_open = plan.listed - sum(plan.skipped.values())
        logger.info("Audit %s: %d to open in %d shards", record.audit_id, to_open, len(plan.shards))
    return {"ok": True, "shards": len(plan.shards), "max_passes": plan.max_passes}


async def make_plan(job: Job, pulled: list[Pulled]) -> Plan:
    """Write the units to open and the plan. Raises ``ListingError`` or ``UnreadableError``, without a plan, if what was
    read cannot be trusted.
    """
    services, audit = job.services, job.record.folder
    if len(pulled) < len(job.profile.pulls()):
        raise RunStoreError(f"{audit} has not been read to its end in {services.records.where}. Resume the audit.")
    skipped, settings = Counter[str](), services.settings
    rows = {name: count for one in pulled for name, count in one.rows.items()}
    blocks: list[Block] = []
    per_shard = settings.shard_containers
    if job.profile.scan is not None:
        per_shard = job.profile.scan.at_once(per_shard)
        chosen = _chosen(job, job.profile.scan, skipped, rows)
        blocks = await services.store.plans.write_work(audit, chosen)
    try:
        shards = shards_of(blocks, per_shard)
    except ValueError as error:
        raise ListingError(f"{audit}: {error}.") from error
    plan = Plan(
        as_of=pulled[0].as_of,
        settle_minutes=settings.settle_minutes,
        max_passes=settings.max_passes,
        listed=sum(block.units for block in blocks) + skipped.total(),
        skipped=dict(skipped),
        shards=shards,
        storage_ahead_seconds=_ahead(job.profile, pulled, Technology.STORAGE, Technology.BUCKET),
        database_ahead_seconds=_ahead(job.profile, pulled, Technology.DATABASE),
        api_ahead_seconds=_ahead(job.profile, pulled, Technology.API),
        unread={name: why for one in pulled for name, why in one.unread.items()},
        earliest={name: moment for one in pulled for name, moment in one.earliest.items()},
        rows=rows,
    )
    return await services.store.plans.first(audit, plan)


def _ahead(profile: Profile, pulled: list[Pulled], *of: Technology) -> int:
    """How many seconds the clock of such technologies is ahead; of several, the largest difference."""
    settings = {connection.setting for connection in profile.connections if connection.of in of}
    runs = zip(profile.pulls(), pulled, strict=True)
    ahead = [one.ahead // timedelta(seconds=1) for run, one in runs if run[0].setting in settings]
    return max(ahead, key=abs, default=0)


async def _chosen(
    job: Job, scan: Scan, skipped: Counter[str], rows: Mapping[str, int]
) -> AsyncIterator[list[list[Any]]]:
    """The units to open with their hints, in blocks; counts those that are not opened, by reason."""
    per_shard = scan.at_once(job.services.settings.shard_containers)
    join, size = job.profile.join(scan.join), max(1, per_shard // _BLOCKS_IN_A_SHARD)
    sources = job.profile.chooses_by(job.record.parameters)
    places = {one.name: Place(job.record.folder, "rows", rows[one.name]) for one in sources}
    unique = [number for number, (name, _) in enumerate(join.of) if job.profile.source(name).unique]
    block: list[list[Any]] = []
    async for portion in groups(job, places, join):
        for key, items in portion:
            if not key:  # there is nothing to open
                continue
            for number in unique:
                if len(items[number]) > 1:
                    raise ListingError(f"{key!r} was listed twice. Audit again.")
            unit = scan.open(Group(key, rows_of(items)), job.record.parameters)
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
async def plan(request: AuditRequest) -> PlanResult | Refusal:
    return await run_body(plan_audit, request)
