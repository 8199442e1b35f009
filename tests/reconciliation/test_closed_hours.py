"""When nothing is changed, and until when."""

from datetime import UTC, datetime, time, timedelta, timezone

import pytest

from reconciliation.closed_hours import ClosedHours, closed_hours_in, closes_at, in_zones, opens_at

EVENING = ClosedHours(time(17, 45), time(19, 30), "the sweep")
NOON = ClosedHours(time(11, 40), time(12, 0), "the correction")
BOTH = (EVENING, NOON)


def at(clock: str, day: int = 31) -> datetime:
    return datetime.fromisoformat(f"2026-01-{day:02}T{clock}:00+00:00")


@pytest.mark.parametrize(
    ("clock", "until"),
    [("17:44", None), ("17:45", "19:30"), ("19:29", "19:30"), ("19:30", None), ("11:59", "12:00"), ("00:00", None)],
)
def test_it_opens_when_the_closed_hours_end(clock: str, until: str | None) -> None:
    assert opens_at(BOTH, at(clock)) == (until and at(until))


def test_of_overlapping_hours_the_last_end_counts() -> None:
    longer = ClosedHours(time(18, 0), time(20, 0), "another job")
    assert opens_at((EVENING, longer), at("18:30")) == at("20:00")


def test_it_closes_at_the_next_beginning_today_or_tomorrow() -> None:
    assert closes_at(BOTH, at("10:00", 30)) == at("11:40", 30)
    assert closes_at(BOTH, at("12:00", 30)) == at("17:45", 30)
    assert closes_at(BOTH, at("20:00", 30)) == at("11:40", 31)
    assert closes_at((), at("20:00")) is None


def test_hours_are_utc_whatever_zone_a_moment_has() -> None:
    in_cairo = datetime(2026, 1, 31, 20, 0, tzinfo=timezone(timedelta(hours=2)))
    assert opens_at(BOTH, in_cairo) == datetime(2026, 1, 31, 19, 30, tzinfo=UTC)


def test_hours_that_end_before_they_begin_are_refused() -> None:
    with pytest.raises(ValueError, match="give two spans"):
        ClosedHours(time(23, 0), time(1, 0), "midnight")


def test_they_are_read_from_a_setting() -> None:
    assert closed_hours_in("none") == ()
    read = closed_hours_in("17:45-19:30, 06:00-06:30")
    assert [(hours.start, hours.end) for hours in read] == [(time(17, 45), time(19, 30)), (time(6), time(6, 30))]


@pytest.mark.parametrize(
    "text", ["", "17:45", "17:45-", "19:30-17:45", "17:45-25:00", "1745-1930", "17:45-19:30,", "x"]
)
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        closed_hours_in(text)


def test_they_say_what_is_at_work() -> None:
    assert str(EVENING) == "17:45-19:30 UTC (the sweep)"


@pytest.mark.parametrize(
    ("day", "zone", "words"),
    [
        ("2026-01-31", "Europe/London", "2026-01-31 17:45 UTC, 17:45 Europe/London"),
        ("2026-06-30", "Europe/London", "2026-06-30 17:45 UTC, 18:45 Europe/London"),
        ("2026-06-30", "UTC", "2026-06-30 17:45 UTC"),
        ("2026-06-30", "Nowhere/Else", "2026-06-30 17:45 UTC"),
    ],
)
def test_a_moment_is_told_in_utc_and_where_people_are(day: str, zone: str, words: str) -> None:
    assert in_zones(datetime.fromisoformat(f"{day}T17:45:00+00:00"), zone) == words
