"""Step 1: list every container of the account, and cut the names into shards."""

import logging
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.answers import Refusal, answered
from adapters.services import Services
from reconciliation.errors import ListingError
from reconciliation.plan import Plan
from reconciliation.shards import plan_shards

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.plan")


class PlanRequest(TypedDict):
    """The audit to plan."""

    audit_id: str


class PlanAnswer(TypedDict):
    """How much there is to do."""

    ok: Literal[True]
    shards: int
    listed: int
    max_passes: int


async def plan_audit(request: PlanRequest, services: Services) -> PlanAnswer:
    """Freeze the audit's moment, waiting times and shards; a plan that is already there is kept.

    Containers are listed before rows are read, so a recording registered in between looks registered, never lost.
    Raises ``ListingError`` if the listing names a container twice.
    """
    audit_id = request["audit_id"]
    plan = await services.store.plan(audit_id)
    if plan is None:
        as_of = services.now()
        names = [name async for page in services.lister.containers() for name in page]
        listed = len(names)
        names = sorted(set(names))
        if len(names) != listed:
            raise ListingError(f"Storage listed {listed - len(names)} containers twice. Audit again.")
        shards = plan_shards(names, services.settings.shard_containers)
        plan = Plan(as_of, services.settings.settle_minutes, services.settings.max_passes, listed, shards=())
        plan = await services.store.write_plan(audit_id, plan, names, shards)
        logger.info("Audit %s: %d containers in %d shards", audit_id, plan.listed, len(plan.shards))
    return {"ok": True, "shards": len(plan.shards), "listed": plan.listed, "max_passes": plan.max_passes}


@bp.activity_trigger(input_name="request")
async def plan(request: PlanRequest) -> PlanAnswer | Refusal:
    """The activity."""
    return await answered(plan_audit, request)
