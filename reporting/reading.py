"""What several parts of a page read from a report."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from reconciliation.profile import Profile
from reconciliation.times import from_text
from reporting.model import ASKING, Head

Findings = Mapping[str, Sequence[dict[str, Any]]]
"""The findings that a page shows, by severity."""
SEVERITIES = tuple(severity.value for severity in ASKING)
"""The severities of findings that ask for somebody, in the order of the page."""


class Subject(NamedTuple):
    """What a finding is about: what a reader calls such a thing, and which of them it is."""

    noun: str
    id: str


class Cut(NamedTuple):
    """A list of which the first are shown; all are in some file."""

    shown: int
    of: int
    file: str


def subject_of(finding: Mapping[str, Any], profile: Profile) -> Subject:
    """A kind that the profile has no more keeps its name."""
    kind = finding["subject"]["kind"]
    known = profile.kind(kind)
    return Subject(known.noun if known else kind, finding["subject"]["id"])


def cut(shown: int, of: int, file: str) -> Cut | None:
    """What a reader must know of a list that is not whole; None if it is."""
    return Cut(shown, of, file) if of > shown else None


def is_ahead(due: str, report: Head) -> bool:
    """True if a moment is still to come, as the report sees it."""
    return from_text(due) > from_text(report["audit"]["as_of"])


def by_kind(report: Head, kind: str) -> list[dict[str, Any]]:
    """Those of a report's ``verdicts`` that speak of one kind of subject."""
    return [row for row in report["verdicts"] if row["subject"] == kind]


def runbooks(report: Head) -> dict[str, str | None]:
    """Where people wrote down what to do about a verdict, by verdict; None where they did not."""
    return {row["verdict"]: row["runbook"] for row in report["verdicts"]}
