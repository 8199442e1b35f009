"""What all steps have in common: their requests, the audit that they work for, and their results.

Failures are results, too, so that an exception never ends an orchestration.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Literal, NamedTuple, TypedDict, TypeVar

from adapters.services import Services, services
from adapters.telemetry import tell_end, tell_unexpected
from reconciliation.errors import AuditError, RunStoreError
from reconciliation.lifecycle import State
from reconciliation.profile import Profile
from reconciliation.run_record import RunRecord

logger = logging.getLogger("capture_audit.activities")

# Less than the 30 minutes of host.json, after which the host stops the worker with everything that runs in it.
TIME_LIMIT_SECONDS = 1500.0

RequestT = TypeVar("RequestT", bound=Mapping[str, object])
ResultT = TypeVar("ResultT")


class AuditRequest(TypedDict):
    """The request of a step that needs nothing but the audit's folder."""

    profile: str
    audit_id: str


class Refusal(TypedDict):
    """The result of an activity that failed; ``retryable``: trying again can help."""

    ok: Literal[False]
    error: str
    retryable: bool


class EndedResult(TypedDict):
    """The result of a step that ends the audit; ``notify``: a notice is to be sent. ``for_policy``: how many subjects
    it has found that the profile's policy would have repaired.
    """

    ok: Literal[True]
    state: str
    outcome: str
    notify: bool
    for_policy: int


class Job(NamedTuple):
    """The audit that a step works for, its profile, and the services."""

    services: Services
    record: RunRecord
    profile: Profile


def folder_of(request: AuditRequest) -> str:
    return f"{request['profile']}/{request['audit_id']}"


async def running(request: AuditRequest, services: Services) -> RunRecord:
    """The record of an audit that has not ended.

    Raises ``RunStoreError`` if there is none, or if it has ended: a cancelled audit's queued work is not done.
    """
    record = await services.records.record_in(folder_of(request))
    if record is None:
        where = services.records.where
        raise RunStoreError(f"There is no audit {request['audit_id']} in {where}. Start a new audit.")
    if record.state.has_ended:
        raise RunStoreError(f"Audit {record.audit_id} has ended ({record.state}); nothing more is done for it.")
    if not record.is_first_attempt:
        services.store.recent.drop_audit(record.folder)  # other processes may have written it again
    return record


def ended_result(services: Services, *, before: RunRecord, ended: RunRecord) -> EndedResult:
    """The result of a step that ends the audit. Logs the event of the end, unless the audit had ended before.

    ``notify`` is also set when the step is repeated, since its first result was then lost with its worker; never for a
    cancelled audit.
    """
    word = "unknown" if ended.outcome is None else ended.outcome.word
    if not before.state.has_ended and ended.state.has_ended:
        tell_end(ended, _found(services, ended, None))
    policy = services.settings.policy_of(ended.parameters.profile)
    return {
        "ok": True,
        "state": ended.state.value,
        "outcome": word,
        "notify": ended.state is not State.CANCELLED and services.settings.notifies_of(word),
        "for_policy": 0 if policy is None else _found(services, ended, policy.repairs) or 0,
    }


def _found(services: Services, ended: RunRecord, repairs: Collection[str] | None) -> int | None:
    """How many subjects an audit has found that a policy of these repairs would have mended; without any, that any
    repair of the profile mends. None without a report.
    """
    profile = services.settings.profiles.get(ended.parameters.profile)
    if profile is None or ended.summary is None:
        return None
    all_repairs = [repair.name for repair in profile.repairs]
    verdicts = profile.mended_by(all_repairs) if repairs is None else profile.approved_by(repairs)
    counts: Mapping[str, int] = ended.summary["counts"]
    return sum(counts.get(verdict, 0) for verdict in verdicts)


async def run_body(body: Callable[[RequestT, Services], Awaitable[ResultT]], request: RequestT) -> ResultT | Refusal:
    """Run an activity's body with this process's services, for ``TIME_LIMIT_SECONDS`` at most.

    Raises nothing: an unexpected error becomes a retryable ``Refusal`` in our own words, and its text goes to the log.
    """
    step = body.__name__
    work, its_id, again = "Audit", request.get("audit_id"), "Resume the audit"
    if its_id is None:
        work, its_id, again = "Repair", request["repair_id"], "See the repair's ledger"
    if request.get("profile") is None:
        words = f"{work} {its_id} was begun by an earlier release, which cannot be continued. Start a new audit."
        return {"ok": False, "error": words, "retryable": False}
    try:
        async with asyncio.timeout(TIME_LIMIT_SECONDS) as limit:
            return await _done(body, request, services())
    except AuditError as error:
        logger.warning("%s %s: %s ended with: %s", work, its_id, step, error)
        return {"ok": False, "error": str(error), "retryable": error.retryable}
    except Exception as error:  # noqa: BLE001 - raised, it would reach callers as the runtime's JSON
        if isinstance(error, TimeoutError) and limit.expired():
            logger.warning("%s %s: %s did not end in %d seconds", work, its_id, step, TIME_LIMIT_SECONDS)
            words = f"The step did not end in {TIME_LIMIT_SECONDS:.0f} seconds. See 'Capacity' in docs/operations.md."
        else:
            tell_unexpected(f"{work} {its_id}: {step} ended in an unexpected error", error)
            words = (
                f"Something went wrong that should not ({type(error).__name__}). The service's log has the details "
                f"under {its_id}. {again}; if it ends like this again, report it with that log."
            )
        return {"ok": False, "error": words, "retryable": True}


async def _done(
    body: Callable[[RequestT, Services], Awaitable[ResultT]], request: RequestT, services: Services
) -> ResultT:
    try:
        return await body(request, services)
    except BaseException:
        # It is tried again, perhaps by another process: what this one has written so far may then be written anew.
        if request.get("audit_id") is not None:
            services.store.recent.drop_audit(f"{request['profile']}/{request['audit_id']}")
        raise
