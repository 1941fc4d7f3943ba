"""NCRONTAB schedules are due when the timer extension would run them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.host.schedule import Schedule


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "after", "due"),
    [
        ("*/15 * * * * *", "2026-01-01T00:00:00", "2026-01-01T00:00:15"),
        ("*/15 * * * * *", "2026-01-01T00:00:14.9", "2026-01-01T00:00:15"),
        ("*/15 * * * * *", "2026-12-31T23:59:45", "2027-01-01T00:00:00"),
        ("0 */5 * * * *", "2026-01-01T00:00:00", "2026-01-01T00:05:00"),
        ("0 0 3 * * *", "2026-01-01T03:00:00", "2026-01-02T03:00:00"),
        ("30 59 23 * * *", "2026-01-31T23:59:30", "2026-02-01T23:59:30"),
        ("0 0 0 29 2 *", "2026-01-01T00:00:00", "2028-02-29T00:00:00"),
        ("0 0 0 29 Feb Sun", "2026-01-01T00:00:00", "2032-02-29T00:00:00"),
        ("0 0 9 * * Mon-Fri", "2026-11-21T00:00:00", "2026-11-23T09:00:00"),
        ("0 0 9 * * 0", "2026-11-21T00:00:00", "2026-11-22T09:00:00"),
        ("0 0 0 13 * 5", "2026-01-01T00:00:00", "2026-02-13T00:00:00"),
        ("0 10-30/10,45 * * * *", "2026-01-01T00:30:00", "2026-01-01T00:45:00"),
        ("0 50/4 * * * *", "2026-01-01T00:54:00", "2026-01-01T00:58:00"),
        ("0 5/1 * * * *", "2026-01-01T00:05:00", "2026-01-01T01:05:00"),
        ("0 0 0 1 january,jul *", "2026-01-01T00:00:00", "2026-07-01T00:00:00"),
        ("*/5 * * * *", "2026-01-01T00:00:00", "2026-01-01T00:05:00"),
    ],
)
def test_the_next_run_is_the_first_moment_that_fits(expression: str, after: str, due: str) -> None:
    """Later than the given moment, to the second; day of month and day of week must both fit."""
    assert Schedule.parse(expression).after(_at(after)) == _at(due)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", "0 fields"),
        ("* * * *", "4 fields"),
        ("00:05:00", "1 fields instead of 5 or 6 (time spans are not offered)"),
        ("60 * * * * *", "'60' is no second (0 to 59)"),
        ("0 0 24 * * *", "hour"),
        ("0 0 0 0 * *", "day"),
        ("0 0 0 * 13 *", "month"),
        ("0 0 0 * * 7", "'7' is no day of week (0 to 6)"),
        ("0 0 0 * * Someday", "day of week"),
        ("0 0 0 * Ju *", "month"),
        ("0 30-10 * * * *", "'30-10' runs backwards"),
        ("0 */0 * * * *", "step"),
        ("0 1-2-3 * * * *", "no minute"),
        ("0 , * * * *", "no minute"),
        ("0 0 0 30 2 *", "it is never due"),
    ],
)
def test_what_is_no_schedule_is_refused_with_the_reason(expression: str, words: str) -> None:
    """The sentence names the part."""
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the words are compared below
        Schedule.parse(expression)

    assert words in str(refused.value)


@given(
    seconds=st.sampled_from(["0", "*/7", "5,50", "*"]),
    minutes=st.sampled_from(["*", "*/20", "3"]),
    hours=st.sampled_from(["*", "*/6", "23"]),
    days=st.sampled_from(["*", "31", "1-5"]),
    moment=st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2030, 1, 1)),  # noqa: DTZ001 - made aware below
)
def test_no_run_lies_between_a_moment_and_the_next_run(
    seconds: str, minutes: str, hours: str, days: str, moment: datetime
) -> None:
    """Asked again from a second before, the answer is the same; the answer is later than the question."""
    schedule = Schedule.parse(f"{seconds} {minutes} {hours} {days} * *")
    asked = moment.replace(tzinfo=UTC)

    due = schedule.after(asked)

    assert due > asked
    assert schedule.after(due - timedelta(seconds=1)) == due
    assert schedule.after(max(asked, due - timedelta(seconds=90))) == due


@pytest.mark.parametrize(
    ("expression", "below"), [("*/10 * * * * *", True), ("0 * * * * *", False), ("*/10 0 * * * *", False)]
)
def test_only_timers_of_less_than_a_minute_are_not_monitored(expression: str, *, below: bool) -> None:
    """A missed run of theirs is not worth keeping a file."""
    assert Schedule.parse(expression).below_a_minute is below
