"""Notify people of a repair. Optional; a failure does not affect the repair."""

from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.repairing import RepairRequest, repairing
from activities.step import Refusal, run_body
from adapters.services import Services
from adapters.webhook import post
from reconciliation.notice import repair_notice_of

bp = df.Blueprint()


class ToldOfRepairResult(TypedDict):
    ok: Literal[True]


async def tell_people_of_repair(request: RepairRequest, services: Services) -> ToldOfRepairResult:
    """Post where a repair is by now to the webhook. Raises ``NotificationError`` if it is not accepted."""
    job = await repairing(request, services, ended_too=True)
    if services.settings.webhook_url is not None:
        await post(services.settings.webhook_url, repair_notice_of(job.record, services.signposts()))
    return {"ok": True}


@bp.activity_trigger(input_name="request")
async def tell_of_repair(request: RepairRequest) -> ToldOfRepairResult | Refusal:
    return await run_body(tell_people_of_repair, request)
