"""What several parts of a page read from a report."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from reconciliation.profile import Profile
from reconciliation.times import from_text
from reporting.model import ASKING, Head

Findings = Mapping[str, Sequence[dict[str, Any]]]
"""The findings that a page shows, by severity."""
SEVERITIES = tuple(severity.value for severity in ASKING)
"""The severities of findings that need a person, in the order of the page."""


class Subject(NamedTuple):
    """The subject of a finding: the noun of its kind, and its id."""

    noun: str
    id: str


class Remedy(NamedTuple):
    """What a repair does about a verdict, and the command that has its plan made."""

    means: str
    command: str


class Cut(NamedTuple):
    """A list of which only the first are shown; ``file`` has all of them."""

    shown: int
    of: int
    file: str


def subject_of(finding: Mapping[str, Any], profile: Profile) -> Subject:
    """For a kind that the profile no longer has, the noun is its name."""
    kind = finding["subject"]["kind"]
    declared = profile.kind(kind)
    return Subject(declared.noun if declared else kind, finding["subject"]["id"])


def cut(shown: int, of: int, file: str) -> Cut | None:
    """None if the list is complete."""
    return Cut(shown, of, file) if of > shown else None


def is_ahead(due: str, report: Head) -> bool:
    """True if a due date is after the report's moment."""
    return from_text(due) > from_text(report["audit"]["as_of"])


def by_kind(report: Head, kind: str) -> list[dict[str, Any]]:
    """The rows of a report's ``verdicts`` for one kind of subject."""
    return [row for row in report["verdicts"] if row["subject"] == kind]


def runbooks(report: Head) -> dict[str, str | None]:
    """The addresses of people's own instructions, by verdict; None without a runbook."""
    return {row["verdict"]: row["runbook"] for row in report["verdicts"]}


def remedy(report: Head, verdict: str, profile: Profile) -> Remedy | None:
    """None if no repair mends the verdict."""
    names = [rule.repair for _, rule in profile.verdicts() if rule.verdict == verdict and rule.repair is not None]
    if not names:
        return None
    command = f"auditctl repair plan {report['audit']['id']} --verdict {verdict}"
    return Remedy(profile.repair(names[0]).means, command)
