"""How an activity answers: expected failures as data, so that one of them never takes an orchestration down."""

import logging
from collections.abc import Awaitable, Callable
from typing import Literal, TypedDict, TypeVar

from adapters.services import Services, services
from reconciliation.errors import AuditError

logger = logging.getLogger("capture_audit.activities")

RequestT = TypeVar("RequestT")
AnswerT = TypeVar("AnswerT")


class Refusal(TypedDict):
    """The answer of an activity that could not do its work; ``retryable`` if trying again can help."""

    ok: Literal[False]
    error: str
    retryable: bool


async def answered(body: Callable[[RequestT, Services], Awaitable[AnswerT]], request: RequestT) -> AnswerT | Refusal:
    """Run an activity's body with this process's services. Unexpected errors are raised, and end as data too."""
    try:
        return await body(request, services())
    except AuditError as error:
        logger.warning("%s ended with: %s", body.__name__, error)
        return {"ok": False, "error": str(error), "retryable": error.retryable}
