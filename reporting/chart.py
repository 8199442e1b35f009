"""A bar chart of the findings by verdict."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from reporting.reading import SEVERITIES

_LEAST_PERCENT = 0.5


class Bar(NamedTuple):
    """One verdict that was given; ``width`` is its share of the longest, in percent."""

    verdict: str
    severity: str
    findings: int
    width: str


def bars(verdicts: Iterable[Mapping[str, Any]]) -> list[Bar]:
    """The bars of a report's ``verdicts`` whose findings need a person: most urgent first, then the longest."""
    given = [row for row in verdicts if row["count"] and row["severity"] in SEVERITIES]
    given.sort(key=lambda row: (SEVERITIES.index(row["severity"]), -row["count"]))
    most = max((row["count"] for row in given), default=0)
    return [
        Bar(
            verdict=row["verdict"],
            severity=row["severity"],
            findings=row["count"],
            width=f"{max(100 * row['count'] / most, _LEAST_PERCENT):.1f}",
        )
        for row in given
    ]
