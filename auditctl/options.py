"""Options that several commands have, and how their values are read."""

import argparse
import math
from collections.abc import Callable
from typing import Final, NoReturn

from auditctl.outcome import Outcome
from auditctl.program import command_line
from auditctl.responses import AUDIT_ID

DEFAULT_PATIENCE_SECONDS: Final = 120.0


class Parser(argparse.ArgumentParser):
    """An argument parser that never prints an unknown value, which may be a secret."""

    def __init__(self, **options: object) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)  # type: ignore[arg-type]  # argparse passes the rest through

    def error(self, message: str) -> NoReturn:
        """Print the error and where to find help; exit with the code for bad usage."""
        self.exit(
            Outcome.BAD_USAGE.value, f"auditctl: {message}\n  where: the command line\n  next:  {self.prog} --help\n"
        )


def wait_argument(parser: Parser, condition: str = "", what: str = "audit") -> None:
    text = f"{condition}watch the {what} to its end; exit with its outcome"
    parser.add_argument("--wait", action="store_true", help=text)


def watch_arguments(parser: Parser) -> None:
    parser.add_argument(
        "--patience",
        type=seconds,
        default=DEFAULT_PATIENCE_SECONDS,
        metavar="SECONDS",
        help="while watching, how long to wait out a lost connection or an interrupted audit (default: %(default)g)",
    )
    json_argument(parser)


def json_argument(parser: Parser) -> None:
    parser.add_argument("--json", dest="as_json", action="store_true", help="print one JSON document and nothing else")


def id_argument(
    parser: Parser, *, optional: bool = False, dest: str = "audit_id", what: str = "audit", shown_by: str = "list"
) -> None:
    text = f"the {what}'s id; the command {shown_by} shows them"
    parser.add_argument(dest, type=audit_id, metavar="ID", nargs="?" if optional else None, help=text)


def repeatable(
    parser: Parser, option: str, *, dest: str, metavar: str, summary: str, read: Callable[[str], object] = str
) -> None:
    text = f"{summary}; may be repeated"
    parser.add_argument(option, dest=dest, metavar=metavar, help=text, type=read, action="append", default=[])


def audit_id(text: str) -> str:
    if not AUDIT_ID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"this is not an audit id; see: {command_line('list')}")
    return text


def option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError("give NAME=VALUE; the command profiles shows what there is")
    return name, value


def count_from_0(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def count_from_1(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds) or seconds < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0")
    return seconds
