"""How an activity answers: expected failures as data, so that one of them never takes an orchestration down."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Literal, TypedDict, TypeVar

from adapters.services import Services, services
from reconciliation.errors import AuditError

logger = logging.getLogger("capture_audit.activities")

# Under the 30 minutes of host.json: a host that runs into those stops its worker, and all that is at work in it.
TIME_LIMIT_SECONDS = 1500.0

RequestT = TypeVar("RequestT")
AnswerT = TypeVar("AnswerT")


class Refusal(TypedDict):
    """The answer of an activity that could not do its work; ``retryable`` if trying again can help."""

    ok: Literal[False]
    error: str
    retryable: bool


async def answered(body: Callable[[RequestT, Services], Awaitable[AnswerT]], request: RequestT) -> AnswerT | Refusal:
    """Run an activity's body with this process's services, for ``TIME_LIMIT_SECONDS`` at most.

    Unexpected errors are raised, and end as data too.
    """
    try:
        async with asyncio.timeout(TIME_LIMIT_SECONDS) as limit:
            return await body(request, services())
    except TimeoutError:
        if not limit.expired():
            raise
        logger.warning("%s did not end in %d seconds", body.__name__, TIME_LIMIT_SECONDS)
        error = f"The step did not end in {TIME_LIMIT_SECONDS:.0f} seconds. See 'Capacity' in docs/operations.md."
        return {"ok": False, "error": error, "retryable": True}
    except AuditError as error:
        logger.warning("%s ended with: %s", body.__name__, error)
        return {"ok": False, "error": str(error), "retryable": error.retryable}
