"""Step 3: choose the containers to open, and cut them into shards."""

import logging
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.answers import Refusal, answered
from activities.audits import AuditRequest, running
from activities.in_order import InOrder
from adapters.run_store import RunStore
from adapters.services import Services
from profiles.pre_capture_sessions.options import FAST
from profiles.pre_capture_sessions.selection import select_containers
from reconciliation.errors import ListingError, RunStoreError, UnreadableError
from reconciliation.parameters import AuditParameters
from reconciliation.plan import Listing, Plan
from reconciliation.shards import shard_sizes

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.plan")


class PlanAnswer(TypedDict):
    """How much there is to do."""

    ok: Literal[True]
    shards: int
    max_passes: int


async def plan_audit(request: AuditRequest, services: Services) -> PlanAnswer:
    """Freeze the audit's shards; a plan that is already there is kept."""
    audit_id, store = request["audit_id"], services.store
    plan = await store.plan(audit_id)
    if plan is None:
        parameters = (await running(services.records, audit_id)).parameters
        listing = await store.listing(audit_id)
        if listing is None:
            raise RunStoreError(f"Audit {audit_id} has no listing in {services.records.where}. Start a new audit.")
        try:
            plan = await make_plan(services, audit_id, parameters, listing)
        except (ListingError, UnreadableError) as error:
            # Kept, it would stop every resume here.
            await store.forget_listing(audit_id)
            raise RunStoreError(f"{error} What was listed is not kept: resume the audit.") from error
        to_open = plan.listed - sum(plan.skipped.values())
        logger.info("Audit %s: %d containers to open in %d shards", audit_id, to_open, len(plan.shards))
    return {"ok": True, "shards": len(plan.shards), "max_passes": plan.max_passes}


async def make_plan(services: Services, audit_id: str, parameters: AuditParameters, listing: Listing) -> Plan:
    """Choose, cut and write down. Raises ``ListingError`` or ``UnreadableError`` if the names that were listed cannot
    be trusted; there is no plan then.
    """
    chosen, skipped, names = await choose(services.store, audit_id, parameters)
    if chosen + skipped.total() != listing.listed:
        raise ListingError(
            f"Storage listed {listing.listed} containers, and {chosen + skipped.total()} names are kept."
        )
    plan = Plan(
        as_of=listing.as_of,
        settle_minutes=services.settings.settle_minutes,
        max_passes=services.settings.max_passes,
        listed=listing.listed,
        skipped=dict(skipped),
        shards=(),
        storage_ahead_seconds=listing.storage_ahead_seconds,
    )
    sizes = shard_sizes(chosen, services.settings.shard_containers)
    return await services.store.write_plan(audit_id, plan, cut(names, sizes))


async def choose(
    store: RunStore, audit_id: str, parameters: AuditParameters
) -> tuple[int, Counter[str], AsyncIterator[list[str]]]:
    """How many containers to open, how many are skipped for which reason, and the names to open, ascending.

    A fast audit keeps the few names that the rows do not account for. Any other goes through all names a second time
    when they are cut, so that none of them need be kept.
    """
    chosen, skipped, kept = 0, Counter[str](), list[str]()
    fast = parameters.mode == FAST
    rows = InOrder(store.keys(audit_id, "registered"), str) if fast else None
    async for names in store.container_names(audit_id):
        known = set(await rows.upto(names[-1])) if rows else set[str]()
        opened, passed_over = select_containers(names, known, parameters)
        chosen += len(opened)
        skipped += passed_over
        if fast:
            kept += opened

    async def again() -> AsyncIterator[list[str]]:
        if fast:
            yield kept
            return
        async for names in store.container_names(audit_id):
            yield select_containers(names, set(), parameters)[0]

    return chosen, skipped, again()


async def cut(portions: AsyncIterator[list[str]], sizes: Sequence[int]) -> AsyncIterator[list[str]]:
    """The same names in runs of the given sizes."""
    waiting: list[str] = []
    for size in sizes:
        while len(waiting) < size:
            waiting += await anext(portions)
        yield waiting[:size]
        waiting = waiting[size:]


@bp.activity_trigger(input_name="request")
async def plan(request: AuditRequest) -> PlanAnswer | Refusal:
    """The activity."""
    return await answered(plan_audit, request)
