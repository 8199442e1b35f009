import re

import pytest

from reporting.chart import Bar, bar_chart


def test_a_bar_is_as_long_as_its_share_of_the_longest() -> None:
    html = bar_chart([Bar("a", "high", 200), Bar("b", "low", 50), Bar("c", "low", 1)], "Findings")
    assert re.findall(r'<rect width="([\d.]+)%"', html) == ["100.0", "25.0", "0.5"]
    assert re.findall(r'<td class="number">(\d+)</td>', html) == ["200", "50", "1"]


def test_a_bar_is_read_as_text_and_leads_to_its_findings() -> None:
    html = bar_chart([Bar("no_ism", "high", 1_234)], "Findings")
    assert '<th scope="row"><a href="#findings" data-show="no_ism"><code>no_ism</code></a></th>' in html
    assert '<span class="mark high">high</span>' in html
    assert "1,234" in html
    assert '<svg class="high" aria-hidden="true">' in html


@pytest.mark.parametrize("bars", [[], [Bar("a", "high", 0)]])
def test_nothing_to_draw_is_no_error(bars: list[Bar]) -> None:
    assert "<caption>Findings</caption>" in bar_chart(bars, "Findings")


def test_names_from_outside_stay_text() -> None:
    html = bar_chart([Bar("<b>", '"><b>', 1)], "Findings")
    assert "<b>" not in html
