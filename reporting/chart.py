"""How many findings there are of each verdict: a table whose bars are drawn, so that it is text all the same."""

from collections.abc import Iterable
from typing import NamedTuple

from reporting.markup import safe, table, verdict_link

_LEAST_PERCENT = 0.5


class Bar(NamedTuple):
    """One verdict that was given."""

    verdict: str
    severity: str
    findings: int


def bar_chart(bars: Iterable[Bar], caption: str) -> str:
    """The bars in the order given, each as long as its share of the longest."""
    drawn = list(bars)
    most = max((bar.findings for bar in drawn), default=0) or 1
    return table("chart", caption, ("Verdict", "Severity", "#Findings", ""), (_row(bar, most) for bar in drawn))


def _row(bar: Bar, most: int) -> str:
    severity = safe(bar.severity)
    return (
        f'<tr><th scope="row">{verdict_link(bar.verdict)}</th><td><span class="mark {severity}">{severity}</span></td>'
        f'<td class="number">{bar.findings:,}</td><td class="bar"><svg class="{severity}" aria-hidden="true">'
        f'<rect width="{max(100 * bar.findings / most, _LEAST_PERCENT):.1f}%" height="100%"/></svg></td></tr>'
    )
