"""Before anything is called absent: the account is listed a second time, and what was empty, missing or gone is opened
again. One answer proves no absence.
"""

import logging
from collections.abc import AsyncIterator

from activities.in_order import InOrder
from activities.list_containers import within
from activities.reading import reader_of
from adapters.services import Services
from reconciliation.absences import Disputed, gaps_in_listing
from reconciliation.coverage import Gap
from reconciliation.errors import AuditError
from reconciliation.reconcile import FirstLook

logger = logging.getLogger("capture_audit.absences")


async def ask_again(audit_id: str, first: FirstLook, services: Services) -> None:
    """Hold the listing to a second one and read again what seems empty; gaps go into the coverage of the first look.

    Expected failures are gaps, and are not raised.
    """
    disputed = Disputed(first)
    try:
        pages = within(services.lister.containers(), services.settings.max_containers)
        await services.store.write_relisted(audit_id, pages)
        async for before, now in _side_by_side(audit_id, services):
            disputed.compare(before, now)
    except AuditError as error:
        logger.warning("Audit %s: the account could not be listed a second time: %s", audit_id, error)
        first.coverage.gaps.append(Gap("the account could not be listed a second time", str(error)))
    disputed.add_rows()
    names = sorted({*disputed.names, *first.empty})
    reader = reader_of(services, first.clock.storage_ahead)
    records = await reader.read_patiently(names, services.settings.max_passes)
    first.coverage.gaps += gaps_in_listing(disputed, {name: records[name] for name in disputed.names})
    first.take_again(records)


async def _side_by_side(audit_id: str, services: Services) -> AsyncIterator[tuple[list[str], list[str]]]:
    """The names of both listings, part by part: all names of one part come before those of the next."""
    again = InOrder(services.store.relisted_names(audit_id), str)
    async for names in services.store.container_names(audit_id):
        yield names, await again.upto(names[-1])
    async for rest in again.rest():
        yield [], rest
