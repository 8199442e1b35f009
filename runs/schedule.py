"""The scheduled audit: one for each slot of the schedule, however often and late the timer fires."""

import hashlib
import logging
from datetime import datetime

from adapters.telemetry import event
from reconciliation.errors import AuditExistsError
from reconciliation.run_record import new_audit_id
from runs.begin import begin
from runs.context import Context
from runs.refusals import RefusedError

logger = logging.getLogger("capture_audit.schedule")


def scheduled_id(slot: datetime, profile: str) -> str:
    """The id of a slot's audit, the same for every firing of its timer."""
    return new_audit_id(slot, hashlib.sha256(profile.encode()).hexdigest())


async def start_scheduled(context: Context, slot: datetime, *, past_due: bool) -> str | None:
    """Start the audit of the slot and return its id; None if it was started before, or another one is active."""
    services, settings = context.services, context.services.settings
    profile = settings.profiles[settings.scheduled_profile or next(iter(settings.profiles))]
    parameters = profile.parameters(mode=settings.scheduled_mode or profile.modes[0])
    audit_id = scheduled_id(slot, profile.name)
    if past_due:
        event("schedule.past_due", audit_id=audit_id, profile=profile.name)
    if await services.records.record(audit_id) is not None:
        logger.info("The audit of %s was started before", slot)
        return None
    try:
        await begin(context, parameters, audit_id)
    except AuditExistsError:  # fired twice, in the same moment
        return None
    except RefusedError as refusal:
        event("schedule.skipped", audit_id=audit_id, profile=profile.name)
        logger.warning("The scheduled audit was not started: %s", refusal)
        return None
    return audit_id
