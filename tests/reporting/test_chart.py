import re

import pytest

from reporting.chart import Bar, bars
from reporting.layout import rendered


def given(verdict: str, severity: str, count: int) -> dict[str, object]:
    return {"verdict": verdict, "severity": severity, "count": count}


def drawn(*of: Bar) -> str:
    return rendered("chart.html", overview={"bars": of})


def test_a_bar_is_as_long_as_its_share_of_the_longest() -> None:
    html = drawn(*bars([given("a", "high", 200), given("b", "low", 50), given("c", "low", 1)]))
    assert re.findall(r'<rect width="([\d.]+)%"', html) == ["100.0", "25.0", "0.5"]
    assert re.findall(r'<td class="number">(\d+)</td>', html) == ["200", "50", "1"]


def test_bars_are_most_urgent_first_and_what_asks_for_nothing_has_none() -> None:
    found = bars([given("a", "low", 9), given("b", "info", 7), given("c", "high", 1), given("d", "high", 2)])
    assert [bar.verdict for bar in found] == ["d", "c", "a"]


def test_a_bar_is_read_as_text_and_leads_to_its_findings() -> None:
    html = drawn(*bars([given("no_ism", "high", 1_234)]))
    assert '<th scope="row"><a href="#findings" data-show="no_ism"><code>no_ism</code></a></th>' in html
    assert '<span class="mark high">high</span>' in html
    assert "1,234" in html
    assert '<svg class="high" aria-hidden="true">' in html
    assert "<caption>Findings of each verdict</caption>" in html


@pytest.mark.parametrize("verdicts", [[], [given("a", "high", 0)]])
def test_nothing_to_draw_is_no_error(verdicts: list[dict[str, object]]) -> None:
    assert bars(verdicts) == []


def test_names_from_outside_stay_text() -> None:
    html = drawn(Bar("<b>", '"><b>', 1, "100.0"))
    assert "<b>" not in html
