"""Turns the service's refusals (``application/problem+json``) into errors that an operator can act on."""

import json
from http import HTTPStatus
from typing import Final

import httpx

from auditctl.errors import AuditctlError, RefusedError, UnavailableError, UnexpectedResponseError
from auditctl.fields import Fields, printable
from auditctl.outcome import Outcome
from auditctl.service import KEY_VARIABLE, Service

TRANSIENT: Final = frozenset({429, 502, 503, 504})
REFUSALS: Final = frozenset({400, 404, 409})
NOT_ALLOWED: Final = frozenset({401, 403})


def error_from(response: httpx.Response, service: Service, where: str, retry_after: float | None) -> AuditctlError:
    """The error for a response that is not a success, whatever its body is."""
    status = response.status_code
    problem = _members(response, service, where)
    what = _summary(problem, _reason(status)) or f"The service answered {status} {_reason(status)}."
    where = f"{where} answered {status} {_reason(status)}"
    next_step = _next_step(status, service, is_problem=bool(problem.members))
    if status in TRANSIENT:
        return UnavailableError(what, where=where, next_step=next_step, retry_after=retry_after)
    if status in REFUSALS or status in NOT_ALLOWED or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        outcome = Outcome.BAD_USAGE if status in REFUSALS else Outcome.FAILED
        active_id = _lenient_text(problem, "active_id") or None
        return RefusedError(what, where=where, next_step=next_step, outcome=outcome, status=status, active_id=active_id)
    return UnexpectedResponseError(what, where=where)


def _members(response: httpx.Response, service: Service, where: str) -> Fields:
    try:
        document = service.without_secrets(json.loads(response.content))
    except (ValueError, RecursionError):
        document = None
    return Fields(document if isinstance(document, dict) else {}, where)


def _summary(problem: Fields, reason: str) -> str:
    """Title and detail, then a line per refused field, without repetitions."""
    title, detail, refused = _lenient_text(problem, "title"), _lenient_text(problem, "detail"), _refused_fields(problem)
    if refused and all(allowed in detail for _, allowed in refused):
        detail = ""
    if detail and title == reason:
        title = ""
    sentence = f"{title.rstrip('.')}: {detail}" if title and detail else title or detail
    return "\n  ".join([sentence or reason, *(line for line, _ in refused)]) if sentence or refused else ""


def _refused_fields(problem: Fields) -> list[tuple[str, str]]:
    """For each refused field a line with its name, its value and what is allowed; and the latter alone."""
    errors = problem.members.get("errors")
    found = []
    for each in errors if isinstance(errors, list) else []:
        if isinstance(each, dict):
            name, given, allowed = (_shown(each.get(member)) for member in ("field", "value", "allowed"))
            found.append((f"{name}: got {given}; allowed: {allowed}", allowed))
    return found


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in value)
    return printable(value if isinstance(value, str) else json.dumps(value))


def _lenient_text(problem: Fields, name: str) -> str:
    value = problem.members.get(name)
    return printable(value) if isinstance(value, str) else ""


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "(not a known status)"


def _next_step(status: int, service: Service, *, is_problem: bool) -> str:
    if status in NOT_ALLOWED:
        return f"Put a function key of this app in the environment variable {KEY_VARIABLE}."
    if status == HTTPStatus.NOT_FOUND and not is_problem:
        return "Check the service's address (--url or AUDITCTL_URL); the API's ends in /api."
    if status == HTTPStatus.NOT_FOUND:
        return f"See which audits there are: {service.command('list')}"
    if status == HTTPStatus.BAD_REQUEST:
        return f"Correct the request; what can be audited: {service.command('profiles')}"
    if status == HTTPStatus.CONFLICT:
        return f"See what is going on: {service.command('list')}"
    before = "Mend what it names, then see" if is_problem else "See"
    return f"{before} whether the service is well: {service.command('health')}"
