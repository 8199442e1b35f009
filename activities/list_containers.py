"""Step 1: list every container of the account, all pages of it."""

import logging
from collections.abc import AsyncIterator
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.answers import Refusal, answered
from activities.audits import AuditRequest, running
from adapters.services import Services
from reconciliation.errors import TooLargeError

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
        ahead = await services.lister.clock_ahead()
        # Clocks that differ by a little are taken as one: no more can be told of them.
        seconds = round(ahead.total_seconds()) if abs(ahead) > services.settings.clock_tolerance else 0
        pages = within(services.lister.containers(), services.settings.max_containers)
        listing = await services.store.write_containers(audit_id, services.now(), pages, seconds)
        logger.info("Audit %s: %d containers", audit_id, listing.listed)
    return {"ok": True, "listed": listing.listed}


async def within(pages: AsyncIterator[list[str]], most: int) -> AsyncIterator[list[str]]:
    """The same pages. Raises ``TooLargeError`` once there are more names than ``most``: before it falls over."""
    listed = 0
    async for names in pages:
        listed += len(names)
        if listed > most:
            raise TooLargeError(
                f"Storage has more than {most:,} containers, which is as many as this app is set up for. Raise "
                "AUDIT_MAX_CONTAINERS, and see the capacity table in docs/operations.md."
            )
        yield names


@bp.activity_trigger(input_name="request")
async def list_containers(request: AuditRequest) -> ListAnswer | Refusal:
    """The activity."""
    return await answered(list_account, request)
