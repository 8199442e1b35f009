"""Clearing away what is old: audits in the run store, and their histories in the Durable runtime."""

from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from adapters.services import Services
from adapters.telemetry import event
from reconciliation.lifecycle import State
from reconciliation.run_record import RunRecord

# What is not settled is kept this many times as long.
LONGER = 4
MOST_AT_ONCE = 200
_WINDOW = timedelta(days=1)
_WINDOWS = 7
# A purge that names no states deletes running instances too.
_FINISHED = [
    df.OrchestrationRuntimeStatus.Completed,
    df.OrchestrationRuntimeStatus.Failed,
    df.OrchestrationRuntimeStatus.Terminated,
    df.OrchestrationRuntimeStatus.Canceled,
]


async def clear_away(client: Any, world: Services) -> None:
    """Delete audits older than ``AUDIT_RETENTION_DAYS``, at most ``MOST_AT_ONCE``, and the histories of that age.

    Incomplete audits and those with dead letters are kept four times as long; the newest completed one of a profile
    stays, since the next is compared with it. 0 days keeps everything.
    """
    days = world.settings.retention_days
    if not days:
        return
    age, now = timedelta(days=days), world.now()
    compared_with: set[str] = set()
    deleted = 0
    async for record in world.records.newest_first():
        if not record.state.has_ended:
            continue
        profile = record.parameters.profile
        if record.state is State.COMPLETED and profile not in compared_with:
            compared_with.add(profile)
            continue
        if now - (record.ended_at or record.updated_at) < await _keeping(world, record, age):
            continue
        await world.store.delete_audit(record.audit_id)
        deleted += 1
        if deleted == MOST_AT_ONCE:
            break
    histories = 0
    for window in range(_WINDOWS):  # each night goes over a week of that age, in small windows
        until = now - LONGER * age - window * _WINDOW
        result = await client.purge_instance_history_by(until - _WINDOW, until, _FINISHED)
        histories += result.instances_deleted if result else 0
    event("retention.purged", audits=deleted, histories=histories, states="completed, failed, terminated, canceled")


async def _keeping(world: Services, record: RunRecord, age: timedelta) -> timedelta:
    unsettled = record.state is State.INCOMPLETE or await world.store.dead_letters(record.audit_id)
    return LONGER * age if unsettled else age
