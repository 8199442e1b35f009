"""The words for PRE's facts in the reasons of verdicts."""

from collections.abc import Sequence, Set
from datetime import datetime

from profiles.pre_capture_sessions.evidence import ContainerEvidence
from profiles.pre_capture_sessions.selection import NOT_A_RECORDING, REGISTERED
from reconciliation.times import to_text
from reconciliation.wording import Named, Wording, plural

_MOST_NAMES = 5


def _hidden(number: int) -> str:
    return f"{plural(number, 'recording')} {'is' if number == 1 else 'are'} hidden in storage"


def _none_hidden(sessions: int) -> str:
    return f"none of {plural(sessions, 'session')} has a hidden recording"


def _covered(left_out: Set[str]) -> tuple[str, str]:
    if left_out.isdisjoint({REGISTERED, NOT_A_RECORDING}):
        return "Yes.", "Every container that was listed was read: what was not found is not there."
    return (
        "Yes, for unregistered recordings.",
        (
            "Every container was read that can be a recording and has no row. This was a fast audit: registered "
            "containers were not opened, so it cannot see media that stands in another recording's container, nor most "
            "of what can be wrong with recordings that have a row. A full audit can."
        ),
    )


WORDING = Wording(
    unit="container",
    not_absent="no session may be called without a recording",
    covered=_covered,
    alarm="hidden in storage",
    alarms=_hidden,
    no_alarm="No recording was found hidden in what was read",
    clean=_none_hidden,
    counting={"capture_session": "session", "container": "container", "recording": "registered recording"},
    high="Somebody must act: a recording is hidden, in doubt or broken.",
    named=Named("case", "Which case, and which court?", "reference and court"),
)


def names(containers: Sequence[ContainerEvidence]) -> str:
    """The names of the first few containers, and how many more there are."""
    more = f" and {len(containers) - _MOST_NAMES} more" if len(containers) > _MOST_NAMES else ""
    return ", ".join(container.container for container in containers[:_MOST_NAMES]) + more


def moment(at: datetime) -> str:
    """``2026-01-31 09:30 UTC``."""
    return f"{to_text(at)[:16].replace('T', ' ')} UTC"
