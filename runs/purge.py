"""Deleting old audits from the run store, and their histories from the Durable runtime."""

import logging
from datetime import datetime, timedelta

import azure.durable_functions as df

from adapters.services import Services
from adapters.store.records import UnreadableAudit
from adapters.telemetry import event
from reconciliation.errors import StorageRefusedError, UnreadableError
from reconciliation.lifecycle import State
from reconciliation.repair_record import RepairRecord
from reconciliation.run_record import RunRecord
from runs.context import Context
from runs.repairs import state_of

logger = logging.getLogger("capture_audit.retention")

# Audits that are still needed are kept this many times as long.
LONGER = 4
MOST_AT_ONCE = 200
_AT_ONCE = 50
_WINDOW = timedelta(days=1)
_WINDOWS = 7
# A purge that names no states deletes running instances too.
_FINISHED = [
    df.OrchestrationRuntimeStatus.Completed,
    df.OrchestrationRuntimeStatus.Failed,
    df.OrchestrationRuntimeStatus.Terminated,
    df.OrchestrationRuntimeStatus.Canceled,
]


async def clear_away(context: Context) -> None:
    """Delete audits older than ``AUDIT_RETENTION_DAYS``, at most ``MOST_AT_ONCE``, and the histories of that age.

    Incomplete audits and those with dead letters are kept four times as long, and so is the newest completed one of
    each question, since the next one is compared with it. Audits that cannot be read are never deleted, only counted
    and logged; if storage refuses to delete one, the others are still deleted. 0 days keeps everything. Repairs have
    an age of their own (see ``clear_ledgers_away``).
    """
    services = context.services
    await clear_ledgers_away(context)
    days = services.settings.retention_days
    if not days:
        return
    age, now = timedelta(days=days), services.now()
    old, unreadable = await _looked_through(services, age, now)
    refused = 0
    for folder in old:
        try:
            await services.store.overview.delete(folder)
        except StorageRefusedError as error:
            refused += 1
            logger.warning("%s is old and was not deleted: %s", folder, error)
    for profile in await services.records.profiles():
        await services.store.questions.forget(profile, now - LONGER * age)
    histories = 0
    for window in range(_WINDOWS):  # each night goes over a week of that age, in small windows
        until = now - LONGER * age - window * _WINDOW
        result = await context.client.purge_instance_history_by(until - _WINDOW, until, _FINISHED)
        histories += result.instances_deleted if result else 0
    event(
        "retention.purged",
        audits=len(old) - refused,
        refused=refused,
        unreadable=unreadable,
        histories=histories,
        states="completed, failed, terminated, canceled",
    )


async def clear_ledgers_away(context: Context) -> None:
    """Delete repairs that ended longer ago than ``AUDIT_LEDGER_RETENTION_DAYS`` says for their profile, at most
    ``MOST_AT_ONCE``. 0 days, the default, keeps all. What cannot be read, or is held by storage, is kept.
    """
    services, deleted, refused = context.services, 0, 0
    for profile in services.settings.profiles:
        days = services.settings.ledger_days.get(profile, 0)
        if not days:
            continue
        async for record in services.store.repairs.newest_first(profile):
            if deleted + refused >= MOST_AT_ONCE:
                break
            if isinstance(record, UnreadableError):
                logger.warning("A repair is kept: %s", record)
            elif await _ended_before(context, record, services.now() - timedelta(days=days)):
                try:
                    await services.store.repairs.delete(record)
                    deleted += 1
                except StorageRefusedError as error:
                    refused += 1
                    logger.warning("Repair %s is old and was not deleted: %s", record.repair_id, error)
    if deleted or refused:
        event("retention.ledgers_purged", repairs=deleted, refused=refused)


async def _ended_before(context: Context, record: RepairRecord, moment: datetime) -> bool:
    """True also for a plan that nobody decided about in its time, and for one that was never made."""
    ended_at = record.ended_at or record.until or record.updated_at
    return ended_at <= moment and (await state_of(context, record)).has_ended


async def _looked_through(services: Services, age: timedelta, now: datetime) -> tuple[list[str], int]:
    """The folders to delete, and how many audits are old enough but cannot be read."""
    old: list[str] = []
    unreadable = 0
    compared_with: set[str] = set()
    for profile in await services.records.profiles():
        compared_with |= await services.store.questions.compared_with(profile)
    async for one in services.records.newest_first(at_once=_AT_ONCE):
        if isinstance(one, UnreadableAudit):
            unreadable += await _is_left_over(services, one.folder, now - age)
            continue
        try:
            longer = one.audit_id in compared_with or await _is_unsettled(services, one)
            keeping = LONGER * age if longer else age
            if one.state.has_ended and now - (one.ended_at or one.updated_at) >= keeping:
                old.append(one.folder)
        except UnreadableError as error:
            logger.warning("An audit is kept: %s", error)
            unreadable += await _is_left_over(services, one.folder, now - age)
        if len(old) == MOST_AT_ONCE:
            break
    return old, unreadable


async def _is_left_over(services: Services, folder: str, since: datetime) -> bool:
    """True, with a warning in the log, if nothing in the folder of an unreadable audit was written since then."""
    written_at = await services.store.overview.last_modified(folder)
    if written_at is None or written_at >= since:
        return False
    logger.warning(
        "%s is older than AUDIT_RETENTION_DAYS and cannot be read, so it is not deleted. Look at that folder in %s, "
        "and delete it yourself if nobody needs it.",
        folder,
        services.records.where,
    )
    return True


async def _is_unsettled(services: Services, record: RunRecord) -> bool:
    if record.state is State.INCOMPLETE:
        return True
    # An earlier release did not store their number.
    letters = record.dead_letters
    return bool(letters if letters is not None else await services.store.letters.all(record.folder))
