"""What all commands that start or watch an audit have in common: refusals, failures, and Ctrl-C."""

import sys
from collections.abc import Callable

from auditctl.client import Api, Response
from auditctl.errors import AuditctlError, RefusedError, UnexpectedResponseError
from auditctl.outcome import STOPPED_BY_CTRL_C
from auditctl.responses import Audit
from auditctl.service import Service


def begun(api: Api, ask: Callable[[], Response]) -> Response:
    """Start an audit with ``ask``. Raises AuditctlError; where another one is in the way, it says which."""
    try:
        return ask()
    except RefusedError as refusal:
        if refusal.active_id is not None:
            refusal.what += f"\n  active audit: {refusal.active_id}"
            refusal.next_step = f"Watch the active one: {api.service.command('watch', refusal.active_id)}"
        raise


def failure(service: Service, audit: Audit, patience_seconds: float) -> AuditctlError:
    """Why an audit that is no longer watched counts as failed."""
    where = service.audit_url(audit.id)
    if not audit.ended:
        return AuditctlError(
            f"The audit was interrupted and not resumed within {patience_seconds:g} s.",
            where=where,
            next_step=f"Resume it: {service.command('resume', audit.id, '--wait')}",
        )
    if audit.has_report:
        stated = f"{audit.outcome_word} ({audit.outcome_code})"
        return UnexpectedResponseError(
            f"The audit is {audit.state}, but its outcome is not a known one: {stated}.", where=where
        )
    reason = f": {audit.error}" if audit.error else "."
    if audit.state == "cancelled":
        what = "was cancelled"
        next_step = f"Start another: {service.command('run', '--profile', audit.profile, '--wait')}"
    else:
        what = "failed"
        again = service.command("resume", audit.id, "--wait")
        next_step = f"Mend what it names. Then, unless it asks for a new audit, resume it: {again}"
    return AuditctlError(
        f"The audit {what}{reason}",
        where=where,
        next_step=next_step,
    )


def stopped(what: str, **commands: str) -> int:
    """Print after Ctrl-C what goes on and which commands help. Returns the exit code."""
    lines = [what, *(f"  {name + ':':<8} {command}" for name, command in commands.items())]
    print("\n".join(lines), file=sys.stderr)
    return STOPPED_BY_CTRL_C


def stopped_watching(api: Api, audit_id: str) -> int:
    """Print after Ctrl-C that the audit goes on. Returns the exit code."""
    again, cancel = (api.service.command(name, audit_id) for name in ("watch", "cancel"))
    return stopped(f"Stopped watching; audit {audit_id} goes on.", watch=again, cancel=cancel)
