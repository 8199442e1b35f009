"""The guard of a profile, which names its active audit, so that there is only one at a time."""

import logging

from adapters.store.records import ActiveAudit, UnreadableAudit, UnreadableGuard
from reconciliation.errors import UnreadableError
from reconciliation.lifecycle import State
from reconciliation.run_record import RunRecord
from runs.context import Context
from runs.refusals import busy
from runs.state import START_GRACE

logger = logging.getLogger("capture_audit.guard")

_CLAIMS = 5
REPLACED = "Its orchestration ended without a report, and a new audit took its place."


async def claim(context: Context, profile: str, audit_id: str, held: ActiveAudit | None = None) -> ActiveAudit:
    """Make the audit the active one of its profile, and return the guard. ``held`` is the guard of an earlier claim of
    this audit, which is then written again.

    Raises ``RefusedError`` if another audit is active.
    """
    active = held
    for _ in range(_CLAIMS):
        if active is not None and active.audit_id != audit_id and await is_alive(context, active):
            raise busy(profile, active.audit_id)
        claimed = await context.services.records.claim(profile, audit_id, context.services.now(), active)
        if claimed is not None:
            return claimed
        active = await active_audit(context, profile)
    raise busy(profile, active.audit_id if active else "")


async def active_audit(context: Context, profile: str) -> ActiveAudit | None:
    """The audit that the profile's guard names. A guard that cannot be read is rewritten first; raises
    ``UnreadableError`` if it still cannot be read.
    """
    records = context.services.records
    guard = await records.active(profile)
    if isinstance(guard, UnreadableGuard):
        await _mend(context, profile, guard)
        guard = await records.active(profile)
    if isinstance(guard, UnreadableGuard):
        raise guard.error
    return guard


async def _mend(context: Context, profile: str, guard: UnreadableGuard) -> None:
    """Rewrite the guard with the audit of the profile that has not ended, or delete it if there is none.

    Every start writes the guard again after its record, so an audit that is started meanwhile is either found here, or
    finds the guard changed.
    """
    holder: str | None = None
    async for one in context.services.records.newest_first(profile):
        if await _may_be_at_work(context, one, profile):
            holder = one.audit_id
            break
        if holder is None and not isinstance(one, UnreadableAudit) and _is_open(one, profile):
            holder = one.audit_id
    if holder is None:
        mended = await context.services.records.release(guard, profile)
    else:
        mended = await context.services.records.claim(profile, holder, context.services.now(), guard) is not None
    if mended:
        logger.warning("The guard of %s now names %s: %s", profile, holder or "no audit", guard.error)


async def _may_be_at_work(context: Context, one: RunRecord | UnreadableAudit, profile: str) -> bool:
    if isinstance(one, UnreadableAudit):
        return (await context.orchestration(one.audit_id)).is_open
    return _is_open(one, profile) and await context.state(one) is not State.INTERRUPTED


async def is_alive(context: Context, active: ActiveAudit) -> bool:
    """True while the audit that holds a profile's guard has not ended and is worked on.

    An interrupted one is ended as failed, to make room for a new one. One whose record cannot be read is judged by its
    orchestration alone, and not changed.
    """
    # The guard is written before the record; a start that died in between must not lock the profile.
    just_begun = context.services.now() - active.since < START_GRACE
    try:
        record = await context.services.records.record(active.audit_id)
    except UnreadableError:
        return just_begun or (await context.orchestration(active.audit_id)).is_open
    if record is None:
        return just_begun
    if await context.state(record) is not State.INTERRUPTED:
        return not record.state.has_ended
    return not (await context.give_up(record, REPLACED)).state.has_ended


def _is_open(record: RunRecord, profile: str) -> bool:
    is_of_today = record.parameters.profile == profile and not record.is_of_old_layout
    return is_of_today and not record.state.has_ended
