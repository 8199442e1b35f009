"""What all steps have in common: their requests, the audit that they work for, and how they answer.

Failures are answered as data, so that one of them never takes an orchestration down.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, NamedTuple, TypedDict, TypeVar

from adapters.services import Services, services
from adapters.telemetry import tell_end, tell_unexpected
from reconciliation.errors import AuditError, RunStoreError
from reconciliation.lifecycle import State
from reconciliation.profile import Profile
from reconciliation.run_record import RunRecord

logger = logging.getLogger("capture_audit.activities")

# Under the 30 minutes of host.json: a host that runs into those stops its worker, and all that is at work in it.
TIME_LIMIT_SECONDS = 1500.0

RequestT = TypeVar("RequestT", bound=Mapping[str, object])
AnswerT = TypeVar("AnswerT")


class AuditRequest(TypedDict):
    """The request of a step that finds all it needs in the audit's folder."""

    profile: str
    audit_id: str


class Refusal(TypedDict):
    """The answer of an activity that could not do its work; ``retryable`` if trying again can help."""

    ok: Literal[False]
    error: str
    retryable: bool


class EndedAnswer(TypedDict):
    """The answer of a step that ends the audit; ``notify`` if people want to be told of such an end."""

    ok: Literal[True]
    state: str
    outcome: str
    notify: bool


class Job(NamedTuple):
    """The audit that a step works for, with all it may use."""

    services: Services
    record: RunRecord
    profile: Profile


def folder_of(request: AuditRequest) -> str:
    """Where the artefacts of a request's audit are."""
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
    return record


def ended_answer(services: Services, *, before: RunRecord, ended: RunRecord) -> EndedAnswer:
    """The answer of a step that ends the audit, told of as an event unless the audit had ended before.

    People are told also when the step is done a second time: its first answer was lost with its worker. Nobody is told
    of what was cancelled.
    """
    word = "unknown" if ended.outcome is None else ended.outcome.word
    if not before.state.has_ended and ended.state.has_ended:
        tell_end(ended)
    return {
        "ok": True,
        "state": ended.state.value,
        "outcome": word,
        "notify": ended.state is not State.CANCELLED and services.settings.notifies_of(word),
    }


async def answered(body: Callable[[RequestT, Services], Awaitable[AnswerT]], request: RequestT) -> AnswerT | Refusal:
    """Run an activity's body with this process's services, for ``TIME_LIMIT_SECONDS`` at most.

    Raises nothing: what was not expected is told in our own words, and may be tried again; what it says of itself goes
    to the log.
    """
    step, audit_id = body.__name__, request["audit_id"]
    if request.get("profile") is None:
        words = f"Audit {audit_id} was begun by an earlier release, which cannot be gone on with. Start a new audit."
        return {"ok": False, "error": words, "retryable": False}
    try:
        async with asyncio.timeout(TIME_LIMIT_SECONDS) as limit:
            return await body(request, services())
    except AuditError as error:
        logger.warning("Audit %s: %s ended with: %s", audit_id, step, error)
        return {"ok": False, "error": str(error), "retryable": error.retryable}
    except Exception as error:  # noqa: BLE001 - raised, it would reach callers as the runtime's JSON
        if isinstance(error, TimeoutError) and limit.expired():
            logger.warning("Audit %s: %s did not end in %d seconds", audit_id, step, TIME_LIMIT_SECONDS)
            words = f"The step did not end in {TIME_LIMIT_SECONDS:.0f} seconds. See 'Capacity' in docs/operations.md."
        else:
            tell_unexpected(f"Audit {audit_id}: {step} ended in an unexpected error", error)
            words = (
                f"Something went wrong that should not ({type(error).__name__}). The service's log has the details "
                f"under {audit_id}. Resume the audit; if it ends like this again, report it with that log."
            )
        return {"ok": False, "error": words, "retryable": True}
