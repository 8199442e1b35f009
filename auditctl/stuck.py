"""Executes ``find``: audits a profile, and shows what is stuck."""

import sys
from dataclasses import dataclass, replace

from auditctl.client import Api
from auditctl.fields import Document
from auditctl.following import begun, failure, stopped, stopped_watching
from auditctl.outcome import Outcome
from auditctl.output import choose_output, print_json
from auditctl.responses import read_audit, read_profiles
from auditctl.retrying import is_found
from auditctl.stuck_commands import Find
from auditctl.stuck_report import Startable, StuckReport, Subject, read_report, startable_of
from auditctl.stuck_words import incomplete, others, searching, table
from auditctl.watch import Watched, follow


@dataclass(frozen=True)
class Searched:
    """The report of an audit that was made for a search, and what a new run mends."""

    report: StuckReport
    startable: Startable


def execute_find(api: Api, command: Find) -> int:
    """Returns the exit code; raises AuditctlError."""
    searched = search(api, command)
    if isinstance(searched, int):
        return searched
    report, startable = searched.report, searched.startable
    stuck = [one for one in report.subjects if is_found(one, report.age_minutes)]
    to_start = [one for one in stuck if one.verdict in startable.verdicts]
    rest = [one for one in stuck if one.verdict not in startable.verdicts]
    if command.as_json:
        print_json(_document(report, startable, [*to_start, *rest]))
    else:
        _print(api, command, searched, to_start, rest)
    if not report.complete:
        return Outcome.INCOMPLETE.value
    return (Outcome.FINDINGS if stuck else Outcome.CLEAN).value


def search(api: Api, command: Find) -> Searched | int:
    """Audit, and wait for the report; the exit code if Ctrl-C was pressed. Raises AuditctlError."""
    startable = startable_of(read_profiles(api.profiles().fields), command.profile, api.service)
    if not command.as_json:
        print(searching(startable.noun, command.age_minutes), flush=True)
    try:
        accepted = begun(api, lambda: api.start(command.asked))
    except KeyboardInterrupt:
        what = "Stopped before the service answered; it may have accepted the audit."
        return stopped(what, look=api.service.command("list"))
    audit_id = read_audit(accepted.fields).id
    try:
        watched = _watched(api, audit_id, command)
        report = read_report(api.report(audit_id).fields, startable.noun)
    except KeyboardInterrupt:
        return stopped_watching(api, audit_id)
    is_complete = report.complete and watched.audit.outcome is not Outcome.INCOMPLETE
    return Searched(replace(report, complete=is_complete), startable)


def _watched(api: Api, audit_id: str, command: Find) -> Watched:
    """Watch an audit to its end. On a terminal a bar shows how far it is, and elsewhere only troubles are told."""
    output = choose_output(api.service, as_json=command.as_json or not sys.stdout.isatty())
    try:
        watched = follow(api, audit_id, output, command.patience)
    finally:
        output.close()
    if watched.audit.outcome is Outcome.FAILED:
        raise failure(api.service, watched.audit, command.patience)
    return watched


def _print(api: Api, command: Find, searched: Searched, to_start: list[Subject], rest: list[Subject]) -> None:
    report, noun = searched.report, searched.startable.noun
    lines = list(incomplete(noun, report, f"See what could not be read: {api.service.get_report(report.audit_id)}"))
    if to_start:
        lines += [f"Found {len(to_start)} stuck {noun}(s):", "", *table(to_start), ""]
    else:
        lines += [f"No stuck {noun}s found{'' if report.complete else ' in what was read'} that need a new run.", ""]
    if rest:
        lines += [*others(rest, noun), ""]
    if to_start:
        lines += [f"To retry these {noun}s, run:"]
        lines += [f"  {api.service.command('retry', command.profile, *command.age_words)}"]
    else:
        lines += [f"Audit {report.audit_id}: {report.headline}"]
    print("\n".join(lines), flush=True)


def _document(report: StuckReport, startable: Startable, stuck: list[Subject]) -> Document:
    return {
        "audit_id": report.audit_id,
        "outcome": report.outcome,
        "complete": report.complete,
        "headline": report.headline,
        "found": [described(one) | {"needs_a_run": one.verdict in startable.verdicts} for one in stuck],
    }


def described(one: Subject) -> dict[str, object]:
    """A subject as JSON."""
    return {
        "id": one.id,
        "name": one.name,
        "status": one.status,
        "age_minutes": one.age_minutes,
        "tenant_id": one.tenant_id,
        "verdict": one.verdict,
        "reason": one.reason,
        "next_step": one.next_step,
    }
