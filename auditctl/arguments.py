"""The command line: its arguments and help texts."""

import argparse
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import shtab

from auditctl.commands import (
    STANDARD_OUTPUT,
    Cancel,
    Command,
    DeadLetters,
    Health,
    ListAudits,
    Profiles,
    Report,
    Resume,
    Run,
    Watch,
)
from auditctl.options import (
    Parser,
    count_from_0,
    count_from_1,
    id_argument,
    json_argument,
    option,
    repeatable,
    wait_argument,
    watch_arguments,
)
from auditctl.outcome import exit_code_table
from auditctl.program import NAME, command_line
from auditctl.repair_arguments import add_repair_commands
from auditctl.service import DEFAULT_URL, KEY_VARIABLE, URL_VARIABLE
from auditctl.stuck_arguments import FIND, RETRY, find_arguments, retry_arguments
from auditctl.stuck_commands import Find, Retry

_DESCRIPTION: Final = "Start audits, watch them and fetch their reports."
_RUN: Final = """\
Start an audit. Without --wait the exit code is 0 once the service has accepted it; with --wait it is the outcome's.
What you leave out is the default of the profile.
"""
_WATCH: Final = """\
Watch an audit to its end. The exit code is the outcome's: 0 clean, 1 findings, 3 incomplete, 4 failed.
Ctrl-C stops the watching (exit code 130), never the audit.
"""
_RESUME: Final = """\
Start an audit again that was interrupted or failed, under the same id; what it had finished is kept. Without --wait the
exit code is 0 once the service has accepted it; with --wait it is the outcome's. 2 if there is nothing to resume.
"""
_DEAD_LETTERS: Final = """\
Show the parts of the account (shards) that an audit could not read to their end, with their errors.

Once the cause is mended, --replay scans just those again and writes a new report: the audit is complete if all of it
could be read this time. --discard decides that they stay unread; the reason and the name are kept in the report, and
the audit stays incomplete.
"""
_EPILOG: Final = f"""\
environment:
  {URL_VARIABLE}   the API's address, if not {DEFAULT_URL}
  {KEY_VARIABLE}   the function key; it is read from here only and never printed

exit codes (the service's answers use the same numbers and words):
{exit_code_table()}

examples:
  {command_line("run", "--wait")}
  {command_line("run", "--since", "2026-01-01T00:00:00Z", "--mode", "fast", "--json")}
  {command_line("report", "--latest", "--format", "html", "--output", "report.html")}
  {command_line("report", "AUDIT_ID", "--format", "csv", "--output", "findings.csv")}
  {command_line("dead-letters", "AUDIT_ID", "--replay", "--wait")}

On a terminal you see a progress bar and a summary; in a pipe, plain key=value lines; with --json, JSON only.
"""


def parse(arguments: Sequence[str] | None) -> Command:
    """The command. Raises SystemExit after ``--help``, and with code 2 after an error."""
    parser = _parser(command_line())
    found, unknown = parser.parse_known_args(arguments)
    if unknown:
        options = [word.partition("=")[0] if word.startswith("--") else word[:2] for word in unknown if word[:1] == "-"]
        parser.error(f"unknown option {', '.join(options)}" if options else "unexpected argument")
    typed = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in vars(found).items()
        if name != "kind"
    }
    command: Command = found.kind(**typed)
    if command.fault:
        parser.error(command.fault)
    return command


class PrintCompletion(argparse.Action):
    """Prints the completion script of a shell, and exits."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, default=argparse.SUPPRESS, **options)

    def __call__(self, parser: argparse.ArgumentParser, _namespace: object, shell: Any, _option: object = None) -> None:
        print(shtab.complete(_parser(NAME), shell))
        parser.exit(0)


def _parser(program: str) -> Parser:
    parser = Parser(prog=program, description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"{NAME} {version('capture-audit')}")
    parser.add_argument(
        "--print-completion",
        action=PrintCompletion,
        choices=shtab.SUPPORTED_SHELLS,
        metavar="SHELL",
        help=f"print a script that completes commands and options in a shell ({', '.join(shtab.SUPPORTED_SHELLS)})",
    )
    parser.add_argument("--url", help=f"the API's address (default: ${URL_VARIABLE} or {DEFAULT_URL})")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, kind: type[Command], summary: str, description: str = "") -> Parser:
        added = commands.add_parser(name, help=summary, description=description or f"{summary.capitalize()}.")
        added.add_argument("--url", default=argparse.SUPPRESS, help="the API's address, as before the command")
        added.set_defaults(kind=kind)
        return added

    _run_arguments(command("run", Run, "start an audit", _RUN))
    watch = command("watch", Watch, "watch an audit to its end; exits with its outcome", _WATCH)
    id_argument(watch)
    watch_arguments(watch)
    listing = command("list", ListAudits, "list the audits, newest first")
    listing.add_argument("--profile", help="only audits of this profile")
    listing.add_argument("--limit", type=count_from_1, metavar="N", help="at most N audits")
    json_argument(listing)
    _report_arguments(command("report", Report, "fetch an audit's report"))
    id_argument(command("cancel", Cancel, "cancel an audit"))
    resume = command("resume", Resume, "start an interrupted or failed audit again", _RESUME)
    id_argument(resume)
    wait_argument(resume)
    watch_arguments(resume)
    _dead_letters_arguments(
        command("dead-letters", DeadLetters, "show, replay or discard what an audit could not read", _DEAD_LETTERS)
    )
    find_arguments(command("find", Find, "audit, and show what is stuck", FIND))
    retry_arguments(command("retry", Retry, "start a run for each stuck subject that needs one", RETRY))
    add_repair_commands(commands)
    command("profiles", Profiles, "show what can be audited")
    command("health", Health, "show whether the service reaches its database and storage (exit code 4 if not)")
    return parser


def _run_arguments(run: Parser) -> None:
    run.add_argument("--profile", help="what to audit; the command profiles shows what there is")
    run.add_argument("--mode", help="how much is looked into, full or fast; the command profiles shows what there is")
    run.add_argument("--since", metavar="TIME", help="only rows from this time on, ISO 8601")
    run.add_argument("--until", metavar="TIME", help="only rows before this time, ISO 8601")
    repeatable(run, "--status", dest="statuses", metavar="STATUS", summary="only rows in this status")
    run.add_argument(
        "--grace-minutes",
        type=count_from_0,
        metavar="N",
        help="what was active in the last N minutes may still be on its way",
    )
    repeatable(
        run,
        "--prefix",
        dest="container_prefixes",
        metavar="PREFIX",
        summary="only containers whose name begins with this",
    )
    repeatable(run, "--only", dest="only", metavar="KEY", summary="only the subject with this key (its id, as a rule)")
    run.add_argument(
        "--ingest-address-contains", metavar="TEXT", help="only rows whose ingest address contains this text"
    )
    repeatable(
        run,
        "--option",
        dest="options",
        metavar="NAME=VALUE",
        summary="what else the profile can be asked; give it several times for a list of values",
        read=option,
    )
    wait_argument(run)
    watch_arguments(run)


def _report_arguments(report: Parser) -> None:
    id_argument(report, optional=True)
    report.add_argument("--latest", action="store_true", help="the newest report there is, in place of an ID")
    report.add_argument("--profile", help="with --latest: of this profile")
    report.add_argument(
        "--format", dest="report_format", choices=("json", "csv", "html"), default="json", help="default: %(default)s"
    )
    output = report.add_argument(
        "--output",
        type=Path,
        default=STANDARD_OUTPUT,
        metavar="FILE",
        help="write it to FILE, whole or not at all (default: standard output)",
    )
    output.complete = shtab.FILE  # type: ignore[attr-defined]  # read by the completion of shells


def _dead_letters_arguments(letters: Parser) -> None:
    id_argument(letters)
    what = letters.add_mutually_exclusive_group()
    what.add_argument("--replay", action="store_true", help="scan them again, then write a new report")
    what.add_argument("--discard", action="store_true", help="leave them unread; needs --reason and --by")
    letters.add_argument("--reason", metavar="TEXT", help="with --discard: why")
    letters.add_argument("--by", metavar="NAME", help="with --discard: who decided")
    wait_argument(letters, "with --replay: ")
    watch_arguments(letters)
