"""Timer schedules: NCRONTAB expressions with six fields (or five, without seconds) and TimeSpans, in UTC."""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dev.devhost.protocol.times import parse_timespan

_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_SETTING = re.compile(r"%([^%]+)%")
_LIMITS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_NAMES = ("second", "minute", "hour", "day", "month", "day of week")
_HORIZON = timedelta(days=366 * 8 + 2)


class ScheduleError(ValueError):
    """A schedule that cannot be understood."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Every so often, counted from the host's start or the last run."""

    every: timedelta

    def next_after(self, moment: datetime) -> datetime:
        """The next time."""
        return moment + self.every


@dataclass(frozen=True, slots=True)
class Cron:
    """Sets of allowed values: second, minute, hour, day, month, day of week (0 is Sunday). All of them must match."""

    fields: tuple[frozenset[int], ...]

    def next_after(self, moment: datetime) -> datetime:
        """The first matching second after ``moment``. Raises ScheduleError if there is none in eight years."""
        second, minute, hour, day, month, weekday = self.fields
        at = moment.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
        end = at + _HORIZON
        while at < end:
            if at.month not in month:
                first = at.replace(day=1, hour=0, minute=0, second=0)
                at = (first + timedelta(days=32)).replace(day=1)
            elif at.day not in day or (at.weekday() + 1) % 7 not in weekday:
                at = at.replace(hour=0, minute=0, second=0) + timedelta(days=1)
            elif at.hour not in hour:
                at = at.replace(minute=0, second=0) + timedelta(hours=1)
            elif at.minute not in minute:
                at = at.replace(second=0) + timedelta(minutes=1)
            elif at.second not in second:
                at += timedelta(seconds=1)
            else:
                return at
        raise ScheduleError("the schedule never matches.")


Schedule = Cron | Interval


def resolve_settings(text: str, settings: dict[str, str]) -> str:
    """Replace ``%NAME%`` by app settings. Raises ScheduleError with the real host's words for a missing one."""

    def setting(match: re.Match[str]) -> str:
        value = settings.get(match[1])
        if not value:
            raise ScheduleError(f"'%{match[1]}%' does not resolve to a value.")
        return value

    return _SETTING.sub(setting, text)


def parse_schedule(text: str) -> Schedule:
    """Parse ``0 */5 * * * *``, ``*/5 * * * *`` or ``00:05:00``. Raises ScheduleError naming the field."""
    if ":" in text:
        try:
            every = parse_timespan(text)
        except ValueError as error:
            raise ScheduleError(f"{error}.") from error
        if every <= timedelta(0):
            raise ScheduleError(f"'{text}' is not a positive duration.")
        return Interval(every)
    parts = text.split()
    if len(parts) == len(_LIMITS) - 1:
        parts.insert(0, "0")
    if len(parts) != len(_LIMITS):
        raise ScheduleError(f"'{text}' has {len(parts)} fields; a schedule has 6, with seconds first, or 5 without.")
    return Cron(tuple(_field(index, part) for index, part in enumerate(parts)))


def _field(index: int, text: str) -> frozenset[int]:
    values: set[int] = set()
    for item in text.split(","):
        values |= _item(index, item)
    return frozenset(values)


def _item(index: int, item: str) -> set[int]:
    low, high = _LIMITS[index]
    span, slash, step_text = item.partition("/")
    step = _number(index, step_text) if slash else 1
    if step < 1:
        raise ScheduleError(f"'{item}' is not a {_NAMES[index]}: the step must be at least 1.")
    if span in ("*", "?"):
        return set(range(low, high + 1, step))
    first_text, dash, last_text = span.partition("-")
    first = _number(index, first_text)
    last = _number(index, last_text) if dash else (high if slash else first)
    top = high + 1 if index == len(_LIMITS) - 1 else high  # 7 is Sunday, too
    if not low <= first <= top or not low <= last <= top:
        raise ScheduleError(f"'{item}' is not a {_NAMES[index]}: {low} to {high} are allowed.")
    if first > last:
        raise ScheduleError(f"'{item}' is not a {_NAMES[index]}: the range runs backwards.")
    numbers = range(first, last + 1, step)
    return {number % (high + 1) if top > high else number for number in numbers}


def _number(index: int, text: str) -> int:
    names = {4: _MONTHS, 5: _DAYS}.get(index, {})
    number = names.get(text[:3].lower()) if text[:1].isalpha() else (int(text) if text.isdecimal() else None)
    if number is None:
        raise ScheduleError(f"'{text}' is not a {_NAMES[index]}.")
    return number
