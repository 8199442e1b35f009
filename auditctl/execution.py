"""Executes one command: calls the service, prints, and returns the exit code."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from auditctl.client import Api, Response, connect
from auditctl.commands import (
    STANDARD_OUTPUT,
    Cancel,
    Command,
    DeadLetters,
    Following,
    Health,
    ListAudits,
    Profiles,
    Report,
    Resume,
    Run,
    Watch,
)
from auditctl.errors import AuditctlError, RefusedError
from auditctl.following import begun, failure, stopped, stopped_watching
from auditctl.outcome import Outcome
from auditctl.output import choose_output, print_json
from auditctl.policies import execute_policy
from auditctl.repair_commands import ListPolicies, ResumePolicy
from auditctl.repairs import execute_repair
from auditctl.report import print_report, save_report
from auditctl.responses import (
    read_audit,
    read_audits,
    read_dead_letters,
    read_health,
    read_profiles,
    read_unreadable,
)
from auditctl.retry import execute_retry
from auditctl.service import Service
from auditctl.stuck import execute_find
from auditctl.stuck_commands import Find, Retry
from auditctl.watch import follow

MOST_SHOWN: Final = 200
"""The service's limit of audits in one response."""


def execute(command: Command, service: Service) -> int:
    """Returns the exit code; raises AuditctlError."""
    code = Outcome.CLEAN.value
    with connect(service) as api:
        match command:
            case Run():
                code = _begin(api, command, lambda: api.start(command.body()), wait=command.wait)
            case Watch():
                code = _watch(api, command.audit_id, command)
            case ListAudits():
                _list(api, command)
            case Report():
                _report(api, command)
            case Cancel():
                _cancel(api, command)
            case Resume(audit_id=audit_id):
                code = _begin(api, command, lambda: api.resume(audit_id), wait=command.wait)
            case DeadLetters():
                code = _dead_letters(api, command)
            case Profiles() | Health():
                code = _service(api, command)
            case _:
                code = _changing(api, command)
    return code


def _changing(api: Api, command: Command) -> int:
    """Commands about what is to be mended, or that mend it."""
    match command:
        case Retry():  # which is a Find, too
            return execute_retry(api, command)
        case Find():
            return execute_find(api, command)
        case ListPolicies() | ResumePolicy():
            return execute_policy(api, command)
        case _:
            return execute_repair(api, command)


def _begin(api: Api, command: Following, ask: Callable[[], Response], *, wait: bool) -> int:
    """Start an audit, or start one again, with ``ask``; then watch it, or print that it was accepted."""
    try:
        response = begun(api, ask)
    except KeyboardInterrupt:
        what = "Stopped before the service answered; it may have accepted the audit."
        return stopped(what, look=api.service.command("list"))
    accepted = read_audit(response.fields)
    if wait:
        return _watch(api, accepted.id, command, response)
    if command.as_json:
        print_json(response.document)
    else:
        choose_output(api.service).accepted(accepted)
    return Outcome.CLEAN.value


def _watch(api: Api, audit_id: str, command: Following, first: Response | None = None) -> int:
    output = choose_output(api.service, as_json=command.as_json)
    try:
        watched = follow(api, audit_id, output, command.patience, first)
    except KeyboardInterrupt:
        output.close()
        return stopped_watching(api, audit_id)
    finally:
        output.close()
    if command.as_json:
        print_json(watched.document)
    elif watched.audit.ended:
        output.ended(watched.audit)
    if watched.audit.outcome is Outcome.FAILED:
        raise failure(api.service, watched.audit, command.patience)
    return watched.audit.outcome.value


def _dead_letters(api: Api, command: DeadLetters) -> int:
    audit_id = command.audit_id
    if command.replay:
        return _begin(api, command, lambda: api.replay(audit_id), wait=command.wait)
    if command.discard:
        response = api.discard(audit_id, {"reason": command.reason, "by": command.by})
    else:
        response = api.dead_letters(audit_id)
    letters = read_dead_letters(response.fields)
    if command.as_json:
        print_json(response.document)
        return Outcome.CLEAN.value
    output = choose_output(api.service)
    output.dead_letters(audit_id, letters)
    if command.discard:
        output.done(f"Discarded. A new report is being written; watch it: {api.service.command('watch', audit_id)}")
    return Outcome.CLEAN.value


def _list(api: Api, command: ListAudits) -> None:
    response = api.audits(command.profile, command.limit)
    audits, unreadable = read_audits(response.fields), read_unreadable(response.fields)
    if command.as_json:
        print_json(response.document)
    else:
        choose_output(api.service).audits(audits, unreadable)


def _report(api: Api, command: Report) -> None:
    audit_id = command.audit_id or _latest(api, command.profile)
    try:
        if command.output == STANDARD_OUTPUT:
            print_report(api, audit_id, command.report_format)
        else:
            save_report(api, audit_id, command.report_format, command.output)
            choose_output(api.service).done(f"Report written to {command.output}")
    except RefusedError as refusal:
        if refusal.status == HTTPStatus.CONFLICT:
            refusal.next_step = f"Wait for its end: {api.service.command('watch', audit_id)}"
        raise


def _latest(api: Api, profile: str | None) -> str:
    """The id of the newest audit that has a report. Raises AuditctlError if none of the newest has one."""
    response = api.audits(profile, MOST_SHOWN)
    found = next((audit.id for audit in read_audits(response.fields) if audit.has_report), None)
    if found is None:
        raise AuditctlError(
            "There is no report yet" + (f" of the profile {profile}." if profile else "."),
            where=response.where,
            next_step=f"Audit first: {api.service.command('run', '--wait')}",
        )
    return found


def _cancel(api: Api, command: Cancel) -> None:
    api.cancel(command.audit_id)
    watch = api.service.command("watch", command.audit_id)
    choose_output(api.service).done(f"Cancelling audit {command.audit_id}. See it end: {watch}")


def _service(api: Api, command: Profiles | Health) -> int:
    if isinstance(command, Profiles):
        choose_output(api.service).profiles(read_profiles(api.profiles().fields))
        return Outcome.CLEAN.value
    health = read_health(api.health().fields)
    choose_output(api.service).health(health)
    return (Outcome.CLEAN if health.ok else Outcome.FAILED).value
