"""The command line of repairs: ``auditctl repair ...``."""

import argparse
from pathlib import Path
from typing import Any

import shtab

from auditctl.commands import Command
from auditctl.options import (
    Parser,
    count_from_1,
    id_argument,
    json_argument,
    repeatable,
    wait_argument,
    watch_arguments,
)
from auditctl.repair_commands import (
    ApproveRepair,
    ExportRepair,
    GivePseudonym,
    ListPolicies,
    ListRepairs,
    ProposeRepair,
    RejectRepair,
    ResumePolicy,
    ShowRepair,
    StopRepair,
    UndoRepair,
)

_REPAIR = """\
Repair what an audit has found: a plan is made, a person approves exactly that plan, and it is applied under guards.
Nothing is changed before the approval.
"""
_APPROVE = """\
Approve exactly the plan with this digest: it is applied from now on. On a terminal the plan is shown first, and the
name of its environment and the number of its changes have to be typed. With --wait the exit code is 0 if everything was
applied, 3 if only some of it was, 4 if nothing was.
"""


def add_repair_commands(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add ``repair`` with its commands."""
    group = commands.add_parser(
        "repair", help="plan, approve, apply and undo repairs of what was found", description=_REPAIR
    )
    repairs = group.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, kind: type[Command], summary: str, description: str = "") -> Parser:
        added: Parser = repairs.add_parser(name, help=summary, description=description or f"{summary.capitalize()}.")
        added.add_argument("--url", default=argparse.SUPPRESS, help="the API's address, as before the command")
        added.set_defaults(kind=kind)
        return added

    plan = command("plan", ProposeRepair, "have a plan made for findings of an audit, and show it")
    id_argument(plan)
    repeatable(plan, "--verdict", dest="verdicts", metavar="VERDICT", summary="only findings with this verdict")
    repeatable(plan, "--only", dest="only", metavar="ID", summary="only the finding about this subject")
    plan.add_argument("--max", dest="most", type=count_from_1, metavar="N", help="at most N changes")
    by_argument(plan)
    watch_arguments(plan)
    show = command("show", ShowRepair, "show a repair: its plan, the decision, and how each change ended")
    _repair_argument(show)
    json_argument(show)
    listing = command("list", ListRepairs, "list the repairs, newest first")
    listing.add_argument("--profile", help="of this profile (default: the service's first)")
    listing.add_argument("--limit", type=count_from_1, metavar="N", help="at most N repairs")
    json_argument(listing)
    approve = command("approve", ApproveRepair, "approve a plan, which is applied then", _APPROVE)
    _decision_arguments(approve)
    approve.add_argument("--sure", action="store_true", help="ask nothing on a terminal")
    wait_argument(approve, what="repair")
    watch_arguments(approve)
    _decision_arguments(command("reject", RejectRepair, "reject a plan, which is never applied then"))
    stop = command("stop", StopRepair, "stop a repair before its next change")
    _repair_argument(stop)
    by_argument(stop)
    undo = command("undo", UndoRepair, "have a plan made that takes back what a repair has done, and show it")
    _repair_argument(undo)
    by_argument(undo)
    watch_arguments(undo)
    json_argument(command("policies", ListPolicies, "show what is repaired without a person, and whether it is so now"))
    resume = command("resume", ResumePolicy, "let a policy go on that has paused itself")
    resume.add_argument("profile", metavar="PROFILE", help="whose policy; the command policies shows them")
    resume.add_argument("--reason", required=True, metavar="TEXT", help="why; without names of witnesses")
    by_argument(resume)
    rename = command("pseudonym", GivePseudonym, "let somebody be called otherwise in a repair that has ended")
    _repair_argument(rename)
    rename.add_argument("--name", required=True, help="the name that the repair shows")
    rename.add_argument("--pseudonym", required=True, metavar="TEXT", help="what to call the person instead")
    by_argument(rename)
    export = command("export", ExportRepair, "save plan, decision, ledger and verification in one file, for an auditor")
    _repair_argument(export)
    output = export.add_argument("--output", type=Path, required=True, metavar="FILE", help="write it to FILE")
    output.complete = shtab.FILE  # type: ignore[attr-defined]  # read by the completion of shells


def _decision_arguments(parser: Parser) -> None:
    _repair_argument(parser)
    parser.add_argument("--digest", required=True, help="the digest of the plan that was read")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why; without names of witnesses")
    by_argument(parser)


def by_argument(parser: Parser) -> None:
    parser.add_argument("--by", metavar="NAME", help="who asks; not needed where the platform says so")


def _repair_argument(parser: Parser) -> None:
    id_argument(parser, dest="repair_id", what="repair", shown_by="repair list")
