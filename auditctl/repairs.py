"""Executes the commands about repairs."""

import sys
import time
from collections.abc import Iterator, Mapping
from hashlib import sha256

from auditctl.client import Api, Response
from auditctl.commands import Command
from auditctl.errors import BadUsageError, UnavailableError, UnexpectedResponseError
from auditctl.outcome import Outcome
from auditctl.output import choose_output, print_json
from auditctl.repair_commands import (
    ApproveRepair,
    ExportRepair,
    GivePseudonym,
    ListRepairs,
    ProposeRepair,
    RejectRepair,
    ShowRepair,
    StopRepair,
    UndoRepair,
)
from auditctl.repair_responses import ACTIVE, DECIDABLE, WAITING, Plan, Repair, read_repair
from auditctl.report import save_document
from auditctl.service import Service
from auditctl.watch import DELAY_GROWTH, FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS, Patience


def execute_repair(api: Api, command: Command) -> int:
    """Returns the exit code; raises AuditctlError."""
    match command:
        case ProposeRepair():
            return _planned(api, api.propose(command.audit_id, command.body()), command)
        case UndoRepair():
            return _planned(api, api.ask_repair(command.repair_id, "undo", _given(by=command.by)), command)
        case ApproveRepair():
            return _approve(api, command)
        case ListRepairs():
            _list(api, command)
        case ShowRepair():
            _show(api, command)
        case RejectRepair():
            given = _given(digest=command.digest, reason=command.reason, by=command.by)
            api.ask_repair(command.repair_id, "reject", given)
            choose_output(api.service).done(f"Rejected. Repair {command.repair_id} is never applied.")
        case StopRepair():
            api.ask_repair(command.repair_id, "stop", _given(by=command.by))
            see = api.service.command("repair", "show", command.repair_id)
            choose_output(api.service).done(f"It stops before its next change. See: {see}")
        case ExportRepair():
            _export(api, command)
        case GivePseudonym():
            given = _given(name=command.name, pseudonym=command.pseudonym, by=command.by)
            people = api.ask_repair(command.repair_id, "pseudonym", given).fields.whole("people")
            choose_output(api.service).done(f"Done: {people} of repair {command.repair_id} are called that.")
    return Outcome.CLEAN.value


def _show(api: Api, command: ShowRepair) -> None:
    response = api.repair(command.repair_id)
    if command.as_json:
        print_json(response.document)
    else:
        _print(lines_of(read_repair(response.fields), api.service))


def _export(api: Api, command: ExportRepair) -> None:
    """Save all that is kept of a repair, and hold its plan against its digest and what was decided about. Raises
    UnexpectedResponseError if it is not of that.
    """
    response = api.exported_repair(command.repair_id)
    plan, digest = response.fields.optional_text("plan"), response.fields.optional_text("digest")
    decided = response.fields.inner("decision").optional_text("digest")
    if plan is not None and (sha256(plan.encode()).hexdigest() != digest or decided not in {None, digest}):
        raise UnexpectedResponseError(
            "The plan is not that of its digest; nothing was saved.",
            where=f"repair {command.repair_id}",
        )
    save_document(response.document, command.output)
    choose_output(api.service).done(f"Repair written to {command.output}")


def _given(**values: str | None) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _planned(api: Api, accepted: Response, command: ProposeRepair | UndoRepair) -> int:
    """Wait for the plan and print it."""
    response = followed(api, accepted.fields.text("id"), command.patience, WAITING)
    repair = read_repair(response.fields)
    if command.as_json:
        print_json(response.document)
    else:
        _print(lines_of(repair, api.service))
    return Outcome.CLEAN.value if repair.state == DECIDABLE else Outcome.FAILED.value


def _approve(api: Api, command: ApproveRepair) -> int:
    if not command.sure and sys.stdin.isatty() and sys.stdout.isatty():
        _ask_whether_sure(read_repair(api.repair(command.repair_id).fields), command, api.service)
    given = _given(digest=command.digest, reason=command.reason, by=command.by)
    accepted = api.ask_repair(command.repair_id, "approve", given)
    if not command.wait:
        see = api.service.command("repair", "show", command.repair_id)
        if command.as_json:
            print_json(accepted.document)
        else:
            choose_output(api.service).done(f"Approved: it is applied from now on. See: {see}")
        return Outcome.CLEAN.value
    response = followed(api, command.repair_id, command.patience, ACTIVE | {DECIDABLE})
    repair = read_repair(response.fields)
    if command.as_json:
        print_json(response.document)
    else:
        _print(lines_of(repair, api.service))
    return repair.outcome.value


def _ask_whether_sure(repair: Repair, command: ApproveRepair, service: Service) -> None:
    """Show the plan, and have the name of its environment and the number of its changes typed. Raises BadUsageError."""
    if repair.plan is None:
        return
    _print(lines_of(repair, service))
    wanted = (repair.plan.environment, str(len(repair.plan.changes)))
    typed = (
        input("Type the name of the environment that is changed: ").strip(),
        input("Type the number of changes: ").strip(),
    )
    if typed != wanted:
        raise BadUsageError(
            "That is not the environment and the number of changes of this plan; nothing was approved.",
            where=f"repair {command.repair_id}",
            next_step=f"Read it again: {service.command('repair', 'show', command.repair_id)}",
        )


def followed(api: Api, repair_id: str, patience_seconds: float, while_in: frozenset[str]) -> Response:
    """Poll a repair until it is in another state; lost connections are waited out."""
    patience, delay, told = Patience(patience_seconds), FIRST_DELAY_SECONDS, ""
    while True:
        try:
            response = api.repair(repair_id)
        except UnavailableError:
            if patience.spend() <= 0:
                raise
        else:
            patience.restore()
            repair = read_repair(response.fields)
            if repair.state not in while_in:
                return response
            line = _progress(repair)
            if line != told:
                told = line
                print(line, file=sys.stderr, flush=True)
        time.sleep(delay)
        delay = min(delay * DELAY_GROWTH, LONGEST_DELAY_SECONDS)


def _progress(repair: Repair) -> str:
    counts = repair.counts
    until = f", goes on at {repair.until}" if repair.until else ""
    done = f": {counts['planned'] - counts.get('open', 0)} of {counts['planned']} changes" if "open" in counts else ""
    return f"Repair {repair.id} is {repair.state}{done}{until}"


def _list(api: Api, command: ListRepairs) -> None:
    response = api.repairs(command.profile, command.limit)
    if command.as_json:
        print_json(response.document)
        return
    repairs = [read_repair(one) for one in response.fields.objects("repairs")]
    for repair in repairs:
        counts = ", ".join(f"{count} {name}" for name, count in repair.counts.items() if count)
        by = f"by {repair.proposed_by}" if repair.proposed_by else ""
        _print([f"{repair.id}  {repair.state:<14}  of audit {repair.audit_id}  {counts}  {by}".rstrip()])
    for path in response.fields.texts("unreadable"):
        _print([f"cannot be read: {path}"])
    if not repairs:
        _print(["There is no repair yet."])


def lines_of(repair: Repair, service: Service) -> Iterator[str]:
    """A repair in words: its state, each change, what was left out, and what can be done next."""
    yield f"Repair {repair.id} of profile {repair.profile}: {repair.state}"
    if repair.error:
        yield f"  error: {repair.error}"
    if repair.plan is not None:
        yield from plan_lines(repair, repair.plan)
    if repair.state == DECIDABLE and repair.digest:
        yield f"  digest: {repair.digest}"
        words = (
            "repair",
            "approve",
            repair.id,
            "--digest",
            repair.digest,
            "--by",
            "NAME",
            "--reason",
            "TEXT",
            "--wait",
        )
        yield f"  approve it: {service.command(*words)}"


def plan_lines(repair: Repair, plan: Plan) -> Iterator[str]:
    """A plan in words: where, each change with its facts and its ending, what was left out, and notes."""
    what = f"takes back {repair.undoes}" if repair.undoes else f"of audit {repair.audit_id}"
    yield f"  {len(plan.changes)} changes in {plan.environment}, {what}, proposed by {repair.proposed_by or 'nobody'}"
    for change in plan.changes:
        ending = f" [{change.ending}]" if change.ending else ""
        yield f"  {change.number:>3}. {change.says}{ending}"
        if change.why:
            yield f"       {change.why}"
        yield from _facts(change.shown)
        if change.left_to_people:
            yield f"       left to people: {change.left_to_people}"
    for subject, why in plan.left_out:
        yield f"  left out: {subject}: {why}"
    for note in plan.notes:
        yield f"  note: {note}"
    if repair.state == DECIDABLE:
        yield f"  expires: {plan.expires_at}"


def _facts(shown: Mapping[str, str]) -> Iterator[str]:
    for name, value in shown.items():
        yield f"       {name.replace('_', ' ')}: {value}"


def _print(lines: Iterator[str] | list[str]) -> None:
    print("\n".join(lines), flush=True)
