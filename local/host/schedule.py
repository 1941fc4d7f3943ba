"""NCRONTAB schedules: six fields with seconds, or five without, in UTC.

The grammar is NCrontab's, which the timer extension uses: lists, ranges, steps, names of months and days;
a day must satisfy day-of-month *and* day-of-week (cron takes either), and Sunday is 0 only.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

_MONTHS = (
    "january february march april may june july august september october november december".split()  # noqa: SIM905
)
_DAYS = "sunday monday tuesday wednesday thursday friday saturday".split()  # noqa: SIM905
_FIELDS = (
    ("second", 0, 59, ()),
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, tuple(_MONTHS)),
    ("day of week", 0, 6, tuple(_DAYS)),
)
_PART = re.compile(r"^(?P<low>\*|\w+)(?:-(?P<high>\w+))?(?:/(?P<step>\d+))?$")
# A 29 February on a given day of the week comes within 40 years.
_HORIZON = timedelta(days=366 * 41)
_SECONDS_FIELDS = 6
_SHORTEST_NAME = 3


@dataclass(frozen=True, slots=True)
class Schedule:
    """The moments at which a timer is due."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    @classmethod
    def parse(cls, expression: str) -> "Schedule":
        """Read an expression.

        Raises:
            ValueError: it is not NCRONTAB, or never due; the text says why.
        """
        parts = expression.split()
        if len(parts) == _SECONDS_FIELDS - 1:
            parts.insert(0, "0")
        if len(parts) != _SECONDS_FIELDS:
            msg = f"{len(parts)} fields instead of 5 or 6 (time spans are not offered)"
            raise ValueError(msg)
        values = [_field(part, *field) for part, field in zip(parts, _FIELDS, strict=True)]
        seconds, minutes, hours = (tuple(sorted(value)) for value in values[:3])
        schedule = cls(seconds, minutes, hours, *(frozenset(value) for value in values[3:]))
        schedule.after(datetime(2000, 1, 1, tzinfo=UTC))
        return schedule

    def after(self, moment: datetime) -> datetime:
        """Return the first due moment later than the given one, both aware and in UTC.

        Raises:
            ValueError: there is none.
        """
        start = (moment + timedelta(seconds=1)).replace(microsecond=0)
        day, of_day = start.date(), start.time()
        while day - start.date() <= _HORIZON:
            if self._has_day(day.month, day.day, day.isoweekday() % 7):
                found = self._time_from(of_day)
                if found is not None:
                    return datetime.combine(day, found, tzinfo=UTC)
            day, of_day = day + timedelta(days=1), time.min
        msg = "it is never due"
        raise ValueError(msg)

    @property
    def below_a_minute(self) -> bool:
        """Tell whether it is due more than once a minute, always; such timers are not monitored."""
        every = (tuple(range(60)), tuple(range(24)), frozenset(range(1, 32)), frozenset(range(1, 13)))
        unrestricted = (self.minutes, self.hours, self.days, self.months) == every
        return unrestricted and len(self.weekdays) == len(_DAYS) and len(self.seconds) > 1

    def _has_day(self, month: int, day: int, weekday: int) -> bool:
        return month in self.months and day in self.days and weekday in self.weekdays

    def _time_from(self, start: time) -> time | None:
        for hour in self.hours:
            for minute in self.minutes if hour >= start.hour else ():
                if (hour, minute) < (start.hour, start.minute):
                    continue
                floor = start.second if (hour, minute) == (start.hour, start.minute) else 0
                second = next((second for second in self.seconds if second >= floor), None)
                if second is not None:
                    return time(hour, minute, second)
        return None


def _field(text: str, name: str, low: int, high: int, names: tuple[str, ...]) -> set[int]:
    values: set[int] = set()
    for part in text.split(","):
        found = _PART.match(part)
        if not found or (found["low"] == "*" and found["high"]):
            msg = f"'{part}' is no {name}"
            raise ValueError(msg)
        step = int(found["step"] or 1)
        if not step:
            msg = f"'{part}' has a step of nothing"
            raise ValueError(msg)
        first = low if found["low"] == "*" else _value(found["low"], name, low, high, names)
        last = _last(found, first, name, low, high, names)
        values.update(range(first, last + 1, step))
    return values


def _last(found: re.Match[str], first: int, name: str, low: int, high: int, names: tuple[str, ...]) -> int:
    if found["high"]:
        last = _value(found["high"], name, low, high, names)
        if last < first:
            msg = f"'{found[0]}' runs backwards"
            raise ValueError(msg)
        return last
    # NCrontab reads 5/1 as plain 5.
    return high if found["low"] == "*" or int(found["step"] or 1) > 1 else first


def _value(text: str, name: str, low: int, high: int, names: tuple[str, ...]) -> int:
    if text.isdecimal():
        value = int(text)
    else:
        hits = [at for at, known in enumerate(names, low) if _names(text, known)]
        value = hits[0] if len(hits) == 1 else high + 1
    if not low <= value <= high:
        msg = f"'{text}' is no {name} ({low} to {high})"
        raise ValueError(msg)
    return value


def _names(text: str, known: str) -> bool:
    return len(text) >= _SHORTEST_NAME and known.startswith(text.lower())
