import re
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.times import to_text
from reporting.layout import rendered
from reporting.reading import SEVERITIES
from reporting.timeline import Column, columns, drawing


def at(*days: str, severity: str = "high") -> list[tuple[str, str]]:
    return [(f"{day}T09:30:00Z", severity) for day in days]


@pytest.mark.parametrize(
    ("days", "unit", "labels"),
    [
        pytest.param(["2026-01-31"], "day", ["31 Jan 2026"], id="one day"),
        pytest.param(
            ["2024-02-28", "2024-03-01"], "day", ["28 Feb 2024", "29 Feb 2024", "1 Mar 2024"], id="a leap day"
        ),
        pytest.param(["2025-11-01", "2026-01-31"], "month", ["Nov 2025", "Dec 2025", "Jan 2026"], id="over new year"),
        pytest.param(["2019-06-01", "2026-01-01"], "year", [str(year) for year in range(2019, 2027)], id="years"),
        pytest.param(["1900-01-01", "2026-01-01", "9999-12-31"], "year", ["1900", "2026", "9999"], id="a wrong clock"),
    ],
)
def test_the_unit_is_the_smallest_that_fits(days: list[str], unit: str, labels: list[str]) -> None:
    found, drawn = columns(at(*days))
    assert (found, [column.label for column in drawn]) == (unit, labels)


@pytest.mark.parametrize(
    ("last", "unit", "count"),
    [("2026-02-14", "day", 45), ("2026-02-15", "month", 2), ("2030-12-01", "month", 60), ("2031-01-01", "year", 6)],
)
def test_there_are_never_more_columns_than_can_be_told_apart(last: str, unit: str, count: int) -> None:
    found, drawn = columns(at("2026-01-01", last))
    assert (found, len(drawn)) == (unit, count)


def test_severities_are_counted_apart() -> None:
    _, [column] = columns(at("2026-01-31", "2026-01-31") + at("2026-01-31", severity="low"))
    assert column == Column("31 Jan 2026", {"high": 2, "low": 1})
    assert (column.total, column.words) == (3, "31 Jan 2026: 2 high and 1 low")


def test_no_hearing_is_no_column() -> None:
    assert columns([]) == ("day", [])
    assert Column("2026", {}).words == "2026: none"


@given(st.lists(st.tuples(st.datetimes().map(lambda m: to_text(m.replace(tzinfo=UTC))), st.sampled_from(SEVERITIES))))
def test_every_finding_is_in_one_column_and_no_drawing_is_crowded(hearings: list[tuple[str, str]]) -> None:
    _, drawn = columns(hearings)
    assert sum(column.total for column in drawn) == len(hearings)
    assert len(drawn) <= max(60, len(hearings))


def timeline(unit: str, drawn: list[Column], event: str) -> str:
    return rendered("timeline.html", overview={"timeline": drawing(unit, drawn, event)})


DRAWN = [Column("Jan 2026", {"high": 3, "low": 1}), Column("Feb 2026", {}), Column("Mar 2026", {"high": 2})]


def test_columns_stand_on_one_line_and_share_one_scale() -> None:
    html = timeline("month", DRAWN, "hearing")
    rects = re.findall(r'<rect class="(\w+)" x="([\d.]+)%" y="([\d.]+)" width="[\d.]+%" height="([\d.]+)"', html)
    assert [severity for severity, *_ in rects] == ["high", "low", "high"]
    [high, low, other] = [(float(x), float(y), float(height)) for _, x, y, height in rects]
    assert high[0] == low[0] < other[0]
    assert high[1] + high[2] == other[1] + other[2] == 140
    assert low[1] + low[2] == high[1]
    assert (high[2], low[2], other[2]) == (90, 30, 60)


def test_the_drawing_says_in_words_what_it_shows() -> None:
    html = timeline("month", DRAWN, "hearing")
    words = "Findings by month of the hearing, Jan 2026 to Mar 2026; most in Jan 2026 (4 findings)"
    assert f'role="img" aria-label="{words}"' in html
    assert "<title>Jan 2026: 3 high and 1 low</title>" in html
    assert '<tr><th scope="row">Mar 2026</th><td class="number">2</td>' in html
    assert "Feb 2026</th>" not in html
    legend = html.partition('<ul class="legend">')[2].partition("</ul>")[0]
    assert re.findall(r"mark (\w+)", legend) == ["high", "low"]


def test_a_small_share_is_still_seen() -> None:
    html = timeline("year", [Column("2025", {"high": 10_000}), Column("2026", {"high": 1})], "hearing")
    assert 'height="2.0"' in html


@pytest.mark.parametrize("count", [1, 4, 5, 60])
def test_few_labels_stand_below_the_columns(count: int) -> None:
    drawn = [Column(f"no {number}", {"high": 1}) for number in range(count)]
    labels = re.findall(r'<text x="([\d.]+)%"[^>]*>(no \d+)</text>', timeline("day", drawn, "hearing"))
    assert len(labels) == min(count, 4)
    assert (labels[0][1], labels[-1][1]) == ("no 0", f"no {count - 1}")
    assert all(0 <= float(x) <= 100 for x, _ in labels)
