"""Note until when a repair waits for the end of closed hours."""

from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.repairing import RepairRequest, repairing
from activities.step import Refusal, run_body
from adapters.services import Services
from reconciliation.repair_lifecycle import RepairState
from reconciliation.times import from_text

bp = df.Blueprint()


class DeferRequest(RepairRequest):
    """``until`` is the moment at which it goes on."""

    until: str


class DeferResult(TypedDict):
    """``stop``: somebody has asked it to stop."""

    ok: Literal[True]
    stop: bool


async def defer_until(request: DeferRequest, services: Services) -> DeferResult:
    """Move the repair to *deferred*."""
    job = await repairing(request, services)
    await job.moved(RepairState.DEFERRED, services.now(), until=from_text(request["until"]))
    return {"ok": True, "stop": await services.store.repairs.is_to_stop(job.record)}


@bp.activity_trigger(input_name="request")
async def defer(request: DeferRequest) -> DeferResult | Refusal:
    return await run_body(defer_until, request)
