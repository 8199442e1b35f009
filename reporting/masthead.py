"""The top of the page: the headline, and the figures that link to the findings."""

from typing import NamedTuple

from reconciliation.profile import Profile
from reporting.model import Head
from reporting.places import Place, places
from reporting.reading import SEVERITIES

_OUTCOMES = {"clean": "Clean", "findings": "Findings", "incomplete": "Incomplete"}


class Figure(NamedTuple):
    """A number, and the ``anchor`` on the page that it links to; ``style`` is that of its tile."""

    name: str
    number: int
    anchor: str
    style: str


class Masthead(NamedTuple):
    """The headline, how the audit ended, and what it was an audit of."""

    environment: str
    title: str
    outcome: str
    badge: str
    headline: str
    audit: str
    as_of: str
    places: dict[str, Place]
    notes: list[str]
    figures: list[Figure]


def masthead(report: Head, profile: Profile) -> Masthead:
    """From a report's head; places that were not read are left out."""
    audit, word = report["audit"], report["outcome"]["word"]
    return Masthead(
        environment=audit["environment"],
        title=audit["title"],
        outcome=word,
        badge=_OUTCOMES[word],
        headline=report["headline"],
        audit=audit["id"],
        as_of=audit["as_of"],
        places={name: place for name, place in places(audit, profile).items() if place},
        notes=report["notes"],
        figures=_figures(report, profile),
    )


def _figures(report: Head, profile: Profile) -> list[Figure]:
    counts, new = report["counts"], report["since_last"]["new"]
    figures = [
        (profile.wording.alarm, counts["hidden"], "findings", "high"),
        *((severity, counts["by_severity"][severity], severity, severity) for severity in SEVERITIES),
        *([] if new is None else [("new since the last audit", new, "since", "plain")]),
    ]
    return [Figure(name, count, anchor, style if count else "zero") for name, count, anchor, style in figures]
