"""The overview of findings: the chart of verdicts and the timeline."""

from typing import NamedTuple

from reconciliation.showing import Showing
from reconciliation.wording import plural
from reporting.chart import Bar, bars
from reporting.model import Head
from reporting.reading import SEVERITIES, Findings
from reporting.timeline import Drawing, columns, drawing


class Overview(NamedTuple):
    """``timeline`` is None if no finding has a date; ``left_out`` says how many findings are not in it."""

    bars: list[Bar]
    timeline: Drawing | None
    left_out: str


def overview(report: Head, findings: Findings, showing: Showing) -> Overview | None:
    """None if there are no findings that need a person."""
    given = bars(report["verdicts"])
    if not given:
        return None
    shown = [finding for severity in SEVERITIES for finding in findings[severity]]
    unit, drawn = columns((date, finding["severity"]) for finding in shown if (date := showing.dated(finding)))
    if not drawn:
        return Overview(given, None, "")
    asking = sum(report["counts"]["by_severity"][severity] for severity in SEVERITIES)
    dated = sum(column.total for column in drawn)
    notes = [
        *([f"{plural(len(shown) - dated, 'finding')} without a time of {showing.event}"] * (len(shown) > dated)),
        *([f"{asking - len(shown):,} that are only in findings.csv"] * (asking > len(shown))),
    ]
    return Overview(given, drawing(unit, drawn, showing.event), " and ".join(notes))
