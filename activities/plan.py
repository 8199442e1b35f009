"""Step 3: choose the containers to open, and cut them into shards."""

import logging
from itertools import islice
from operator import eq
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.answers import Refusal, answered
from activities.audits import AuditRequest, running
from adapters.services import Services
from reconciliation.errors import RunStoreError
from reconciliation.parameters import Mode
from reconciliation.plan import Plan
from reconciliation.selection import select_containers
from reconciliation.shards import plan_shards

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.plan")


class PlanAnswer(TypedDict):
    """How much there is to do."""

    ok: Literal[True]
    shards: int
    max_passes: int


async def plan_audit(request: AuditRequest, services: Services) -> PlanAnswer:
    """Freeze the audit's shards; a plan that is already there is kept.

    Raises ``RunStoreError`` if the listing named a container twice, or lost some.
    """
    audit_id, store = request["audit_id"], services.store
    plan = await store.plan(audit_id)
    if plan is None:
        parameters = (await running(services.records, audit_id)).parameters
        listing = await store.listing(audit_id)
        if listing is None:
            raise RunStoreError(f"Audit {audit_id} has no listing in {services.records.where}. Start a new audit.")
        names = await store.container_names(audit_id)
        names.sort()
        distinct = len(names) - sum(map(eq, names, islice(names, 1, None)))
        if distinct != listing.listed:
            raise RunStoreError(f"Storage listed {listing.listed} containers of {distinct} names. Start a new audit.")
        registered: set[str] = set()
        if parameters.mode is Mode.FAST:
            registered = {row.recording_id async for rows in store.registered(audit_id) for row in rows}
        chosen, skipped = select_containers(names, registered, parameters)
        shards = plan_shards(chosen, services.settings.shard_containers)
        plan = Plan(
            as_of=listing.as_of,
            settle_minutes=services.settings.settle_minutes,
            max_passes=services.settings.max_passes,
            listed=listing.listed,
            skipped=dict(skipped),
            shards=(),
        )
        plan = await store.write_plan(audit_id, plan, chosen, shards)
        logger.info("Audit %s: %d containers to open in %d shards", audit_id, len(chosen), len(shards))
    return {"ok": True, "shards": len(plan.shards), "max_passes": plan.max_passes}


@bp.activity_trigger(input_name="request")
async def plan(request: AuditRequest) -> PlanAnswer | Refusal:
    """The activity."""
    return await answered(plan_audit, request)
