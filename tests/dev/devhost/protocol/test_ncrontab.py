from datetime import UTC, datetime, timedelta

import pytest

from dev.devhost.protocol.ncrontab import Interval, ScheduleError, parse_schedule, resolve_settings


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        ("0 */5 * * * *", "2024-01-02T03:04:05", "2024-01-02T03:05:00"),
        ("*/5 * * * *", "2024-01-02T03:05:00", "2024-01-02T03:10:00"),  # five fields: at second 0
        ("*/10 * * * * *", "2024-01-02T03:04:50", "2024-01-02T03:05:00"),
        ("0 30 9 * * 1-5", "2024-01-05T09:30:00", "2024-01-08T09:30:00"),  # Friday -> Monday
        ("0 0 0 1 * *", "2024-01-31T12:00:00", "2024-02-01T00:00:00"),
        ("0 0 0 29 2 *", "2024-03-01T00:00:00", "2028-02-29T00:00:00"),
        ("0 0 0 13 * Fri", "2024-01-01T00:00:00", "2024-09-13T00:00:00"),  # both must match, unlike classic cron
        ("0 0 12 * JAN,jul MON", "2024-02-01T00:00:00", "2024-07-01T12:00:00"),
        ("0 0 0 * * 7", "2024-01-01T00:00:00", "2024-01-07T00:00:00"),  # 7 is Sunday, too
        ("5,35 10/20 * * * *", "2024-01-01T00:10:05", "2024-01-01T00:10:35"),
        ("59 59 23 31 12 ?", "2024-12-31T23:59:58", "2024-12-31T23:59:59"),
        ("0 0 0 1-5/2 * *", "2024-01-02T00:00:00", "2024-01-03T00:00:00"),
    ],
)
def test_next_time(schedule: str, after: str, expected: str) -> None:
    assert parse_schedule(schedule).next_after(at(after)) == at(expected)


def test_a_fraction_of_a_second_does_not_repeat_the_last_time() -> None:
    moment = at("2024-01-01T00:00:00") + timedelta(milliseconds=1)
    assert parse_schedule("* * * * * *").next_after(moment) == at("2024-01-01T00:00:01")


def test_a_timespan_is_an_interval() -> None:
    schedule = parse_schedule("01:30:00")
    assert schedule == Interval(timedelta(minutes=90))
    assert schedule.next_after(at("2024-01-01T00:00:00")) == at("2024-01-01T01:30:00")


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        ("* * *", "3 fields"),
        ("0 60 * * * *", "minute: 0 to 59"),
        ("0 0 0 0 * *", "day: 1 to 31"),
        ("0 0 0 * 13 *", "month: 1 to 12"),
        ("0 0 5-2 * * *", "backwards"),
        ("0 */0 * * * *", "at least 1"),
        ("0 0 0 * * someday", "day of week"),
        ("0 a * * * *", "minute"),
        ("00:00:00", "positive"),
        ("1:2", "duration"),
    ],
)
def test_refused(schedule: str, text: str) -> None:
    with pytest.raises(ScheduleError, match=text):
        parse_schedule(schedule)


def test_a_schedule_that_never_comes() -> None:
    with pytest.raises(ScheduleError, match="never"):
        parse_schedule("0 0 0 31 2 *").next_after(at("2024-01-01T00:00:00"))


def test_settings_are_put_in() -> None:
    assert resolve_settings("%WHEN%", {"WHEN": "0 0 0 * * *"}) == "0 0 0 * * *"
    with pytest.raises(ScheduleError, match="'%WHEN%' does not resolve to a value"):
        resolve_settings("%WHEN%", {})
