"""The findings of one severity: a table that a script may filter and sort, and that says everything without it."""

from collections.abc import Sequence
from typing import Any

from reconciliation.profile import Profile
from reconciliation.showing import Column, Exhibit, Fact, Form, Part, Showing
from reconciliation.wording import plural
from reporting.markup import (
    code,
    cut_note,
    is_ahead,
    moment,
    noun,
    runbook_link,
    safe,
    section,
    sentence,
    size,
    written,
)
from reporting.model import Head

_TITLES = {"high": "High", "medium": "Medium", "low": "Low", "unknown": "Unknown"}
_MEANINGS = {
    "medium": "Something is wrong that can wait a little: plan it.",
    "low": "Probably nothing; look when there is time.",
    "unknown": "Could not be checked, so nothing may be concluded.",
}
_NUMBERS = frozenset({Form.NUMBER, Form.BYTES})


def findings_section(
    severity: str, findings: Sequence[dict[str, Any]], count: int, report: Head, profile: Profile
) -> str:
    """``findings`` are the first of ``count``, and all of them are shown."""
    name = _TITLES[severity]
    if not count:
        where = "" if report["complete"] or severity == "unknown" else " in what was read"
        return section(severity, f"{name}: none", f"<p>Nothing of this severity was found{where}.</p>")
    runbooks = {row["verdict"]: runbook_link(row["runbook"]) for row in report["verdicts"]}
    rows = "\n".join(_rows(finding, runbooks[finding["verdict"]], report, profile) for finding in findings)
    heads = "".join(
        f'<th scope="col"{" class=number" * (form in _NUMBERS)}>{safe(title)}</th>'
        for title, form in [
            ("Subject", Form.CODE),
            ("Verdict", Form.CODE),
            *((column.title, column.form) for column in profile.showing.columns),
        ]
    )
    return section(
        severity,
        f'<span class="mark {severity}">{name}</span> {plural(count, "finding")}',
        f"<p>{_MEANINGS.get(severity, profile.wording.high)}</p>\n"
        f"{cut_note(len(findings), count, 'findings.csv and report.json')}"
        f'<table class="findings {severity}">\n<caption class="unseen">{name}: findings, why and what to do</caption>\n'
        f"<thead><tr>{heads}</tr></thead>\n{rows}\n</table>\n"
        '<p class="none" hidden>No finding here matches the filter.</p>',
    )


def _rows(finding: dict[str, Any], runbook: str, report: Head, profile: Profile) -> str:
    """One finding: a row of facts to sort by, and below it why, what to do, and what was seen."""
    subject, showing = finding["subject"], profile.showing
    cells = "".join(_cell(column, finding) for column in showing.columns)
    new = ' <b class="new">new</b>' if finding["change"] == "new" else ""
    return (
        f'<tbody data-verdict="{safe(finding["verdict"])}" data-change="{finding["change"] or ""}">\n'
        f'<tr><th scope="rowgroup">{noun(profile, subject["kind"])} {code(subject["id"])}</th>'
        f"<td>{code(finding['verdict'])}{new}</td>{cells}</tr>\n"
        f'<tr class="why"><td colspan="{len(showing.columns) + 2}"><p>{safe(finding["reason"])}</p>\n'
        f'<p class="next"><b>Next step:</b> {safe(finding["next_step"])}{runbook}</p>\n{_due(finding["due"], report)}'
        f"{_details(finding, showing)}</td></tr>\n</tbody>"
    )


def _details(finding: dict[str, Any], showing: Showing) -> str:
    seen = _facts(list(showing.facts(finding))) + "".join(map(_exhibit, showing.exhibits(finding)))
    return f"<details><summary>{safe(showing.summary(finding))}</summary>\n{seen}</details>" if seen else ""


def _cell(column: Column, finding: dict[str, Any]) -> str:
    value, title = column.read(finding), f'data-title="{safe(column.title)}"'
    if column.form in _NUMBERS:
        shown = (size(value) if value else "") if column.form is Form.BYTES else f"{value:,}"
        return f'<td class="number" {title} data-sort="{value}">{shown}</td>'
    if value is None:
        return f"<td {title}></td>"
    part = value if isinstance(value, Part) else Part(value, column.form)
    return f"<td {title}>{written(part)}</td>"


def _due(due: str | None, report: Head) -> str:
    if due is None:
        return ""
    if is_ahead(due, report):
        return f'<p class="due"><b>Act before {moment(due)}.</b></p>\n'
    return f'<p class="quiet">It was to be done before {moment(due)}.</p>\n'


def _facts(facts: Sequence[Fact]) -> str:
    if not facts:
        return ""
    listed = "".join(f"<div><dt>{safe(fact.title)}</dt><dd>{sentence(fact.parts)}</dd></div>" for fact in facts)
    return f"<dl>{listed}</dl>\n"


def _exhibit(exhibit: Exhibit) -> str:
    things = "".join(f"<li>{sentence(parts)}</li>" for parts in exhibit.items)
    return f'<div class="evidence"><p>{sentence(exhibit.parts)}</p>{f"<ul>{things}</ul>" if things else ""}</div>\n'
