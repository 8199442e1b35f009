"""report.html: the report for people. One file, no outside resource; readable in the dark, on a phone and on paper.

Everything is there without its script, which only filters and sorts.
"""

import base64
import hashlib
from collections import Counter

from reconciliation.profile import Profile
from reconciliation.showing import Showing
from reconciliation.wording import plural
from reporting.chart import Bar, bar_chart
from reporting.finding_table import findings_section
from reporting.glossary import asked_section, look_up_section, verdicts_section
from reporting.markup import SEVERITIES, safe, section
from reporting.model import Head
from reporting.proof import coverage_section
from reporting.script import SCRIPT
from reporting.style import STYLE
from reporting.summary import Findings, answer, first_steps, since_last
from reporting.timeline import columns, timeline

MOST_ROWS = 1000
SHOWN_SEVERITIES = frozenset(SEVERITIES)
"""The severities whose findings the page shows one by one; the rest are counted."""


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        f"script-src {_hash(SCRIPT)}",
        f"style-src {_hash(STYLE)}",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
"""Lets the page's own script and style work and nothing else that may have got into it. The page carries it too."""


def render_html(report: Head, findings: Findings, profile: Profile) -> str:
    """The whole page, from a report's head and its findings of each severity in ``SHOWN_SEVERITIES``.

    At most ``MOST_ROWS`` findings of a severity need be given, and are shown. Every value from outside is escaped.
    """
    given = {severity: findings.get(severity, ())[:MOST_ROWS] for severity in SEVERITIES}
    body = "\n".join(
        (
            first_steps(report, given, profile),
            since_last(report, profile),
            coverage_section(report, profile),
            _overview(report, given, profile.showing),
            _findings(report, given, profile),
            look_up_section(report, profile),
            verdicts_section(report, profile),
            asked_section(report, profile),
        )
    )
    audit = report["audit"]
    title = " · ".join(safe(part) for part in (audit["environment"], audit["title"], report["outcome"]["word"]))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_SECURITY_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<a class="skip" href="#findings">Skip to the findings</a>\n{answer(report, profile)}\n'
        f"<main>\n{body}\n</main>\n"
        f"<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def _overview(report: Head, findings: Findings, showing: Showing) -> str:
    """The chart of verdicts and the timeline; nothing if nothing was found."""
    bars = sorted(
        (
            Bar(row["verdict"], row["severity"], row["count"])
            for row in report["verdicts"]
            if row["count"] and row["severity"] in SHOWN_SEVERITIES
        ),
        key=lambda bar: (SEVERITIES.index(bar.severity), -bar.findings),
    )
    if not bars:
        return ""
    chart = bar_chart(bars, "Findings of each verdict")
    return section("overview", "What was found", f"{chart}\n{_dates(report, findings, showing)}")


def _dates(report: Head, findings: Findings, showing: Showing) -> str:
    given = [finding for severity in SEVERITIES for finding in findings[severity]]
    unit, drawn = columns((date, finding["severity"]) for finding in given if (date := showing.dated(finding)))
    if not drawn:
        return ""
    asking = sum(report["counts"]["by_severity"][severity] for severity in SEVERITIES)
    dated = sum(column.total for column in drawn)
    notes = [f"{plural(len(given) - dated, 'finding')} without a time of {showing.event}" if len(given) > dated else ""]
    notes.append(f"{asking - len(given):,} that are only in findings.csv" if asking > len(given) else "")
    left_out = " and ".join(note for note in notes if note)
    note = f"<p class=quiet>Not drawn: {left_out}.</p>" if left_out else ""
    return f"<h3>When the {showing.event}s were</h3>\n{timeline(unit, drawn, showing.event)}\n{note}"


def _findings(report: Head, findings: Findings, profile: Profile) -> str:
    counts = report["counts"]["by_severity"]
    idle = ""
    if counts["info"]:
        infos = plural(counts["info"], "finding")
        idle = f"<p>Not shown: {infos} of severity info, which ask for nothing; see findings.csv.</p>"
    sections = "\n".join(
        findings_section(severity, findings[severity], counts[severity], report, profile) for severity in SEVERITIES
    )
    return f'<div id="findings">\n{_filter(findings)}\n{sections}\n{idle}\n</div>'


def _filter(findings: Findings) -> str:
    """The fields of the filter, which the script brings to light."""
    verdicts = Counter(finding["verdict"] for severity in SEVERITIES for finding in findings[severity])
    options = "".join(
        f'<option value="{safe(verdict)}">{safe(verdict)} ({count:,})</option>' for verdict, count in verdicts.items()
    )
    return (
        '<div id="filter" role="search" aria-label="Filter the findings" hidden>\n'
        '<label>Text <input id="filter-text" type="search" autocomplete="off" '
        'placeholder="an id, a word, a date"></label>\n'
        f'<label>Verdict <select id="filter-verdict"><option value="">all</option>{options}</select></label>\n'
        '<label class="check"><input id="filter-new" type="checkbox"> only new</label>\n'
        '<button type="button" id="filter-clear">Clear</button>\n<p id="filter-status" role="status"></p>\n</div>'
    )
