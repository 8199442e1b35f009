"""What starts by the clock: the scheduled audit, the watchdog, and the clearing away of what is old."""

import hashlib
import logging
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from adapters.services import Services, services
from adapters.settings import SCHEDULES
from adapters.telemetry import event, tell_unexpected
from adapters.webhook import post
from reconciliation.errors import AuditExistsError, NotificationError, UnreadableError
from reconciliation.lifecycle import State
from reconciliation.notice import notice_of
from reconciliation.outcome import Outcome
from reconciliation.run_record import RunRecord
from reconciliation.times import from_text
from triggers.problems import RefusedError
from triggers.requests import new_audit_id
from triggers.retention import clear_away
from triggers.running import Running

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.timers")

AUDIT_SCHEDULE, WATCHDOG_SCHEDULE = (
    os.environ.get(variable, "").strip() or default for variable, default in SCHEDULES.items()
)
_DAILY = "0 30 3 * * *"
_EARLY = timedelta(seconds=5)  # a timer may fire a little before its time
_LEFT = (
    "The service was upgraded while it was at work, and cannot go on with what the release before has left. Start a "
    "new audit."
)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


# --- the scheduled audit ---------------------------------------------------------------------------------------------


def slot_of(timer: func.TimerRequest, now: datetime) -> datetime:
    """The moment that a timer fires for, whenever it really does: what the schedule said would be next.

    Where the host keeps no such status (schedules of less than a minute), the minute.
    """
    status = getattr(timer, "schedule_status", None) or {}  # the stubs do not know it
    try:
        planned = from_text(status["Next"])
    except (KeyError, TypeError, ValueError):
        planned = now
    if planned < _LONG_AGO or planned > now + _EARLY:  # .NET's way of saying never; fired by hand
        planned = now
    return planned.astimezone(UTC).replace(second=0, microsecond=0)


def scheduled_id(slot: datetime, profile: str) -> str:
    """The id of the audit of a slot, so that a double or late fire is one audit."""
    return new_audit_id(slot, hashlib.sha256(profile.encode()).hexdigest())


async def start_scheduled(timer: func.TimerRequest, client: Any, world: Services) -> str | None:
    """Start the audit of the slot; None if it was started before, or another one is active."""
    settings = world.settings
    profile = settings.profiles[settings.scheduled_profile or next(iter(settings.profiles))]
    parameters = profile.asked(mode=settings.scheduled_mode or profile.modes[0])
    slot = slot_of(timer, world.now())
    audit_id = scheduled_id(slot, profile.name)
    if timer.past_due:
        event("schedule.past_due", audit_id=audit_id, profile=profile.name)
    if await world.records.record(audit_id) is not None:
        logger.info("The audit of %s was started before", slot)
        return None
    try:
        await Running(world, client).begin(parameters, audit_id)
    except AuditExistsError:  # fired twice, in the same moment
        return None
    except RefusedError as refusal:
        event("schedule.skipped", audit_id=audit_id, profile=profile.name)
        logger.warning("The scheduled audit was not started: %s", refusal)
        return None
    return audit_id


# --- the watchdog ----------------------------------------------------------------------------------------------------


async def watch(client: Any, world: Services) -> None:
    """Resume what broke off, a limited number of times; mark as failed what cannot be helped; free what has ended.

    What goes wrong with one profile waits until all others were looked after; then the first such error is raised. An
    audit that cannot be read is left as it is, and warned of.
    """
    running = Running(world, client)
    failures: list[Exception] = []
    for profile in world.settings.profiles:
        try:
            await _watch(running, profile)
        except UnreadableError as error:
            logger.warning("The watchdog left the active audit of %s as it is: %s", profile, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is of this profile
            tell_unexpected(f"The watchdog could not look after {profile}", error)
            failures.append(error)
    if failures:
        raise failures[0]


async def _watch(running: Running, profile: str) -> None:
    await _end_what_was_left(running, profile)
    active, records = await running.active(profile), running.world.records
    if active is None:
        return
    record = await records.record(active.audit_id)
    if record is None:
        if not await running.is_alive(active):
            await records.release(active, profile)
    elif record.state.has_ended:
        await records.release(active, profile)
    elif await running.state(record) is State.INTERRUPTED:
        await _help(running, record)


async def _end_what_was_left(running: Running, profile: str) -> None:
    """End an audit that an earlier release began and did not end: this one lays out the run store in another way. What
    cannot be read is left as it is, and warned of.
    """
    records = running.world.records
    try:
        left = await records.left_active(profile)
    except UnreadableError as error:
        logger.warning("What an earlier release left of %s stays as it is: %s", profile, error)
        return
    if left is not None and not left.state.has_ended:
        ended = await running.give_up(left, _LEFT)
        if ended.state is State.FAILED:
            await _tell(running.world, ended)
    if left is not None and (await running.orchestration(left.audit_id)).is_open:
        await running.client.terminate(left.audit_id, _LEFT)
    await records.release_old_layout(profile)


async def _help(running: Running, record: RunRecord) -> None:
    """Resume an interrupted audit, or give it up."""
    if record.resumes >= running.world.settings.max_resumes:
        ended = await running.give_up(
            record,
            f"Its orchestration broke off {record.resumes + 1} times, as often as AUDIT_MAX_RESUMES allows. See the "
            "failure table in docs/operations.md, then resume it.",
        )
        event(
            "audit.given_up",
            audit_id=record.audit_id,
            profile=record.parameters.profile,
            resumes=record.resumes,
        )
        if ended.state is State.FAILED:
            await _tell(running.world, ended)
        return
    try:
        await running.resume(record)
    except RefusedError as refusal:  # somebody else was faster
        logger.info("The watchdog did not resume an audit: %s", refusal)


async def _tell(world: Services, ended: RunRecord) -> None:
    """Tell people of an audit that was given up: it has no orchestration any more to do so."""
    url = world.settings.webhook_url
    if url is None or not world.settings.notifies_of(Outcome.FAILED.word):
        return
    try:
        await post(url, notice_of(ended, world.signposts()))
    except NotificationError as error:
        logger.warning("Nobody was told that audit %s was given up: %s", ended.audit_id, error)


@bp.timer_trigger(arg_name="timer", schedule=WATCHDOG_SCHEDULE)
@bp.durable_client_input(client_name="client")
async def watchdog(timer: func.TimerRequest, client: Any) -> None:  # noqa: ARG001 - the binding needs the name
    """Every five minutes, unless AUDIT_WATCHDOG_SCHEDULE says otherwise."""
    await watch(client, services())


@bp.timer_trigger(arg_name="timer", schedule=_DAILY)
@bp.durable_client_input(client_name="client")
async def retention(timer: func.TimerRequest, client: Any) -> None:  # noqa: ARG001 - the binding needs the name
    """Every night."""
    await clear_away(client, services())


# A timer whose setting is missing would be reported as an error at every start, so it is registered only with it.
if AUDIT_SCHEDULE:

    @bp.timer_trigger(arg_name="timer", schedule=AUDIT_SCHEDULE)
    @bp.durable_client_input(client_name="client")
    async def scheduled_audit(timer: func.TimerRequest, client: Any) -> None:
        """When AUDIT_SCHEDULE says so; to pause it, disable this function in the app's settings."""
        await start_scheduled(timer, client, services())
