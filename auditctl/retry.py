"""Executes ``retry``: audits, proposes runs for what needs one, asks, approves, and shows what became of each."""

import sys
from collections.abc import Sequence
from typing import Final

from auditctl.client import Api
from auditctl.errors import AuditctlError, BadUsageError, RefusedError
from auditctl.following import stopped
from auditctl.outcome import Outcome
from auditctl.output import print_json
from auditctl.repair_responses import ACTIVE, DECIDABLE, WAITING, Repair, read_repair
from auditctl.repairs import followed, plan_lines
from auditctl.retrying import Result, Tried, found_in, judged, number_of, settled, skipped_by_reason
from auditctl.stuck import Searched, described, search
from auditctl.stuck_commands import Retry
from auditctl.stuck_words import incomplete, outcomes, summary

MOST_CHANGES: Final = 500
"""The service's limit of changes in one plan."""
DECLINED: Final = "Declined when auditctl retry asked."


def execute_retry(api: Api, command: Retry) -> int:
    """Returns the exit code; raises AuditctlError."""
    _can_be_asked(command)
    searched = search(api, command)
    if isinstance(searched, int):
        return searched
    report, noun = searched.report, searched.startable.noun
    tried: Sequence[Tried] = judged(found_in(report), searched.startable.verdicts)
    if not command.as_json:
        see = f"See what could not be read: {api.service.get_report(report.audit_id)}"
        _print([*incomplete(noun, report, see), f"Found {len(tried)} stuck {noun}(s)", ""])
    repair_id: str | None = None
    refusal: RefusedError | None = None
    if number_of(tried, Result.PLANNED) and not command.dry_run:
        try:
            repair_id = _proposed(api, command, searched, tried)
        except RefusedError as refused:
            if report.complete:
                raise
            refusal = refused
        except KeyboardInterrupt:
            return stopped("Stopped before the service answered; nothing is started without an approval.")
        if repair_id is None:
            tried = _not_proposed(tried)
        else:
            try:
                tried = settled(tried, _applied(api, command, repair_id))
            except KeyboardInterrupt:
                see = api.service.command("repair", "show", repair_id)
                return stopped(f"Stopped; repair {repair_id} is as it is.", see=see)
    _show(command, searched, tried, repair_id)
    if refusal is not None:
        print(f"{refusal.lines()}\nNothing was started.", file=sys.stderr)
    return _outcome(tried, complete=report.complete).value


def _outcome(tried: Sequence[Tried], *, complete: bool) -> Outcome:
    if number_of(tried, Result.FAILED):
        return Outcome.FAILED
    return Outcome.CLEAN if complete else Outcome.INCOMPLETE


def _can_be_asked(command: Retry) -> None:
    """Raises BadUsageError where the runs are neither approved beforehand nor can anybody be asked."""
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty() and not command.as_json
    if not (command.dry_run or command.yes or is_terminal):
        raise BadUsageError(
            "Nobody can be asked here whether the runs are to be started; nothing was done.",
            where="the command line",
            next_step="Give --yes to start them without asking, or --dry-run to see what would be started.",
        )


def _proposed(api: Api, command: Retry, searched: Searched, tried: Sequence[Tried]) -> str:
    """Have a plan made for what needs a run; returns the id of the repair."""
    planned = [one.subject.id for one in tried if one.result is Result.PLANNED]
    body = {"findings": planned[:MOST_CHANGES]} | ({} if command.by is None else {"by": command.by})
    return api.propose(searched.report.audit_id, body).fields.text("id")


def _not_proposed(tried: Sequence[Tried]) -> tuple[Tried, ...]:
    return tuple(
        Tried(one.subject, Result.SKIPPED, "not_proposed") if one.result is Result.PLANNED else one for one in tried
    )


def _applied(api: Api, command: Retry, repair_id: str) -> Repair:
    """The repair when it has ended. Raises AuditctlError if no plan was made, and BadUsageError if it was declined."""
    repair = read_repair(followed(api, repair_id, command.patience, WAITING).fields)
    plan = repair.plan
    if repair.state != DECIDABLE or repair.digest is None or plan is None:
        if plan is not None and plan.left_out and not plan.changes:
            return repair
        raise AuditctlError(
            f"No plan was made (the repair is {repair.state}): {repair.error or 'the service does not say why'}",
            where=f"repair {repair_id}",
            next_step=f"Mend what it names, then try again: {api.service.command('retry', command.profile)}",
        )
    if not command.as_json:
        _print([f"Repair {repair_id}", *plan_lines(repair, plan), ""])
    by = {} if command.by is None else {"by": command.by}
    if not command.yes and not _agreed(len(plan.changes), plan.environment):
        api.ask_repair(repair_id, "reject", {"digest": repair.digest, "reason": DECLINED, **by})
        raise BadUsageError(
            "That is not the number of runs; nothing was started, and the plan was rejected.",
            where=f"repair {repair_id}",
            next_step=f"See what would be started: {api.service.command('retry', command.profile, '--dry-run')}",
        )
    api.ask_repair(repair_id, "approve", {"digest": repair.digest, "reason": command.reason, **by})
    return read_repair(followed(api, repair_id, command.patience, ACTIVE | {DECIDABLE}).fields)


def _agreed(runs: int, environment: str) -> bool:
    noun = "run" if runs == 1 else "runs"
    return input(f"Start {runs} {noun} in {environment}? Type the number of runs: ").strip() == str(runs)


def _show(command: Retry, searched: Searched, tried: Sequence[Tried], repair_id: str | None) -> None:
    if not command.as_json:
        _print([*outcomes(tried), *summary(tried, dry_run=command.dry_run)])
        return
    report = searched.report
    document = {
        "audit_id": report.audit_id,
        "outcome": report.outcome,
        "complete": report.complete,
        "repair_id": repair_id,
        "found": len(tried),
        **{result.value: number_of(tried, result) for result in Result},
        "skipped_by_reason": skipped_by_reason(tried),
        "tried": [
            described(one.subject) | {"result": one.result.value, "detail": one.detail, "note": one.note}
            for one in tried
        ],
    }
    print_json(document)


def _print(lines: Sequence[str]) -> None:
    print("\n".join(lines), flush=True)
