"""How an activity answers: failures as data, so that one of them never takes an orchestration down."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, TypedDict, TypeVar

from adapters.services import Services, services
from adapters.telemetry import tell_unexpected
from reconciliation.errors import AuditError

logger = logging.getLogger("capture_audit.activities")

# Under the 30 minutes of host.json: a host that runs into those stops its worker, and all that is at work in it.
TIME_LIMIT_SECONDS = 1500.0

RequestT = TypeVar("RequestT", bound=Mapping[str, object])
AnswerT = TypeVar("AnswerT")


class Refusal(TypedDict):
    """The answer of an activity that could not do its work; ``retryable`` if trying again can help."""

    ok: Literal[False]
    error: str
    retryable: bool


async def answered(body: Callable[[RequestT, Services], Awaitable[AnswerT]], request: RequestT) -> AnswerT | Refusal:
    """Run an activity's body with this process's services, for ``TIME_LIMIT_SECONDS`` at most.

    Raises nothing: what was not expected is told in our own words, and may be tried again; what it says of itself goes
    to the log.
    """
    step, audit_id = body.__name__, request["audit_id"]
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
