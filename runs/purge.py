"""Deleting old audits from the run store, and their histories from the Durable runtime."""

import logging
from collections import Counter
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
from runs.state import Orchestration

logger = logging.getLogger("capture_audit.retention")

# Audits that are still needed are kept this many times as long.
LONGER = 4
MOST_AT_ONCE = 500
"""Audits of one profile, or repairs, in one night: five times what a schedule of every 15 minutes makes in a day."""
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
    """Delete audits older than ``AUDIT_RETENTION_DAYS`` says for their profile, at most ``MOST_AT_ONCE`` of each, and
    the histories of that age. Of a profile with days of its own, the history of an audit goes with it.

    Incomplete audits and those with dead letters are kept four times as long, and so is the newest completed one of
    each question, since the next one is compared with it. Audits that cannot be read are never deleted, only counted
    and logged; if storage refuses to delete one, the others are still deleted. 0 days keeps everything. Repairs have
    an age of their own (see ``clear_ledgers_away``).
    """
    services, settings = context.services, context.services.settings
    await clear_ledgers_away(context)
    all_days = [settings.retention_days, *map(settings.kept_days, settings.profiles)]
    if not any(all_days):
        return
    now = services.now()
    old, unreadable = await _looked_through(services, now)
    refused = histories = 0
    for folder, profile in old:
        try:
            if profile in settings.own_retention_days:
                histories += await _forget_history(context, folder)
            await services.store.overview.delete(folder)
        except StorageRefusedError as error:
            refused += 1
            logger.warning("%s is old and was not deleted: %s", folder, error)
    for profile in await services.records.profiles():
        if days := settings.kept_days(profile):
            await services.store.questions.forget(profile, now - LONGER * timedelta(days=days))
    if all(all_days):  # a history does not say of which profile it is
        histories += await _forget_histories(context, now - LONGER * timedelta(days=max(all_days)))
    event(
        "retention.purged",
        audits=len(old) - refused,
        refused=refused,
        unreadable=unreadable,
        histories=histories,
        states="completed, failed, terminated, canceled",
    )


async def _forget_history(context: Context, folder: str) -> int:
    """Delete the history of an ended audit, unless its orchestration has not ended; 1 if there was one."""
    audit_id = folder.rpartition("/")[2]
    if await context.orchestration(audit_id) is not Orchestration.ENDED:
        return 0
    result = await context.client.purge_instance_history(audit_id)
    return result.instances_deleted if result else 0


async def _forget_histories(context: Context, before: datetime) -> int:
    """Delete the histories of finished orchestrations of the week before; each night goes over it in small windows."""
    histories = 0
    for window in range(_WINDOWS):
        until = before - window * _WINDOW
        result = await context.client.purge_instance_history_by(until - _WINDOW, until, _FINISHED)
        histories += result.instances_deleted if result else 0
    return histories


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


async def _looked_through(services: Services, now: datetime) -> tuple[list[tuple[str, str]], int]:
    """The folders to delete, each with its profile, and how many audits are old enough but cannot be read."""
    old: list[tuple[str, str]] = []
    found, unreadable = Counter[str](), 0
    compared_with: set[str] = set()
    for profile in await services.records.profiles():
        compared_with |= await services.store.questions.compared_with(profile)
    async for one in services.records.newest_first(at_once=_AT_ONCE):
        profile = one.folder.rpartition("/")[0] if isinstance(one, UnreadableAudit) else one.parameters.profile
        age = timedelta(days=services.settings.kept_days(profile))
        if not age or found[profile] >= MOST_AT_ONCE:
            continue
        try:
            if isinstance(one, UnreadableAudit):
                unreadable += await _is_left_over(services, one.folder, now - age)
            elif await _is_old(services, one, age, now, compared_with):
                found[profile] += 1
                old.append((one.folder, profile))
        except UnreadableError as error:
            logger.warning("An audit is kept: %s", error)
            unreadable += await _is_left_over(services, one.folder, now - age)
    return old, unreadable


async def _is_old(
    services: Services, record: RunRecord, age: timedelta, now: datetime, compared_with: set[str]
) -> bool:
    since = now - (record.ended_at or record.updated_at)
    if not record.state.has_ended or since < age:
        return False
    longer = record.audit_id in compared_with or await _is_unsettled(services, record)
    return since >= LONGER * age if longer else True


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
