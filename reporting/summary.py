"""The top of the page: the answer, what to do first, and what changed since the last audit."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciliation.profile import Profile
from reconciliation.showing import Showing
from reconciliation.times import from_text
from reconciliation.wording import joined, plural
from reporting.markup import (
    SEVERITIES,
    code,
    cut_note,
    is_ahead,
    moment,
    noun,
    place,
    places,
    runbook_link,
    safe,
    section,
    table,
    verdict_link,
)
from reporting.model import Head

Findings = Mapping[str, Sequence[dict[str, Any]]]
_OUTCOMES = {"clean": "Clean", "findings": "Findings", "incomplete": "Incomplete"}
_MOST_STEPS = 5
_NEVER = "~"  # sorts behind every moment's text


def answer(report: Head, profile: Profile) -> str:
    """The headline, the outcome, and the figures that lead to the findings."""
    audit, word, counts = report["audit"], report["outcome"]["word"], report["counts"]
    figures = [(profile.wording.alarm, counts["hidden"], "findings", "high")]
    figures += [(severity, counts["by_severity"][severity], severity, severity) for severity in SEVERITIES]
    if report["since_last"]["new"] is not None:
        figures.append(("new since the last audit", report["since_last"]["new"], "since", "plain"))
    tiles = "".join(
        f'<li class="{css if count else "zero"}"><a href="#{anchor}"><b>{count:,}</b> {name}</a></li>'
        for name, count, anchor, css in figures
    )
    return (
        f'<header class="{safe(word)}">\n<p class="quiet">Reconciliation report · {safe(audit["title"])}</p>\n'
        f"<h1>{safe(report['headline'])}</h1>\n"
        f'<p><span class="badge">{_OUTCOMES[word]}</span> Audit {code(audit["id"])}, '
        f"as of {moment(audit['as_of'])}, of {_places(audit, profile)}</p>\n"
        f"{''.join(f'<p class=quiet>{safe(note)}</p>' for note in report['notes'])}"
        f'<nav aria-label="Findings"><ul class="tiles">{tiles}</ul></nav>\n</header>'
    )


def _places(audit: dict[str, Any], profile: Profile) -> str:
    """The storage and the databases that this is a report of."""
    return joined([f"{name} {place(of)}" for name, of in places(audit, profile) if of])


def first_steps(report: Head, findings: Findings, profile: Profile) -> str:
    """An ordered list of what to do, most urgent first, with what each step is about."""
    steps = [*_gap(report["coverage"], profile.wording.unit), *_groups(report, findings, profile.showing)]
    if not steps:
        return section(
            "first", "What to do first", "<p>Nothing. Every check passed, and nothing asks for a person.</p>"
        )
    more = len(steps) - _MOST_STEPS
    rest = f"<p>{plural(more, 'more verdict')} below.</p>" if more > 0 else ""
    shown = "\n".join(f"<li>{step}</li>" for step in steps[:_MOST_STEPS])
    return section("first", "What to do first", f'<ol class="steps">\n{shown}\n</ol>\n{rest}')


def _gap(coverage: dict[str, Any], unit: str) -> Iterator[str]:
    if coverage["complete"]:
        return
    for gap in coverage["gaps"]:
        what = gap["what"][:1].upper() + gap["what"][1:]
        yield f'<a href="#coverage">{safe(what)}.</a> {safe(gap["next_step"])}'
    failed = coverage["failed_containers"]
    if failed:
        yield (
            f'<a href="#coverage">{plural(len(failed), unit)} could not be read.</a> Fix the cause, then start '
            f"a new audit: until then nothing may be called absent. The first error: {safe(failed[0]['error'])}"
        )
    elif not coverage["gaps"]:
        yield (
            '<a href="#coverage">A part of the account was left out on request.</a> Start an audit of the whole '
            "account before anything is called absent."
        )


def _groups(report: Head, findings: Findings, showing: Showing) -> Iterator[str]:
    """One step for each severity and verdict: those with a date ahead first, then the verdict with most findings."""
    runbooks = {row["verdict"]: row["runbook"] for row in report["verdicts"]}
    for severity in SEVERITIES:
        given = findings[severity]
        cut = "at least " if report["counts"]["by_severity"][severity] > len(given) else ""
        groups: dict[str, list[dict[str, Any]]] = {}
        for finding in given:
            groups.setdefault(finding["verdict"], []).append(finding)
        soonest = {verdict: _soonest(report, group) for verdict, group in groups.items()}
        for verdict, group in sorted(groups.items(), key=lambda item: (soonest[item[0]] or _NEVER, -len(item[1]))):
            dates = [date for finding in group if (date := showing.dated(finding))]
            since = f" <span class=quiet>The first {showing.event} was {min(dates)[:10]}.</span>" if dates else ""
            due = f' <b class="due">Act before {moment(soonest[verdict])}.</b>' if soonest[verdict] else ""
            yield (
                f'<span class="mark {severity}">{severity}</span> {verdict_link(verdict)} '
                f"<b>{cut}{plural(len(group), 'time')}</b>: "
                f"{safe(group[0]['next_step'])}{runbook_link(runbooks[verdict])}{due}{since}"
            )


def _soonest(report: Head, group: Sequence[dict[str, Any]]) -> str | None:
    """The first date that is still to come."""
    ahead = (one["due"] for one in group if one["due"] and is_ahead(one["due"], report))
    return min(ahead, key=from_text, default=None)


def since_last(report: Head, profile: Profile) -> str:
    """What is new, what persists and what was resolved; or why that cannot be said."""
    since = report["since_last"]
    previous, resolved = since["previous"], since["resolved_findings"]
    last = f" {code(previous['id'])}, as of {moment(previous['as_of'])}" if previous else ""
    if since["new"] is None:
        why = safe(since["why_not"] or "There is no earlier audit to compare with.")
        return section("since", "Since the last audit", f"<p>Not compared with an earlier audit{last}. {why}</p>")
    gone = ".</p>" if since["resolved"] is None else f", {since['resolved']:,} resolved.</p>"
    body = f"<p>Compared with audit{last}: <b>{since['new']:,} new</b>, {since['persisting']:,} persisting{gone}"
    if since["why_not"]:
        body += f"\n<p>{safe(since['why_not'])}</p>"
    if resolved:
        rows = (
            f'<tr><th scope="row">{noun(profile, row["subject"]["kind"])} {code(row["subject"]["id"])}</th>'
            f"<td>{code(row['verdict'])}</td></tr>"
            for row in resolved
        )
        body += (
            f"\n<details><summary>{plural(since['resolved'], 'finding')} resolved</summary>\n"
            f"{cut_note(len(resolved), since['resolved'], 'the report of the last audit')}"
            f"{table('plain', 'Resolved since the last audit', ('Subject', 'It was'), rows, shown=False)}</details>"
        )
    return section("since", "Since the last audit", body)
