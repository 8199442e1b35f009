"""report.html: the report for people. One file without external resources; for dark mode, phones and paper.

It is complete without its script, which only filters and sorts.
"""

from collections import Counter

from reconciliation.profile import Profile
from reconciliation.wording import plural
from reporting.comparison import comparison
from reporting.finding_table import finding_table
from reporting.first_steps import first_steps
from reporting.glossary import look_up, setup, verdicts
from reporting.layout import rendered
from reporting.masthead import masthead
from reporting.model import Head
from reporting.overview import overview
from reporting.proof import proof
from reporting.reading import SEVERITIES, Findings

MOST_ROWS = 1000
SHOWN_SEVERITIES = frozenset(SEVERITIES)
"""The severities whose findings the page shows one by one; the rest are counted."""


def render_html(report: Head, findings: Findings, profile: Profile) -> str:
    """The whole page, from a report's head and its findings of each severity in ``SHOWN_SEVERITIES``.

    At most ``MOST_ROWS`` findings of a severity are shown, so no more need be given. All values are escaped.
    """
    given = {severity: findings.get(severity, ())[:MOST_ROWS] for severity in SEVERITIES}
    counts = report["counts"]["by_severity"]
    return rendered(
        "page.html",
        masthead=masthead(report, profile),
        first_steps=first_steps(report, given, profile),
        comparison=comparison(report, profile),
        proof=proof(report, profile),
        overview=overview(report, given, profile.showing),
        verdicts_shown=Counter(finding["verdict"] for severity in SEVERITIES for finding in given[severity]),
        tables=[finding_table(severity, given[severity], counts[severity], report, profile) for severity in SEVERITIES],
        idle=plural(counts["info"], "finding") if counts["info"] else "",
        look_up=look_up(report, profile),
        verdicts=verdicts(report, profile),
        setup=setup(report, profile),
    )
