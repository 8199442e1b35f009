"""The watchdog: resumes interrupted audits, or ends them as failed."""

import logging
from itertools import product

from adapters.services import Services
from adapters.telemetry import event, tell_unexpected
from adapters.webhook import post
from reconciliation.errors import NotificationError, UnreadableError
from reconciliation.lifecycle import State
from reconciliation.notice import notice_of
from reconciliation.outcome import Outcome
from reconciliation.run_record import RunRecord
from runs import repairs
from runs.begin import resume
from runs.context import Context
from runs.guard import active_audit, is_alive
from runs.refusals import RefusedError

logger = logging.getLogger("capture_audit.watchdog")

_LEFT = (
    "The service was upgraded while it was at work, and cannot go on with what the release before has left. Start a "
    "new audit."
)


async def watch(context: Context) -> None:
    """Resume interrupted audits up to ``AUDIT_MAX_RESUMES`` times, then end them; delete the guards of ended audits.
    Go on with approved repairs that were interrupted.

    An error with one profile is raised after all others were handled; of several the first. An audit that cannot be
    read is not changed, only logged.
    """
    failures: list[Exception] = []
    for profile, look_after in product(context.services.settings.profiles, (_watch, repairs.watch)):
        try:
            await look_after(context, profile)
        except UnreadableError as error:
            logger.warning("The watchdog left something of %s as it is: %s", profile, error)
        except Exception as error:  # noqa: BLE001 - the other profiles are still handled
            tell_unexpected(f"The watchdog could not look after {profile}", error)
            failures.append(error)
    if failures:
        raise failures[0]


async def _watch(context: Context, profile: str) -> None:
    await _end_what_was_left(context, profile)
    active, records = await active_audit(context, profile), context.services.records
    if active is None:
        return
    record = await records.record(active.audit_id)
    if record is None:
        if not await is_alive(context, active):
            await records.release(active, profile)
    elif record.state.has_ended:
        await records.release(active, profile)
    elif await context.state(record) is State.INTERRUPTED:
        await _help(context, record)


async def _end_what_was_left(context: Context, profile: str) -> None:
    """End an audit of an earlier release with the old layout of the run store, which this release cannot continue. One
    that cannot be read is not changed, only logged.
    """
    records = context.services.records
    try:
        left = await records.left_active(profile)
    except UnreadableError as error:
        logger.warning("What an earlier release left of %s stays as it is: %s", profile, error)
        return
    if left is not None and not left.state.has_ended:
        ended = await context.give_up(left, _LEFT)
        if ended.state is State.FAILED:
            await _tell(context.services, ended)
    if left is not None and (await context.orchestration(left.audit_id)).is_open:
        await context.client.terminate(left.audit_id, _LEFT)
    await records.release_old_layout(profile)


async def _help(context: Context, record: RunRecord) -> None:
    if record.resumes >= context.services.settings.max_resumes:
        ended = await context.give_up(
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
            await _tell(context.services, ended)
        return
    try:
        await resume(context, record)
    except RefusedError as refusal:  # another caller was faster
        logger.info("The watchdog did not resume an audit: %s", refusal)


async def _tell(services: Services, ended: RunRecord) -> None:
    """Send the notice of an audit that was given up, since it has no orchestration to do so."""
    url = services.settings.webhook_url
    if url is None or not services.settings.notifies_of(Outcome.FAILED.word):
        return
    try:
        await post(url, notice_of(ended, services.signposts()))
    except NotificationError as error:
        logger.warning("Nobody was told that audit %s was given up: %s", ended.audit_id, error)
