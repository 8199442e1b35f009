"""The command line of what is stuck: ``auditctl find`` and ``auditctl retry``."""

from typing import Final

from auditctl.options import Parser, count_from_0, repeatable, watch_arguments
from auditctl.repair_arguments import by_argument

FIND: Final = """\
Audit a profile, and show what is stuck: what needs a new run, and what else needs another step.

Exit codes: 0 nothing is stuck, 1 something is, 3 not everything could be read (more may be stuck), 4 the audit failed.
"""
RETRY: Final = """\
Audit a profile, and start one run for each subject that needs one. The plan is shown first, and you are asked; where
nobody can be asked (in a pipe, or with --json), --yes is needed.

What has an active run or has just had one is skipped, and so is what needs another step; skipped is not failed.
Exit codes: 0 everything that was found was started or skipped, 3 not everything could be read, 4 something failed.
"""
DEFAULT_REASON: Final = "auditctl retry"


def find_arguments(find: Parser) -> None:
    find.add_argument("profile", metavar="PROFILE", help="what to audit; the command profiles shows what there is")
    find.add_argument(
        "--age-minutes",
        type=count_from_0,
        metavar="N",
        help="only what is at least N minutes old (default: the profile's)",
    )
    watch_arguments(find)


def retry_arguments(retry: Parser) -> None:
    find_arguments(retry)
    repeatable(retry, "--only", dest="only", metavar="ID", summary="only the subject with this id")
    retry.add_argument("--dry-run", action="store_true", help="show what would be started, and propose nothing")
    retry.add_argument("--yes", action="store_true", help="start the runs without asking")
    retry.add_argument(
        "--reason", default=DEFAULT_REASON, metavar="TEXT", help="why, for the record (default: %(default)s)"
    )
    by_argument(retry)
