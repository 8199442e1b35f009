"""The request parameters of this audit."""

from datetime import timedelta

from reconciliation.options import Option
from reconciliation.parameters import AuditParameters

FULL, DEEP, EXPIRING = "full", "deep", "expiring"
MODES = (FULL, DEEP, EXPIRING)
"""What is looked at: names and sizes of all files; also the bytes of every MP3; or only the meetings with chunks that
the clean-up is about to delete.
"""
_MOST_HOURS = 24 * 365
_MOST_SECONDS = 24 * 60 * 60
OPTIONS = (
    Option(
        "ttl_hours",
        24,
        "How old chunks get before the bot's clean-up deletes them; it is an hour where the clean-up deletes all.",
        f"a whole number of hours from 1 to {_MOST_HOURS}",
        least=1,
        most=_MOST_HOURS,
    ),
    Option(
        "wait_seconds",
        300,
        "How long the bot waits for its transcoder at the end of a meeting.",
        f"a whole number of seconds from 0 to {_MOST_SECONDS}",
        most=_MOST_SECONDS,
    ),
)


def is_narrow(asked: AuditParameters) -> bool:
    """True if only some meetings are looked at, so that the bucket is not listed."""
    return bool(asked.only) or asked.mode == EXPIRING


def ttl(asked: AuditParameters) -> timedelta:
    return timedelta(hours=asked.options["ttl_hours"])


def wait(asked: AuditParameters) -> timedelta:
    return timedelta(seconds=asked.options["wait_seconds"])
