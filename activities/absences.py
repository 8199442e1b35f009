"""Before anything is called absent: the account is listed a second time, and what was empty, missing or gone is opened
again. One answer proves no absence.
"""

import logging

from activities.list_containers import within
from activities.reading import reader_of
from adapters.services import Services
from profiles.pre_capture_sessions.absences import gaps_in_listing, to_be_opened
from profiles.pre_capture_sessions.first_look import FirstLook
from reconciliation.coverage import Gap
from reconciliation.errors import AuditError

logger = logging.getLogger("capture_audit.absences")

_OPENED_AT_ONCE = 1000


async def list_again(audit_id: str, first: FirstLook, services: Services) -> bool:
    """List the account a second time into the run store; False if it cannot be listed, which is a gap then."""
    try:
        pages = within(services.lister.containers(), services.settings.max_containers)
        await services.store.write_relisted(audit_id, pages)
    except AuditError as error:
        logger.warning("Audit %s: the account could not be listed a second time: %s", audit_id, error)
        first.coverage.gaps.append(Gap("the account could not be listed a second time", str(error)))
        return False
    return True


async def open_again(first: FirstLook, services: Services) -> None:
    """Open what shows whether the listing can be believed, until one container proves that it cannot, and read again
    what seemed empty. Gaps go into the coverage of the first look; expected failures are gaps, and are not raised.
    """
    reader, passes = reader_of(services, first.clock.storage_ahead), services.settings.max_passes
    names = to_be_opened(first)
    for at in range(0, len(names), _OPENED_AT_ONCE):
        records = await reader.read_patiently(names[at : at + _OPENED_AT_ONCE], passes)
        if gaps := list(gaps_in_listing(first, records)):
            first.coverage.gaps += gaps
            break
    first.take_again(await reader.read_patiently(sorted(first.empty), passes, first.listed_again))
