import pytest

from auditctl.errors import UnexpectedResponseError
from auditctl.fields import LONGEST_TEXT, Fields, printable
from auditctl.wording import duration, key_value, minute, percent, seconds_since


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Anna Müller ✓ 例", "Anna Müller ✓ 例"),
        ("a\r\nb\tc\u2028d", r"a  b c\u2028d"),
        ("\x1b[31mred\x1b[0m", r"\u001b[31mred\u001b[0m"),
        ("\x00\x07\x7f\x9b\x85", r"\u0000\u0007\u007f\u009b\u0085"),
        ("left\u202eright\u2066\u200b\ufeff", r"left\u202eright\u2066\u200b\ufeff"),
        ("\ud800", r"\ud800"),
        ("x" * LONGEST_TEXT, "x" * LONGEST_TEXT),
        ("x" * (LONGEST_TEXT + 1), "x" * LONGEST_TEXT + "…"),
    ],
)
def test_what_is_printed_cannot_command_a_terminal(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_wrong_type_is_named_with_what_was_seen() -> None:
    with pytest.raises(UnexpectedResponseError, match=r"'id' is \[1\], which is not a text") as raised:
        Fields({"id": [1]}, "GET /x").text("id")
    assert raised.value.where == "GET /x"


@pytest.mark.parametrize(
    ("number", "shown"), [(None, ""), (0, "0%"), (42.9, "42%"), (99.99, "99%"), (100, "100%"), (250, "100%")]
)
def test_a_hundred_percent_means_all_of_it(number: float | None, shown: str) -> None:
    assert percent(number) == shown


def test_lengths_of_time() -> None:
    assert duration(3_723.9) == "1:02:03"
    assert duration(1e300) == "100 days, 0:00:00"
    assert [seconds_since(moment) for moment in (None, "soon", "2026-01-31T08:00:00", "9999-01-01T00:00:00Z")] == [
        0
    ] * 4
    assert seconds_since("2026-01-31T08:00:00Z") > 0


def test_moments_are_shown_in_utc() -> None:
    assert minute("2026-01-31T09:30:59+01:00") == "2026-01-31 08:30"
    assert minute("soon") == "soon"
    assert minute(None) == ""


def test_key_value_can_be_read_back() -> None:
    line = key_value(a=None, b="", c="-", d="two words", e='"', f="x=y", g=True, h=1.0, i=2.25, j="a/b:c")
    assert line == r'a=- b=- c="-" d="two words" e="\"" f="x=y" g=true h=1 i=2.2 j=a/b:c'
