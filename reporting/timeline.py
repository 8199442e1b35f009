"""When it was that findings are about: columns by day, month or year, with the numbers in a table."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from reconciliation.wording import joined, plural
from reporting.markup import SEVERITIES, table

_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LENGTHS = {"day": len("2026-01-31"), "month": len("2026-01"), "year": len("2026")}
_MOST_DAYS = 45
_MOST_COLUMNS = 60
_MOST_LABELS = 4
_TOP, _HEIGHT, _BASE = 20, 120, 140
_LEAST_HEIGHT = 2.0
_WIDEST = 5.0


class Column(NamedTuple):
    """The findings of one day, month or year, by severity."""

    label: str
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """How many findings it stands for."""
        return sum(self.counts.values())

    @property
    def words(self) -> str:
        """``Jun 2025: 3 high and 1 low``."""
        parts = [f"{self.counts[severity]:,} {severity}" for severity in SEVERITIES if self.counts.get(severity)]
        return f"{self.label}: {joined(parts) if parts else 'none'}"


def columns(dates: Iterable[tuple[str, str]]) -> tuple[str, list[Column]]:
    """The unit (day, month, year) that fits, and a column for each of them from the first to the last.

    ``dates`` holds the moment (ISO 8601, UTC) and the severity of each finding, in any order.
    """
    counts = Counter((moment[:10], severity) for moment, severity in dates)
    if not counts:
        return "day", []
    first, last = min(counts)[0], max(counts)[0]
    unit = _unit(first, last)
    grouped: dict[str, Counter[str]] = {}
    for (day, severity), count in counts.items():
        grouped.setdefault(day[: _LENGTHS[unit]], Counter())[severity] += count
    keys = _span(unit, first, last)
    if len(keys) > _MOST_COLUMNS:
        # A clock far in the past or future must not draw the centuries between.
        keys = sorted(grouped)
    return unit, [Column(_label(key), grouped.get(key, {})) for key in keys]


def timeline(unit: str, drawn: Sequence[Column], event: str) -> str:
    """The columns as a drawing that is as wide as the page, over a table of the same numbers."""
    most = max((column.total for column in drawn), default=0) or 1
    slot = 100 / max(len(drawn), 1)
    bars = "".join(_bar(column, slot * number, slot, most) for number, column in enumerate(drawn) if column.total)
    peak = max(drawn, key=lambda column: column.total)
    said = (
        f"Findings by {unit} of the {event}, {drawn[0].label} to {drawn[-1].label}; "
        f"most in {peak.label} ({plural(peak.total, 'finding')})"
    )
    legend = "".join(
        f'<li><span class="mark {severity}">{severity}</span></li>'
        for severity in SEVERITIES
        if any(column.counts.get(severity) for column in drawn)
    )
    rows = (
        f'<tr><th scope="row">{column.label}</th>'
        + "".join(f'<td class="number">{column.counts.get(severity, 0):,}</td>' for severity in SEVERITIES)
        + "</tr>"
        for column in drawn
        if column.total
    )
    numbers = table(
        "plain",
        f"Findings by {unit} of the {event}",
        (unit.capitalize(), *(f"#{s}" for s in SEVERITIES)),
        rows,
        shown=False,
    )
    return (
        f'<figure>\n<svg class="timeline" role="img" aria-label="{said}">'
        f'<line x1="0" x2="100%" y1="{_TOP}" y2="{_TOP}"/><line x1="0" x2="100%" y1="{_BASE}" y2="{_BASE}"/>'
        f'<text x="0" y="{_TOP - 6}">{most:,}</text>{bars}{_axis(drawn, slot)}</svg>\n'
        f'<ul class="legend">{legend}</ul>\n<details><summary>The numbers</summary>\n{numbers}</details>\n</figure>'
    )


def _bar(column: Column, left: float, slot: float, most: int) -> str:
    width = min(slot * 0.8, _WIDEST)
    x = left + (slot - width) / 2
    top = float(_BASE)
    parts = []
    for severity in SEVERITIES:
        if count := column.counts.get(severity, 0):
            height = max(_HEIGHT * count / most, _LEAST_HEIGHT)
            top -= height
            parts.append(
                f'<rect class="{severity}" x="{x:.2f}%" y="{top:.1f}" width="{width:.2f}%" height="{height:.1f}"/>'
            )
    return f"<g><title>{column.words}</title>{''.join(parts)}</g>"


def _axis(drawn: Sequence[Column], slot: float) -> str:
    """A few labels: under each of few columns, else at even distances, the outer ones within the drawing."""
    y = _BASE + 18
    if len(drawn) <= _MOST_LABELS:
        return "".join(
            f'<text x="{slot * (number + 0.5):.2f}%" y="{y}" text-anchor="middle">{column.label}</text>'
            for number, column in enumerate(drawn)
        )
    parts = []
    for number in range(_MOST_LABELS):
        at = round(number * (len(drawn) - 1) / (_MOST_LABELS - 1))
        anchor = {0: "start", _MOST_LABELS - 1: "end"}.get(number, "middle")
        x = {"start": 0.0, "end": 100.0}.get(anchor, slot * (at + 0.5))
        parts.append(f'<text x="{x:.2f}%" y="{y}" text-anchor="{anchor}">{drawn[at].label}</text>')
    return "".join(parts)


def _unit(first: str, last: str) -> str:
    if _days(last) - _days(first) < _MOST_DAYS:
        return "day"
    return "month" if _months(last) - _months(first) < _MOST_COLUMNS else "year"


def _span(unit: str, first: str, last: str) -> list[str]:
    """Every day, month or year from one day to another, as ISO 8601 begins with it."""
    if unit == "day":
        return [date.fromordinal(day).isoformat() for day in range(_days(first), _days(last) + 1)]
    if unit == "month":
        return [f"{month // 12:04}-{month % 12 + 1:02}" for month in range(_months(first), _months(last) + 1)]
    return [f"{year:04}" for year in range(int(first[:4]), int(last[:4]) + 1)]


def _days(day: str) -> int:
    return date.fromisoformat(day).toordinal()


def _months(day: str) -> int:
    return int(day[:4]) * 12 + int(day[5:7]) - 1


def _label(key: str) -> str:
    """``2026``, ``Jan 2026``, ``31 Jan 2026``."""
    year, *rest = key.split("-")
    names = [_MONTH_NAMES[int(rest[0]) - 1]] if rest else []
    return " ".join([*(str(int(day)) for day in rest[1:]), *names, year])
