from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.database import DatabaseState
from reconciliation.times import to_text

CLOCK = "2026-01-31T09:30:00.123456+00:00"
AT = datetime(2026, 1, 31, 9, 30, 0, 123_456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("replayed", "until"),
    [
        (None, None),
        ("2026-01-31T09:29:00+00:00", datetime(2026, 1, 31, 9, 29, tzinfo=UTC)),
        ("2026-01-31T11:29:00+02:00", datetime(2026, 1, 31, 9, 29, tzinfo=UTC)),
        ("infinity", None),
        ("-infinity", None),
        ("20238-01-31T09:29:00+00:00", None),
        ("0044-03-15T12:00:00+00:00 BC", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_a_moment_that_no_datetime_holds_is_not_known(replayed: str | None, until: datetime | None) -> None:
    assert DatabaseState.from_json([CLOCK, True, replayed]) == DatabaseState(AT, True, until)


@given(st.text(max_size=30) | st.datetimes(timezones=st.just(UTC)).map(to_text))
def test_no_text_for_the_last_commit_is_a_failure(text: str) -> None:
    assert DatabaseState.from_json([CLOCK, True, text]).clock == AT


@pytest.mark.parametrize("clock", ["infinity", "20238-01-31T09:29:00+00:00", "2026-01-31T09:30:00"])
def test_a_clock_that_is_no_time_is_refused(clock: str) -> None:
    with pytest.raises(ValueError, match=r"Invalid|zone"):
        DatabaseState.from_json([clock, False, None])
