"""The rules of a person's tokens a day, as values."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain import budget
from shared.domain.allowance import Allowance, DayUsed, PersonLimits, Reserved, give_back
from shared.domain.conversation import Usage
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.ids import TurnId, UserId

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
LIMITS = PersonLimits(tokens_a_day=1_000)
NOBODY = Allowance(user_id=UserId("t:sam"))
ONE, TWO = TurnId("k.1"), TurnId("k.2")


def refused(allowance: Allowance, tokens: int, now: datetime = NOON) -> tuple[ErrorCode, float | None]:
    """Reserve what must be refused."""
    with pytest.raises(ChatError) as caught:
        budget.reserve(allowance, TWO, tokens, LIMITS, now)
    return caught.value.code, caught.value.retry_after_s


def test_what_is_set_aside_is_the_turns_and_ends_after_an_hour() -> None:
    """Once, however often it is tried; other turns keep theirs."""
    first = budget.reserve(NOBODY, ONE, 400, LIMITS, NOON)
    again = budget.reserve(first, ONE, 300, LIMITS, NOON)
    both = budget.reserve(again, TWO, 700, LIMITS, NOON)

    hour = NOON + timedelta(hours=1)
    assert first.reserved == (Reserved(turn_id=ONE, tokens=400, until=hour),)
    assert [one.tokens for one in both.reserved] == [300, 700]
    assert give_back(both, ONE).reserved == both.reserved[1:]
    assert budget.spending(both, LIMITS, hour - timedelta(seconds=1)).reserved == 1_000
    assert (budget.spending(first, LIMITS, NOON).left, budget.spending(both, LIMITS, NOON).left) == (600, 0)
    assert budget.spending(both, LIMITS, hour).reserved == 0
    assert budget.reserve(both, ONE, 1_000, LIMITS, hour).reserved[0].tokens == 1_000


def test_no_token_more_than_the_limit_is_given() -> None:
    """The last one is, the next one is not; and when it is worth another try."""
    used = replace(NOBODY, days=(DayUsed(day="2026-01-05", input_tokens=500, output_tokens=100),))
    held = budget.reserve(used, ONE, 100, LIMITS, NOON)

    assert budget.reserve(used, TWO, 400, LIMITS, NOON).reserved[0].tokens == 400
    assert refused(used, 401) == (ErrorCode.QUOTA_EXCEEDED, 12 * 3600.0)
    assert budget.reserve(held, TWO, 300, LIMITS, NOON)
    assert refused(held, 301) == (ErrorCode.QUOTA_EXCEEDED, 5.0)
    assert refused(used, 401, NOON.replace(hour=23, minute=59, second=59, microsecond=999_999))[1] == 1.0


def test_a_limit_below_the_estimate_lets_one_turn_in() -> None:
    """Else nobody could ask anything."""
    one = budget.reserve(NOBODY, ONE, 10_001, LIMITS, NOON)

    assert one.reserved[0].tokens == 1_000
    assert refused(one, 1) == (ErrorCode.QUOTA_EXCEEDED, 5.0)


def test_what_a_turn_used_takes_the_place_of_what_was_set_aside() -> None:
    """In and out, on the day of its end; at midnight UTC the count begins anew."""
    held = budget.reserve(budget.reserve(NOBODY, ONE, 400, LIMITS, NOON), TWO, 10, LIMITS, NOON)

    done = budget.settle(held, ONE, Usage(input_tokens=100, cached_tokens=90, output_tokens=20), NOON)
    done = budget.settle(done, TWO, Usage(input_tokens=1, output_tokens=2), NOON)

    assert done.reserved == ()
    assert done.days == (DayUsed(day="2026-01-05", questions=2, input_tokens=101, output_tokens=22),)
    seen = budget.spending(done, LIMITS, NOON)
    assert (seen.day, seen.limit, seen.used, seen.reserved, seen.left) == ("2026-01-05", 1_000, 123, 0, 877)
    assert seen.resets_at == datetime(2026, 1, 6, tzinfo=UTC)
    assert seen.days == done.days
    assert budget.spending(done, LIMITS, seen.resets_at).used == 0
    assert budget.spending(replace(done, days=(DayUsed(day="2026-01-05", input_tokens=2_000),)), LIMITS, NOON).left == 0


def test_a_day_is_the_day_in_utc() -> None:
    """Whatever zone a time is written in."""
    late = datetime.fromisoformat("2026-01-05T23:30:00-08:00")

    assert budget.settle(NOBODY, ONE, Usage(input_tokens=1), late).days[0].day == "2026-01-06"


def test_a_day_is_the_day_in_utc_wherever_the_machine_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """And it begins at its first microsecond."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        seen = budget.spending(NOBODY, LIMITS, datetime(2026, 1, 5, 23, 59, 59, 999_999, tzinfo=UTC))
    finally:
        monkeypatch.undo()
        time.tzset()

    assert (seen.day, seen.resets_at) == ("2026-01-05", datetime(2026, 1, 6, tzinfo=UTC))


def test_a_turn_that_outlives_its_reservation_counts_all_the_same() -> None:
    """Late, but not for free; others that are void are forgotten."""
    held = budget.reserve(budget.reserve(NOBODY, ONE, 400, LIMITS, NOON), TWO, 10, LIMITS, NOON)

    late = budget.settle(held, ONE, Usage(input_tokens=30), NOON + timedelta(hours=2))

    assert late.reserved == ()
    assert late.days[0].input_tokens == 30


@pytest.mark.parametrize(("used", "counted"), [(0, 400), (399, 400), (400, 400), (500, 500)])
def test_a_stopped_model_call_costs_what_was_set_aside_at_least(used: int, counted: int) -> None:
    """Nobody tells what it cost; else stopping in time would be free."""
    held = budget.reserve(NOBODY, ONE, 400, LIMITS, NOON)

    done = budget.settle(held, ONE, Usage(input_tokens=used), NOON, cut_short=True)

    assert done.days[0].input_tokens == counted
    assert budget.settle(held, ONE, Usage(input_tokens=used), NOON).days[0].input_tokens == used
    forgotten = budget.settle(NOBODY, ONE, Usage(), NOON, cut_short=True)
    assert forgotten.days[0].input_tokens == 0


def test_seven_days_are_kept_the_newest_first() -> None:
    """What is older is forgotten."""
    allowance = NOBODY
    for day in range(10):
        allowance = budget.settle(allowance, ONE, Usage(input_tokens=day), NOON + timedelta(days=day))

    assert [one.day[-2:] for one in allowance.days] == ["14", "13", "12", "11", "10", "09", "08"]


@pytest.mark.parametrize(("content", "tokens"), [("", 10_000), ("abc", 10_001), ("äöü", 10_002)])
def test_a_turn_is_estimated_by_its_question(content: str, tokens: int) -> None:
    """By its bytes."""
    assert budget.cost_ahead(content) == tokens
