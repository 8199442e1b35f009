"""Choose the units to open, and cut them into shards."""

import logging
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Literal, TypedDict

import azure.durable_functions as df

from activities.joined import groups, rows_of
from activities.step import AuditRequest, Refusal, answered, running
from adapters.services import Services
from reconciliation.errors import ListingError, RunStoreError, UnreadableError
from reconciliation.looks import Group
from reconciliation.parameters import AuditParameters
from reconciliation.plan import Block, Plan, shards_of
from reconciliation.profile import Open, Profile, Scan, Skip
from reconciliation.pulled import Pulled
from reconciliation.run_record import RunRecord

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
    record = await running(request, services)
    # As with what was pulled: what is there is found by the first write.
    plan = await _made(services, record, only_new=True) if record.is_first_attempt else None
    plan = plan or await services.store.plans.plan(record.folder) or await _made(services, record, only_new=False)
    assert plan is not None
    return {"ok": True, "shards": len(plan.shards), "max_passes": plan.max_passes}


async def _made(services: Services, record: RunRecord, *, only_new: bool) -> Plan | None:
    audit, profile = record.folder, services.profile_of(record)
    runs = len(profile.pulls())
    pulled = [await services.store.rows.pulled(audit, run) for run in range(runs)]
    try:
        plan = await make_plan(
            services, audit, profile, record.parameters, [one for one in pulled if one], only_new=only_new
        )
    except (ListingError, UnreadableError) as error:
        # Kept, it would stop every resume here.
        await services.store.rows.forget(audit, runs)
        raise RunStoreError(f"{error} What was read is not kept: resume the audit.") from error
    if plan is not None:
        to_open = plan.listed - sum(plan.skipped.values())
        logger.info("Audit %s: %d to open in %d shards", record.audit_id, to_open, len(plan.shards))
    return plan


async def make_plan(
    services: Services,
    audit: str,
    profile: Profile,
    asked: AuditParameters,
    pulled: list[Pulled],
    *,
    only_new: bool = False,
) -> Plan | None:
    """Choose, cut and write down; None if any of it is there and was to be kept. Raises ``ListingError`` or
    ``UnreadableError`` if what was read cannot be trusted; there is no plan then.
    """
    if len(pulled) < len(profile.pulls()):
        raise RunStoreError(f"{audit} has not been read to its end in {services.records.where}. Start a new audit.")
    skipped, settings = Counter[str](), services.settings
    blocks: list[Block] | None = []
    if profile.scan is not None:
        chosen = _chosen(services, audit, profile, asked, skipped)
        blocks = await services.store.plans.write_work(audit, chosen, only_new=only_new)
    if blocks is None:
        return None
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
        storage_ahead_seconds=round(max((one.ahead for one in pulled), key=abs) / timedelta(seconds=1)),
        unread={name: why for one in pulled for name, why in one.unread.items()},
        empty=tuple(name for one in pulled for name, rows in one.rows.items() if not rows),
    )
    await services.store.plans.write(audit, plan)
    return plan


async def _chosen(
    services: Services, audit: str, profile: Profile, asked: AuditParameters, skipped: Counter[str]
) -> AsyncIterator[list[list[Any]]]:
    """The units to open with their hints, in blocks; counts those that are not opened, by reason."""
    scan = profile.scan
    assert scan is not None
    join, size = profile.join(scan.join), max(1, services.settings.shard_containers // _BLOCKS_IN_A_SHARD)
    folders = {source.name: f"{audit}/rows" for source in profile.chooses_by()}
    unique = [profile.source(name).unique for name, _ in join.of]
    block: list[list[Any]] = []
    async for portion in groups(services, folders, profile, join):
        for held in portion:
            if any(len(items) > 1 for items, once in zip(held.items, unique, strict=True) if once):
                raise ListingError(f"Storage listed {held.key!r} twice. Audit again.")
            unit = _unit(scan, Group(held.key, tuple(map(rows_of, held.items))), asked)
            if isinstance(unit, Skip):
                skipped[unit.reason] += 1
            elif unit is not None:
                block.append([held.key, unit.hint])
                if len(block) == size:
                    yield block
                    block = []
    if block:
        yield block


def _unit(scan: Scan, group: Group, asked: AuditParameters) -> Open | Skip | None:
    return scan.open(group, asked)


@bp.activity_trigger(input_name="request")
async def plan(request: AuditRequest) -> PlanAnswer | Refusal:
    """The activity."""
    return await answered(plan_audit, request)
