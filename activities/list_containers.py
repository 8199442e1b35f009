"""Step 1: list every container of the account, all pages of it."""

import logging
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.answers import Refusal, answered
from activities.audits import AuditRequest, running
from adapters.services import Services

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.list_containers")


class ListAnswer(TypedDict):
    """How many containers there are."""

    ok: Literal[True]
    listed: int


async def list_account(request: AuditRequest, services: Services) -> ListAnswer:
    """Freeze the audit's moment and its containers' names; a listing that is already there is kept.

    This comes before the rows are read, so a recording registered in between looks registered, never lost.
    """
    audit_id = request["audit_id"]
    listing = await services.store.listing(audit_id)
    if listing is None:
        await running(services.records, audit_id)
        listing = await services.store.write_containers(audit_id, services.now(), services.lister.containers())
        logger.info("Audit %s: %d containers", audit_id, listing.listed)
    return {"ok": True, "listed": listing.listed}


@bp.activity_trigger(input_name="request")
async def list_containers(request: AuditRequest) -> ListAnswer | Refusal:
    """The activity."""
    return await answered(list_account, request)
