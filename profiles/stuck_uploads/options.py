"""The request parameters of this audit."""

from datetime import timedelta

from profiles.stuck_uploads.dialects import Dialect
from reconciliation.options import Option
from reconciliation.parameters import AuditParameters

FAST = "fast"  # videos that may need a run
FULL = "full"  # all videos, and all folders of the bucket
MODES = (FAST, FULL)
_MOST_MINUTES = 60 * 24 * 365


def options_for(dialect: Dialect) -> tuple[Option, ...]:
    return (
        Option(
            "age_minutes",
            10,
            "A video is not called stuck before its row is this old.",
            f"a whole number of minutes from 0 to {_MOST_MINUTES}",
            most=_MOST_MINUTES,
        ),
        Option(
            "recent_minutes",
            5,
            "A video is not called stuck this soon after a run of it has ended.",
            f"a whole number of minutes from 0 to {_MOST_MINUTES}",
            most=_MOST_MINUTES,
        ),
        Option(
            "statuses",
            (),
            "Only videos of these statuses; without any, of all that the mode is about.",
            "a list of at most 20 statuses of the profile (see GET /profiles)",
            choices=dialect.statuses,
            most=20,
        ),
    )


def age(asked: AuditParameters) -> timedelta:
    return timedelta(minutes=asked.options["age_minutes"])


def recent(asked: AuditParameters) -> timedelta:
    return timedelta(minutes=asked.options["recent_minutes"])


def asks_for_all(asked: AuditParameters) -> bool:
    """True if the rows that are read are all there are."""
    return asked.mode == FULL and not asked.only and not asked.options["statuses"]
