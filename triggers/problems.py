"""Refusals as RFC 9457 problem documents, and the boundary that turns every exception into one."""

import json
import logging
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any

import azure.functions as func

from adapters.telemetry import tell_unexpected
from reconciliation.errors import (
    AuditError,
    BadRequestError,
    DatabaseRefusedError,
    DatabaseUnavailableError,
    SettingsError,
    StorageRefusedError,
    StorageUnavailableError,
)
from runs.refusals import ForbiddenError, RefusedError

logger = logging.getLogger("capture_audit.http")

_UNAVAILABLE = (
    SettingsError,
    StorageRefusedError,
    StorageUnavailableError,
    DatabaseRefusedError,
    DatabaseUnavailableError,
)


class NotFoundError(RefusedError):
    """There is nothing with the id or name in the request."""


def json_response(
    value: Any, status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None
) -> func.HttpResponse:
    """A JSON response that caches must not store."""
    return func.HttpResponse(
        json.dumps(value, ensure_ascii=False),
        status_code=status.value,
        mimetype="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def problem(status: HTTPStatus, detail: str, **members: Any) -> func.HttpResponse:
    """A problem document. ``detail`` says what, where and what next."""
    document = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail, **members}
    return func.HttpResponse(
        json.dumps(document, ensure_ascii=False),
        status_code=status.value,
        mimetype="application/problem+json",
        headers={"Cache-Control": "no-store"},
    )


async def responded(work: Awaitable[func.HttpResponse]) -> func.HttpResponse:
    """The response of a route, or the problem document for its exception."""
    try:
        return await work
    except BadRequestError as error:
        errors = [{"field": p.field, "value": p.value, "allowed": p.allowed} for p in error.problems]
        return problem(HTTPStatus.BAD_REQUEST, f"The request is not usable. {error}", errors=errors)
    except RefusedError as error:
        status = HTTPStatus.NOT_FOUND if isinstance(error, NotFoundError) else HTTPStatus.CONFLICT
        if isinstance(error, ForbiddenError):
            status = HTTPStatus.FORBIDDEN
        return problem(status, str(error), **error.members)
    except _UNAVAILABLE as error:
        logger.warning("A request could not be served: %s", error)
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
    except AuditError as error:
        logger.warning("A request could not be served: %s", error)
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
    except Exception as error:  # noqa: BLE001
        # Without this the host sends 500 with an empty body.
        tell_unexpected("A request ended in an unexpected error", error)
        return problem(
            HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong that should not. The service's log has the details."
        )
