"""The table of the findings of one severity. A script filters and sorts it; it is complete without the script."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from reconciliation.profile import Profile
from reconciliation.showing import Column, Exhibit, Fact, Form, Part
from reconciliation.wording import plural
from reporting.model import Head
from reporting.reading import Cut, Subject, cut, is_ahead, runbooks, subject_of
from reporting.sizes import size, thousands

_TITLES = {"high": "High", "medium": "Medium", "low": "Low", "unknown": "Unknown"}
_MEANINGS = {
    "medium": "Something is wrong that can wait a little: plan it.",
    "low": "Probably nothing; look when there is time.",
    "unknown": "Could not be checked, so nothing may be concluded.",
}
_NUMBERS = frozenset({Form.NUMBER, Form.BYTES})


class ColumnHead(NamedTuple):
    title: str
    is_number: bool


class Cell(NamedTuple):
    """A value as a sentence, under the title of its column; numbers are sorted by their ``value``."""

    title: str
    parts: tuple[Part, ...]
    is_number: bool = False
    value: Any = None


class Row(NamedTuple):
    """One finding: cells to sort by, and below them reason, next step, facts and exhibits, over ``span`` columns."""

    subject: Subject
    verdict: str
    change: str | None
    cells: list[Cell]
    reason: str
    next_step: str
    runbook: str | None
    due: str | None
    is_due: bool
    summary: str
    facts: list[Fact]
    exhibits: list[Exhibit]
    span: int


class Table(NamedTuple):
    """The ``rows`` of a severity; ``findings`` says how many there are, and ``cut`` is set if not all are shown.

    Rows are made lazily, so that never all of them are in memory.
    """

    severity: str
    name: str
    findings: str
    meaning: str
    cut: Cut | None
    columns: list[ColumnHead]
    rows: Iterator[Row]


def finding_table(
    severity: str, findings: Sequence[dict[str, Any]], count: int, report: Head, profile: Profile
) -> Table:
    """``findings`` are the first of ``count``; all of them are shown."""
    if not count:
        where = "" if report["complete"] or severity == "unknown" else " in what was read"
        return Table(severity, _TITLES[severity], "", f"Nothing of this severity was found{where}.", None, [], iter(()))
    addresses, columns = runbooks(report), profile.showing.columns
    return Table(
        severity=severity,
        name=_TITLES[severity],
        findings=plural(count, "finding"),
        meaning=_MEANINGS.get(severity, profile.wording.high),
        cut=cut(len(findings), count, "findings.csv and report.json"),
        columns=[
            ColumnHead("Subject", is_number=False),
            ColumnHead("Verdict", is_number=False),
            *(ColumnHead(column.title, column.form in _NUMBERS) for column in columns),
        ],
        rows=(_row(finding, addresses[finding["verdict"]], report, profile) for finding in findings),
    )


def _row(finding: dict[str, Any], runbook: str | None, report: Head, profile: Profile) -> Row:
    showing, due = profile.showing, finding["due"]
    facts, exhibits = list(showing.facts(finding)), list(showing.exhibits(finding))
    return Row(
        subject=subject_of(finding, profile),
        verdict=finding["verdict"],
        change=finding["change"],
        cells=[_cell(column, finding) for column in showing.columns],
        reason=finding["reason"],
        next_step=finding["next_step"],
        runbook=runbook,
        due=due,
        is_due=due is not None and is_ahead(due, report),
        summary=showing.summary(finding) if facts or exhibits else "",
        facts=facts,
        exhibits=exhibits,
        span=len(showing.columns) + 2,
    )


def _cell(column: Column, finding: dict[str, Any]) -> Cell:
    value = column.read(finding)
    if column.form in _NUMBERS:
        shown = (size(value) if value else "") if column.form is Form.BYTES else thousands(value)
        return Cell(column.title, (Part(shown),), is_number=True, value=value)
    if value is None:
        return Cell(column.title, ())
    return Cell(column.title, (value if isinstance(value, Part) else Part(value, column.form),))
