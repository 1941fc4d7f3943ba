"""Reckon what tokens one person may still use today (docs/protocol.md, rule 14): reserved before, settled after."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from shared.domain.allowance import SEAT_WAIT_S, Allowance, DayUsed, PersonLimits, Reserved
from shared.domain.conversation import Usage
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.ids import TurnId

TURN_TOKENS = 10_000
"""What a turn is taken to cost before it is known, its question not counted: a round with a tool and an answer."""
RESERVED_FOR = timedelta(hours=1)
"""A reservation whose turn did not end by then is void; what the turn cost is counted all the same if it does end."""
DAYS_KEPT = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What a person used of a day's tokens, and of those of the last days."""

    day: str
    limit: int
    used: int
    reserved: int
    left: int
    resets_at: datetime
    days: tuple[DayUsed, ...]
    """The last days on which something was used, newest first."""


def cost_ahead(content: str) -> int:
    """Estimate a turn's tokens before it runs; a token of a question holds about three bytes."""
    return TURN_TOKENS + len(content.encode()) // 3


def reserve(allowance: Allowance, turn: TurnId, tokens: int, limits: PersonLimits, now: datetime) -> Allowance:
    """Set tokens aside for a turn, once however often it is tried.

    Raises:
        ChatError: `quota_exceeded`, with the time after which some are free again.
    """
    others = tuple(one for one in _open(allowance, now) if one.turn_id != turn)
    # A limit below the estimate still lets one turn in; more than it cannot be asked for.
    wanted = min(tokens, limits.tokens_a_day)
    used = _used(allowance, now)
    if used + wanted > limits.tokens_a_day:
        text = "Today's tokens are used up; the count begins anew at midnight UTC."
        raise ChatError(ErrorCode.QUOTA_EXCEEDED, text, retry_after_s=_tomorrow_s(now))
    if used + sum(one.tokens for one in others) + wanted > limits.tokens_a_day:
        text = "What is left of today's tokens is set aside for your questions that are being answered."
        raise ChatError(ErrorCode.QUOTA_EXCEEDED, text, retry_after_s=SEAT_WAIT_S)
    mine = Reserved(turn_id=turn, tokens=wanted, until=now + RESERVED_FOR)
    return replace(allowance, reserved=(*others, mine))


def settle(allowance: Allowance, turn: TurnId, usage: Usage, now: datetime, *, cut_short: bool = False) -> Allowance:
    """Count what a turn cost in place of what was set aside; the caller sees to it that this happens once.

    `cut_short`: a model call was stopped, of which nobody tells the cost; it then costs what was set aside at least.
    """
    set_aside = next((one.tokens for one in allowance.reserved if one.turn_id == turn), 0)
    unknown = max(set_aside - usage.input_tokens - usage.output_tokens, 0) if cut_short else 0
    today = _today(allowance, now)
    changed = replace(
        today,
        questions=today.questions + 1,
        input_tokens=today.input_tokens + usage.input_tokens + unknown,
        output_tokens=today.output_tokens + usage.output_tokens,
    )
    earlier = sorted((one for one in allowance.days if one.day != today.day), key=lambda one: one.day, reverse=True)
    return replace(
        allowance,
        reserved=tuple(one for one in _open(allowance, now) if one.turn_id != turn),
        days=(changed, *earlier[: DAYS_KEPT - 1]),
    )


def spending(allowance: Allowance, limits: PersonLimits, now: datetime) -> Spending:
    """Show what was used and what is left."""
    used, reserved = _used(allowance, now), sum(one.tokens for one in _open(allowance, now))
    return Spending(
        day=_day(now),
        limit=limits.tokens_a_day,
        used=used,
        reserved=reserved,
        left=max(limits.tokens_a_day - used - reserved, 0),
        resets_at=_midnight(now),
        days=allowance.days,
    )


def _open(allowance: Allowance, now: datetime) -> tuple[Reserved, ...]:
    return tuple(one for one in allowance.reserved if one.until > now)


def _used(allowance: Allowance, now: datetime) -> int:
    today = _today(allowance, now)
    return today.input_tokens + today.output_tokens


def _today(allowance: Allowance, now: datetime) -> DayUsed:
    day = _day(now)
    return next((one for one in allowance.days if one.day == day), DayUsed(day=day))


def _day(now: datetime) -> str:
    return now.astimezone(UTC).date().isoformat()


def _midnight(now: datetime) -> datetime:
    begin = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return begin + timedelta(days=1)


def _tomorrow_s(now: datetime) -> float:
    return max((_midnight(now) - now).total_seconds(), 1.0)
