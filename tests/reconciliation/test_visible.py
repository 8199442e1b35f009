import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.visible import visible

BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
BLANK = "\u00a0\u00ad\u034f\u115f\u1160\u17b4\u180e\u2003\u200b\u200d\u2028\u2060\u2800\u3000\u3164\ufe0f\ufeff\uffa0"


@pytest.mark.parametrize("text", ["", "a_b.mp4", "R v Doe 2019", "Anna Müller ✓ 例", "naïve", "\\u202e"])
def test_what_can_be_seen_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202egpj.exe", r"a\u202egpj.exe"),
        ("two\nlines\r\n\tand\x1b[31m", r"two\u000alines\u000d\u000a\u0009and\u001b[31m"),
        ("\x7f\x85\x9b", r"\u007f\u0085\u009b"),
        ("flag \U000e0067", r"flag \udb40\udc67"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_cannot_be_seen_is_written_as_json_writes_it(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("character", [*BIDI, *BLANK], ids=lambda character: f"U+{ord(character):04X}")
def test_a_character_that_turns_or_hides_text_never_stays(character: str) -> None:
    assert visible(f"a{character}b") == f"a\\u{ord(character):04x}b"


@given(st.text(st.characters(), max_size=30) | st.text(BIDI + BLANK + "ab\\", max_size=10))
def test_nothing_hidden_is_left_nothing_is_lost_and_twice_is_once(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    assert not {unicodedata.category(one) for one in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert set(shown).isdisjoint(BIDI + BLANK)
    assert visible(shown) == shown
    if "\\" not in text:
        assert json.loads(f'"{shown.replace(chr(34), chr(92) + chr(34))}"') == text
