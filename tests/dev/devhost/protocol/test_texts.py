"""JSON texts and times."""

from datetime import UTC, datetime, timedelta

import pytest

from dev.devhost.protocol.json_text import compact, parse_or_text, rewrite
from dev.devhost.protocol.times import parse_stamp, parse_timespan, stamp, timespan


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": [1, 2]}', '{"a":[1,2]}'),
        ("1e20", "1E+20"),
        ('{"small": 1e-07, "text": "1e-07 \\"2e+5\\""}', '{"small":1E-07,"text":"1e-07 \\"2e+5\\""}'),
        ('"Z\\u00fcrich \\u2028"', '"Zürich \\u2028"'),
        ('"\\ud83d\\ude00 \\ud83d"', '"😀 \\ud83d"'),  # half a character must survive the store
        ("12345678901234567890123", "12345678901234567890123"),
        ("1.0", "1.0"),
    ],
)
def test_rewritten_as_dotnet_does(text: str, expected: str) -> None:
    assert rewrite(text) == expected


def test_text_that_is_not_json_stays_text() -> None:
    assert parse_or_text("not json") == "not json"
    assert parse_or_text(None) is None
    assert compact(None) == "null"


def test_times() -> None:
    moment = datetime(2024, 1, 2, 3, 4, 5, 678901, UTC)
    assert stamp(moment) == "2024-01-02T03:04:05.678901Z"
    assert parse_stamp("2024-01-02T03:04:05.6789012Z") == moment
    assert parse_stamp("2024-01-02T03:04:05") == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert parse_timespan("1.02:03:04.5") == timedelta(days=1, hours=2, minutes=3, seconds=4.5)
    assert timespan(timedelta(days=1, seconds=5)) == "1.00:00:05"
    with pytest.raises(ValueError, match="duration"):
        parse_timespan("5 minutes")
