from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciliation.times import (
    from_rfc1123,
    from_stamp,
    from_text,
    optional_from_text,
    optional_text,
    stamps_of,
    to_text,
)
from tests.profiles.pre_capture_sessions.strategies import moments


@given(moments())
@example(datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC))
def test_rfc_1123_is_read_as_the_standard_library_reads_it(moment: datetime) -> None:
    text = format_datetime(moment.astimezone(UTC), usegmt=True)
    assert from_rfc1123(text) == parsedate_to_datetime(text)
    assert from_rfc1123(text) == moment.replace(microsecond=0)
    assert from_rfc1123(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Wed, 12 Aug 2026 09:30:00",
        "Wed, 12 Aug 2026 09:30:00 UTC",
        "Wed, 12 Aug 2026 09:30:00 +0000",
        "Wed, 12 Aug 2026 09:30:00 GMT ",
        "Wed, 12 aug 2026 09:30:00 GMT",
        "Wed, 12 Abc 2026 09:30:00 GMT",
        "Wed, 32 Aug 2026 09:30:00 GMT",
        "Sun, 29 Feb 2026 09:30:00 GMT",
        "Wed, 12 Aug 2026 24:30:00 GMT",
        "Wed, 12 Aug 2026 09:60:00 GMT",
        "Wed, 12 Aug 2026 09:30:60 GMT",
        "Wed, 12 Aug 2026 093000.0 GMT",
        "Wednesday, 12-Aug-26 09:30:00 GMT",
        "2026-08-12T09:30:00Z",
    ],
)
def test_other_layouts_are_no_rfc_1123(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the texts are the standard library's
        from_rfc1123(text)


# Many on few days, as storage has them, and some of any time. Nothing is made of the name of a day, right or wrong.
DAYS = st.datetimes(datetime(2026, 2, 27), datetime(2026, 3, 2, 23, 59, 59), timezones=st.just(UTC))
DATES = st.builds(
    lambda moment, day: day + format_datetime(moment.astimezone(UTC), usegmt=True)[3:],
    DAYS | moments(),
    st.sampled_from(["Mon", "Thu"]),
)


@given(st.lists(DATES))
def test_stamps_are_those_of_the_dates_and_ascend_as_their_moments_do(dates: list[str]) -> None:
    stamps = stamps_of(dates)
    assert [*map(from_stamp, stamps)] == [*map(parsedate_to_datetime, dates)]
    assert [*map(from_stamp, sorted(stamps))] == sorted(map(parsedate_to_datetime, dates))


@given(st.lists(DATES, max_size=5), st.sampled_from(["Mon, 30 Feb 2026", "Mon, 00 Mar 2026", "Mon, 01 Mae 2026"]))
def test_a_day_that_does_not_exist_is_no_more_passed_over_among_many(dates: list[str], day: str) -> None:
    with pytest.raises(ValueError, match="day"):
        stamps_of([*dates, f"{day} 09:30:00 GMT", *dates])


@given(moments())
def test_a_written_moment_is_read_back(moment: datetime) -> None:
    text = to_text(moment)
    assert text.endswith("Z")
    assert from_text(text) == moment
    assert from_text(text).tzinfo is UTC
    assert to_text(from_text(text)) == text
    assert optional_from_text(optional_text(moment)) == moment


def test_moments_are_written_in_utc_with_microseconds_only_where_there_are_any() -> None:
    assert to_text(datetime.fromisoformat("2026-01-31T10:30:00+01:00")) == "2026-01-31T09:30:00Z"
    assert to_text(datetime.fromisoformat("2026-01-31T09:30:00.000120Z")) == "2026-01-31T09:30:00.000120Z"


def test_a_moment_written_in_another_zone_comes_back_in_utc() -> None:
    assert from_text("2026-01-31T10:30:00+01:00").isoformat() == "2026-01-31T09:30:00+00:00"


def test_a_moment_without_a_zone_is_refused_both_ways() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        to_text(datetime(2026, 1, 31))
    with pytest.raises(ValueError, match="no time zone"):
        from_text("2026-01-31T09:30:00")


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_that_does_not_exist_in_utc_is_refused_as_any_other(text: str) -> None:
    with pytest.raises(ValueError, match="does not exist in UTC"):
        from_text(text)


def test_none_stays_none() -> None:
    assert optional_text(None) is None
    assert optional_from_text(None) is None
