import re

import pytest

from reporting.policy import STYLE

NAMES = {"page", "text", "quiet", "line", "soft", "link", "high", "medium", "low", "unknown", "info", "on"}
Colour = tuple[float, float, float]
LIGHT, DARK = re.findall(r":root \{([^}]*)\}", STYLE)
MEANINGS = ("info", "high", "medium", "low", "unknown")
# WCAG 2.2: 4.5:1 for text (1.4.3), 3:1 for graphics that carry meaning (1.4.11).
TEXT = 4.5
GRAPHICS = 3.0
TEXT_PAIRS = [
    ("text", "page"),
    ("text", "soft"),
    ("page", "text"),
    ("quiet", "page"),
    ("quiet", "soft"),
    ("link", "page"),
    ("link", "soft"),
    *(("on", meaning) for meaning in MEANINGS),
]
# Bars beside the page, and the border of a field that stands on the soft ground.
GRAPHIC_PAIRS = [*((meaning, "page") for meaning in MEANINGS), ("quiet", "soft"), ("link", "soft")]


def colours(block: str) -> dict[str, Colour]:
    found = {}
    for name, digits in re.findall(r"--(\w+): #([0-9a-f]{3,6});", block):
        full = digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)
        red, green, blue = (int(full[at : at + 2], 16) / 255 for at in (0, 2, 4))
        found[name] = (red, green, blue)
    return found


def luminance(colour: Colour) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_is_that_of_wcag() -> None:
    black, white, grey = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0x76 / 255,) * 3
    assert contrast(black, white) == pytest.approx(21)
    assert contrast(grey, white) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("front", "back", "least"),
    [(*pair, TEXT) for pair in TEXT_PAIRS] + [(*pair, GRAPHICS) for pair in GRAPHIC_PAIRS],
)
def test_colours_can_be_told_apart(scheme: str, front: str, back: str, least: float) -> None:
    palette = colours(scheme)
    assert contrast(palette[front], palette[back]) >= least


def test_both_schemes_name_the_same_colours() -> None:
    assert set(colours(LIGHT)) == set(colours(DARK)) == NAMES


def test_no_colour_is_used_that_the_schemes_do_not_name() -> None:
    rules = STYLE.replace(LIGHT, "").replace(DARK, "")
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsl", rules)
    assert set(re.findall(r"var\(--(\w+)\)", rules)) <= set(colours(LIGHT))


def test_every_pair_of_text_and_background_was_measured() -> None:
    rules = STYLE.replace(LIGHT, "").replace(DARK, "")
    fronts = set(re.findall(r"(?<![-\w])(?:color|fill): var\(--(\w+)\)", rules)) - (set(MEANINGS))
    backs = set(re.findall(r"background: var\(--(\w+)\)", rules))
    assert fronts == {front for front, _ in TEXT_PAIRS}
    assert backs == {back for _, back in TEXT_PAIRS}


def test_the_rects_that_are_filled_with_a_meaning_are_measured_as_graphics() -> None:
    filled = set(re.findall(r"rect { fill: var\(--(\w+)\)", STYLE))
    assert filled == set(MEANINGS) - {"info"}


def test_paper_is_never_dark() -> None:
    assert "@media screen and (prefers-color-scheme: dark)" in STYLE


def test_what_the_script_hides_is_hidden() -> None:
    assert "[hidden] { display: none !important; }" in STYLE
