"""Step 1: list every container of the account, all pages of it."""

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.answers import Refusal, answered
from activities.audits import AuditRequest, running
from adapters.services import Services
from reconciliation.errors import TooLargeError

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.list_containers")

_MORE_THAN_ANY_CLOCK = timedelta(days=1)


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
        ahead = believed(await services.lister.clock_ahead(), services.settings.clock_tolerance)
        pages = within(services.lister.containers(), services.settings.max_containers)
        listing = await services.store.write_containers(audit_id, services.now(), pages, ahead)
        logger.info("Audit %s: %d containers", audit_id, listing.listed)
    return {"ok": True, "listed": listing.listed}


def believed(ahead: timedelta, tolerance: timedelta) -> int:
    """How many seconds storage's clock is ahead: 0 where clocks differ by no more than they may, which tells nothing,
    and where they differ by more than any do: such an answer was kept somewhere on its way.
    """
    return round(ahead.total_seconds()) if tolerance < abs(ahead) < _MORE_THAN_ANY_CLOCK else 0


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
