"""The timeline of findings: columns by day, month or year, and their drawing as SVG."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from reconciliation.wording import joined, plural
from reporting.reading import SEVERITIES

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
        """The number of its findings."""
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
        # A wrong clock, far in the past or future, must not add the centuries between.
        keys = sorted(grouped)
    return unit, [Column(_label(key), grouped.get(key, {})) for key in keys]


class Rect(NamedTuple):
    """The findings of one severity in a column: lengths as SVG writes them, in percent across."""

    severity: str
    x: str
    y: str
    width: str
    height: str


class Stack(NamedTuple):
    """A column that is drawn, and what it says in words."""

    words: str
    rects: list[Rect]


class Label(NamedTuple):
    """A text below the columns; ``anchor`` is the end of it that is at ``x``."""

    text: str
    x: str
    anchor: str


class Drawing(NamedTuple):
    """Columns on one baseline and of one scale, in pixels from above: ``top`` is the height of ``most``, ``base`` zero.

    Texts are at ``above`` and ``below``.
    """

    unit: str
    event: str
    words: str
    most: int
    top: int
    base: int
    above: int
    below: int
    stacks: list[Stack]
    labels: list[Label]
    legend: list[str]
    severities: tuple[str, ...]
    numbers: list[tuple[str, list[int]]]


def drawing(unit: str, drawn: Sequence[Column], event: str) -> Drawing:
    """Draw at least one column; ``numbers`` are the counts by ``severities`` of each column that is not empty."""
    most = max(column.total for column in drawn) or 1
    slot = 100 / len(drawn)
    peak = max(drawn, key=lambda column: column.total)
    return Drawing(
        unit=unit,
        event=event,
        words=(
            f"Findings by {unit} of the {event}, {drawn[0].label} to {drawn[-1].label}; "
            f"most in {peak.label} ({plural(peak.total, 'finding')})"
        ),
        most=most,
        top=_TOP,
        base=_BASE,
        above=_TOP - 6,
        below=_BASE + 18,
        stacks=[_stack(column, slot * number, slot, most) for number, column in enumerate(drawn) if column.total],
        labels=_labels(drawn, slot),
        legend=[severity for severity in SEVERITIES if any(column.counts.get(severity) for column in drawn)],
        severities=SEVERITIES,
        numbers=[
            (column.label, [column.counts.get(severity, 0) for severity in SEVERITIES])
            for column in drawn
            if column.total
        ],
    )


def _stack(column: Column, left: float, slot: float, most: int) -> Stack:
    width = min(slot * 0.8, _WIDEST)
    x = left + (slot - width) / 2
    top = float(_BASE)
    rects = []
    for severity in SEVERITIES:
        if count := column.counts.get(severity, 0):
            height = max(_HEIGHT * count / most, _LEAST_HEIGHT)
            top -= height
            rects.append(Rect(severity, f"{x:.2f}", f"{top:.1f}", f"{width:.2f}", f"{height:.1f}"))
    return Stack(column.words, rects)


def _labels(drawn: Sequence[Column], slot: float) -> list[Label]:
    """One under each column if there are few, otherwise ``_MOST_LABELS`` at even distances within the drawing."""
    if len(drawn) <= _MOST_LABELS:
        return [Label(column.label, f"{slot * (number + 0.5):.2f}", "middle") for number, column in enumerate(drawn)]
    labels = []
    for number in range(_MOST_LABELS):
        at = round(number * (len(drawn) - 1) / (_MOST_LABELS - 1))
        anchor = {0: "start", _MOST_LABELS - 1: "end"}.get(number, "middle")
        x = {"start": 0.0, "end": 100.0}.get(anchor, slot * (at + 0.5))
        labels.append(Label(drawn[at].label, f"{x:.2f}", anchor))
    return labels


def _unit(first: str, last: str) -> str:
    if _days(last) - _days(first) < _MOST_DAYS:
        return "day"
    return "month" if _months(last) - _months(first) < _MOST_COLUMNS else "year"


def _span(unit: str, first: str, last: str) -> list[str]:
    """Every day, month or year from one day to another, as a prefix of ISO 8601."""
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
