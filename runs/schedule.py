"""The scheduled audits: one of a profile for each slot of its schedule, however often and late its timer fires."""

import hashlib
import logging
from datetime import datetime

from adapters.settings import Settings
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


def default_profile(settings: Settings) -> str:
    """The profile of ``AUDIT_SCHEDULE``."""
    return settings.scheduled_profile or next(iter(settings.profiles))


async def start_scheduled(context: Context, slot: datetime, *, past_due: bool, own: str | None = None) -> str | None:
    """Start the audit of the slot and return its id; None if it was started before, another one is active, or the
    schedule is paused. ``own`` is a profile with a schedule of its own; without it, it is that of ``AUDIT_SCHEDULE``.
    """
    services, settings = context.services, context.services.settings
    profile = settings.profiles[own or default_profile(settings)]
    if profile.name in settings.schedules_paused:
        event("schedule.paused", profile=profile.name)
        return None
    mode = settings.scheduled_mode if own is None else settings.own_schedules[own]
    parameters = profile.parameters(mode=mode or profile.modes[0])
    audit_id = scheduled_id(slot, profile.name)
    if past_due:
        event("schedule.past_due", audit_id=audit_id, profile=profile.name)
    try:
        # With a policy, what it has found is repaired behind it, in the same orchestration.
        await begin(context, parameters, audit_id, "audit" if settings.policy_of(profile.name) is None else "recovery")
    except AuditExistsError:  # the timer has fired twice
        logger.info("The audit of %s was started before", slot)
        return None
    except RefusedError as refusal:
        if await services.records.record(audit_id) is not None:
            logger.info("The audit of %s was started before", slot)
            return None
        event("schedule.skipped", audit_id=audit_id, profile=profile.name)
        logger.warning("The scheduled audit was not started: %s", refusal)
        return None
    return audit_id
