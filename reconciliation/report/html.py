"""report.html: the report for people. One file, no script, no outside resource; readable in the dark and on paper."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from reconciliation.coverage import NOT_A_RECORDING, REGISTERED
from reconciliation.report.headline import plural
from reconciliation.report.model import Head
from reconciliation.report.style import STYLE
from reconciliation.verdicts import SEVERITY_ORDER, Severity

MOST_ROWS = 1000
_TITLES = {
    Severity.HIGH.value: "What a person must look at",
    Severity.UNKNOWN.value: "What could not be verified",
}
_OUTCOMES = {
    "clean": "Clean",
    "findings": "Findings",
    "incomplete": "Incomplete",
}


SHOWN_SEVERITIES = frozenset(_TITLES)
"""The severities whose findings the page shows one by one; the rest are counted."""


def render_html(report: Head, findings: Mapping[str, Sequence[dict[str, Any]]]) -> str:
    """The whole page, from a report's head and its findings of each severity in ``SHOWN_SEVERITIES``.

    At most ``MOST_ROWS`` findings of a severity need be given, and are shown. Every value from outside is escaped.
    """
    audit = report["audit"]
    body = "\n".join(
        (
            _head(report),
            _verdicts(report),
            *(_findings(report, severity, findings.get(severity, ())) for severity in _TITLES),
            _unattributed(report),
            _coverage(report["coverage"]),
            _details(report),
        )
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(audit['title'])}: {escape(report['outcome']['word'])}</title>\n"
        f"<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _head(report: Head) -> str:
    audit, word = report["audit"], report["outcome"]["word"]
    return (
        f'<header class="{escape(word)}">\n<p class="kicker">Reconciliation report · {escape(audit["title"])}</p>\n'
        f"<h1>{escape(report['headline'])}</h1>\n"
        f'<p><span class="badge">{_OUTCOMES[word]}</span> Audit {_code(audit["id"])}, as of {_moment(audit["as_of"])}.'
        "</p>\n</header>"
    )


def _verdicts(report: Head) -> str:
    most = max((row["count"] for row in report["verdicts"]), default=0) or 1
    rows = "\n".join(
        f'<tr class="{escape(row["severity"])}"><th scope="row">{_code(row["verdict"])}</th>'
        f'<td class="number">{row["count"]:,}</td>'
        f'<td class="bar" aria-hidden="true"><i style="width:{100 * row["count"] / most:.1f}%"></i></td>'
        f"<td>{escape(row['meaning'])}</td></tr>"
        for row in sorted(report["verdicts"], key=lambda row: SEVERITY_ORDER.index(row["severity"]))
    )
    return (
        f"<section>\n<h2>{plural(report['counts']['candidates'], 'session')} judged</h2>\n<table>\n<thead><tr>"
        '<th scope="col">Verdict</th><th scope="col" class="number">Sessions</th><td class="bar"></td>'
        f'<th scope="col">Meaning</th></tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n</section>'
    )


def _findings(report: Head, severity: str, findings: Sequence[dict[str, Any]]) -> str:
    count = report["counts"]["by_severity"].get(severity, 0)
    if not count:
        nothing = "Nothing was found here." if severity == Severity.HIGH.value else "No session is left unverified."
        return f"<section>\n<h2>{_TITLES[severity]}</h2>\n<p>{nothing}</p>\n</section>"
    cut = ""
    if count > MOST_ROWS:
        cut = f"<p>The first {MOST_ROWS:,} of {count:,}; all of them are in findings.csv and report.json.</p>"
    articles = "\n".join(_finding(finding) for finding in findings[:MOST_ROWS])
    return f"<section>\n<h2>{_TITLES[severity]} ({count:,})</h2>\n{cut}{articles}\n</section>"


def _finding(finding: dict[str, Any]) -> str:
    session = finding["session"]
    evidence = "".join(_container(container) for container in finding["evidence"])
    return (
        f'<article class="{escape(finding["severity"])}">\n<h3>{_code(finding["verdict"])} '
        f"session {_code(finding['subject']['id'])}</h3>\n"
        f'<p class="when">Hearing {_moment(finding["hearing_at"])} · status {escape(session["status"] or "empty")} · '
        f"booking {_code(session['booking_id'])} · case {_code(session['case_id'])} ({escape(session['case_state'])})"
        f"</p>\n<p>{escape(finding['reason'])}</p>\n"
        f'<p class="next"><b>Next step:</b> {escape(finding["next_step"])}</p>\n{evidence}</article>'
    )


def _container(container: dict[str, Any]) -> str:
    manifest = container["manifest_bytes"]
    facts = [
        plural(container["blobs"], "blob"),
        "no manifest" if manifest is None else f"manifest {manifest:,} bytes",
        "registered" if container["registered"] else "not registered",
        "complete" if container["complete"] else "not complete",
    ]
    tracks = "".join(
        f"<li>{_code(file['name'])} {file['size']:,} bytes, {_moment(file['last_modified'])}</li>"
        for file in container["media"]
    )
    return (
        f'<div class="evidence">Container {_code(container["container"])}: {escape(", ".join(facts))}'
        f"<ul>{tracks}</ul></div>\n"
    )


def _unattributed(report: Head) -> str:
    containers = report["unattributed_containers"]
    if not containers:
        return ""
    return (
        f"<section>\n<h2>Media that names no session ({len(containers):,})</h2>\n"
        "<p>These containers can be recordings, have no row, and hold tracks whose names carry no session id. Compare "
        "their times with the sessions above, and ask the encoder which job wrote them.</p>\n"
        f"{_list(containers[:MOST_ROWS])}\n</section>"
    )


def _coverage(coverage: dict[str, Any]) -> str:
    counts = coverage["containers"]
    words = (
        _complete_words(coverage)
        if coverage["complete"]
        else "Not every container was read, so no session may be called without a recording."
    )
    skipped = "".join(
        f"<tr><td>of these {escape(reason)}</td><td class='number'>{count:,}</td></tr>"
        for reason, count in coverage["skipped_by_reason"].items()
    )
    failed = ""
    if coverage["failed_containers"]:
        failed = "<h3>Containers that could not be read</h3>\n" + _list(
            f"{row['container']}: {row['error']}" for row in coverage["failed_containers"][:MOST_ROWS]
        )
    return (
        f"<section>\n<h2>Where was looked</h2>\n<p>{words}</p>\n<table class='sum'>\n<tbody>"
        f"<tr><td>Containers read</td><td class='number'>{counts['scanned']:,}</td></tr>"
        f"<tr><td>+ skipped</td><td class='number'>{counts['skipped']:,}</td></tr>{skipped}"
        f"<tr><td>+ could not be read</td><td class='number'>{counts['failed']:,}</td></tr>"
        f"<tr class='total'><td>= containers listed</td><td class='number'>{counts['listed']:,}</td></tr>"
        f"<tr><td>Blobs seen</td><td class='number'>{coverage['blobs']:,}</td></tr></tbody>\n</table>\n"
        f"{failed}</section>"
    )


def _complete_words(coverage: dict[str, Any]) -> str:
    if coverage["skipped_by_reason"].keys().isdisjoint({REGISTERED, NOT_A_RECORDING}):
        return "Every container that was listed was read: where nothing was found, nothing is."
    return (
        "Every container was read that can be a recording and has no row, so no unregistered recording is missing "
        "here. This was a fast audit: registered containers were not opened, so it cannot see media that stands in "
        "another recording's container, nor anything wrong with recordings that have a row. A full audit can."
    )


def _details(report: Head) -> str:
    audit = report["audit"]
    rows: list[tuple[str, object]] = [
        ("Profile", audit["profile"]),
        ("Started", audit["created_at"]),
        ("Report written", audit["generated_at"]),
        *((name.replace("_", " ").capitalize(), _shown(value)) for name, value in report["parameters"].items()),
        ("Settle minutes", report["settle_minutes"]),
        ("Version", report["versions"]["capture_audit"]),
        ("Report schema", report["schema_version"]),
    ]
    cells = "\n".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(str(value))}</td></tr>'
        for name, value in dict(rows).items()
    )
    return (
        f"<section>\n<h2>How this was asked</h2>\n<table class='sum'>\n<tbody>\n{cells}\n</tbody>\n</table>\n</section>"
    )


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "all"
    return "any" if value is None else str(value)


def _list(items: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{_code(item)}</li>" for item in items) + "</ul>"


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _moment(text: str | None) -> str:
    """``2026-01-31 09:30 UTC``; the exact moment stays in the element's attribute."""
    if text is None:
        return "unknown"
    return f'<time datetime="{escape(text)}">{escape(text[:10])} {escape(text[11:16])} UTC</time>'
