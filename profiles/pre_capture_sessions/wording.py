"""How the reasons of verdicts put facts into words."""

from collections.abc import Sequence
from datetime import datetime

from profiles.pre_capture_sessions.evidence import ContainerEvidence
from reconciliation.times import to_text

_MOST_NAMES = 5


def count(number: int, noun: str) -> str:
    """``1 track``, ``2 tracks``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def names(containers: Sequence[ContainerEvidence]) -> str:
    """The names of the first few containers, and how many more there are."""
    more = f" and {len(containers) - _MOST_NAMES} more" if len(containers) > _MOST_NAMES else ""
    return ", ".join(container.container for container in containers[:_MOST_NAMES]) + more


def moment(at: datetime) -> str:
    """``2026-01-31 09:30 UTC``."""
    return f"{to_text(at)[:16].replace('T', ' ')} UTC"
