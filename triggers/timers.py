"""The timers: the scheduled audits, the watchdog, and the retention."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from adapters.schedules import ProfileTimer, profile_of, profile_timers
from adapters.services import services
from adapters.unattended import SCHEDULES
from reconciliation.times import from_text
from runs.context import Context
from runs.purge import clear_away
from runs.schedule import start_scheduled
from runs.watch import watch

bp = df.Blueprint()

AUDIT_SCHEDULE, WATCHDOG_SCHEDULE = (
    os.environ.get(variable, "").strip() or default for variable, default in SCHEDULES.items()
)
_DAILY = "0 30 3 * * *"
_EARLY = timedelta(seconds=5)  # a timer may fire a little before its time
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def slot_of(timer: func.TimerRequest, now: datetime) -> datetime:
    """The scheduled moment that a timer fires for, even if it fires late; in whole minutes, UTC.

    Without a schedule status of the host (schedules of less than a minute), the current minute.
    """
    status = getattr(timer, "schedule_status", None) or {}  # the stubs do not know it
    try:
        planned = from_text(status["Next"])
    except (KeyError, TypeError, ValueError):
        planned = now
    if planned < _LONG_AGO or planned > now + _EARLY:  # .NET's value for never; fired by hand
        planned = now
    return planned.astimezone(UTC).replace(second=0, microsecond=0)


@bp.timer_trigger(arg_name="timer", schedule=WATCHDOG_SCHEDULE)
@bp.durable_client_input(client_name="client")
async def watchdog(timer: func.TimerRequest, client: Any) -> None:  # noqa: ARG001 - the binding needs the name
    """Every five minutes, unless AUDIT_WATCHDOG_SCHEDULE says otherwise."""
    await watch(Context(services(), client))


@bp.timer_trigger(arg_name="timer", schedule=_DAILY)
@bp.durable_client_input(client_name="client")
async def retention(timer: func.TimerRequest, client: Any) -> None:  # noqa: ARG001 - the binding needs the name
    """Every night."""
    await clear_away(Context(services(), client))


# A timer whose setting is missing would be reported as an error at every start, so it is registered only with it.
if AUDIT_SCHEDULE:

    @bp.timer_trigger(arg_name="timer", schedule=AUDIT_SCHEDULE)
    @bp.durable_client_input(client_name="client")
    async def scheduled_audit(timer: func.TimerRequest, client: Any) -> None:
        """When AUDIT_SCHEDULE says so; to pause it, disable this function in the app's settings."""
        context = Context(services(), client)
        await start_scheduled(context, slot_of(timer, context.services.now()), past_due=timer.past_due)


def _register(of: ProfileTimer) -> None:
    @bp.function_name(of.function)
    @bp.timer_trigger(arg_name="timer", schedule=of.schedule)
    @bp.durable_client_input(client_name="client")
    async def of_profile(timer: func.TimerRequest, client: Any) -> None:
        """When AUDIT_SCHEDULE__<PROFILE> says so; to pause it, name the profile in AUDIT_SCHEDULES_PAUSED."""
        context = Context(services(), client)
        own, slot = (
            profile_of(of.word, tuple(context.services.settings.profiles)),
            slot_of(timer, context.services.now()),
        )
        await start_scheduled(context, slot, past_due=timer.past_due, own=own)


for _timer in profile_timers(os.environ):
    _register(_timer)
