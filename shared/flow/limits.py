"""Hold people to their limits, exactly, however many workers answer them (docs/protocol.md, rule 14)."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from shared.domain import allowance as rules
from shared.domain import budget
from shared.domain.allowance import SEAT_UNSURE_S, Allowance, Seat
from shared.domain.conversation import Question
from shared.domain.errors import ChannelUnavailable, ChatError, ErrorCode, StoreUnavailable
from shared.domain.ids import ConnectionId, UserId
from shared.domain.turns import Turn
from shared.flow.services import Services

CHANGE_TRIES = 20

_log = logging.getLogger("salescoach.limits")


async def admit(services: Services, question: Question, *, starts: bool) -> None:
    """Count a question that will be accepted, once however often it is tried; `starts`: its turn runs at once.

    Raises:
        ChatError: `rate_limited` or `quota_exceeded` with the time after which it is worth another try; nothing
            was counted.
    """
    limits, turn = services.watch.limits, question.turn_id
    tokens = budget.cost_ahead(question.content)

    def take(allowance: Allowance) -> Allowance:
        counted = rules.count(allowance, turn, limits, services.clock.now())
        if question.calls_coach:
            counted = budget.reserve(counted, turn, tokens, limits, services.clock.now())
        seat = Seat(key=question.conversation.key, turn_id=turn, at=services.clock.now())
        return rules.sit(counted, seat, limits) if starts else counted

    try:
        await _change(services, question.sender.id, take)
    except ChatError:
        if not starts or not await _tidy(services, question.sender.id):
            raise
        await _change(services, question.sender.id, take)


async def give_back(services: Services, question: Question) -> None:
    """Forget a question that was refused after it had been counted; if that fails, time forgets it."""
    try:
        await _change(services, question.sender.id, lambda one: rules.give_back(one, question.turn_id))
    except (StoreUnavailable, ChatError) as fault:
        _log.warning("limit.not_given_back", extra={"turn_id": question.turn_id, "reason": type(fault).__name__})


async def settle(services: Services, turn: Turn) -> None:
    """Count what a sealed turn cost its asker, once however often its end is repeated.

    Raises:
        StoreUnavailable: it is not counted; the step is tried again.
    """
    if turn.sealed is None:
        return
    usage = turn.sealed.usage or turn.usage()
    cut_short = turn.sealed.status == "cancelled" and turn.attempt > len(turn.rounds)
    wait = 0.01
    for _ in range(CHANGE_TRIES):
        stored = await services.watch.allowances.allowance(turn.asker.id)
        now = services.clock.now()
        settled = budget.settle(stored.allowance, turn.turn_id, usage, now, cut_short=cut_short)
        if await services.watch.allowances.settle(settled, stored.etag, turn.turn_id) != "changed":
            return
        await services.clock.sleep(services.clock.jitter(wait))
        wait = min(wait * 2, 0.3)
    raise StoreUnavailable("a person's allowance changed too often while a turn was settled")


async def spending(services: Services, user_id: UserId) -> budget.Spending:
    """Show what a person used of today's tokens."""
    stored = await services.watch.allowances.allowance(user_id)
    return budget.spending(stored.allowance, services.watch.limits, services.clock.now())


async def note_connection(services: Services, user_id: UserId, connection: ConnectionId) -> None:
    """Note that a connection is open, and close the oldest ones beyond the limit."""
    closing: tuple[ConnectionId, ...] = ()

    def note(allowance: Allowance) -> Allowance:
        nonlocal closing
        noted, closing = rules.connect(allowance, connection, services.watch.limits, services.clock.now())
        return noted

    try:
        await _change(services, user_id, note)
        for extra in closing:
            await services.channel.close_connection(extra, "Too many connections are open.")
    except (StoreUnavailable, ChannelUnavailable, ChatError) as fault:
        # Presence is advisory: the next connection closes what this one could not.
        _log.warning("connection.unnoted", extra={"reason": type(fault).__name__})


async def forget_connection(services: Services, user_id: UserId, connection: ConnectionId) -> None:
    """Note that a connection ended."""
    try:
        await _change(services, user_id, lambda one: rules.disconnect(one, connection))
    except (StoreUnavailable, ChatError) as fault:
        _log.warning("connection.unnoted", extra={"reason": type(fault).__name__})


async def _change(services: Services, user_id: UserId, change: Callable[[Allowance], Allowance]) -> None:
    """Change the person's allowance; whoever is overtaken reads again."""
    turnstile = services.watch.turnstiles.setdefault(user_id, asyncio.Lock())
    wait = 0.01
    async with turnstile:
        for _ in range(CHANGE_TRIES):
            stored = await services.watch.allowances.allowance(user_id)
            changed = change(stored.allowance)
            if changed == stored.allowance or await services.watch.allowances.put_allowance(changed, stored.etag):
                return
            await services.clock.sleep(services.clock.jitter(wait))
            wait = min(wait * 2, 0.3)
    raise ChatError(ErrorCode.RATE_LIMITED, "Too much is asked at once.", retry_after_s=1.0)


async def _tidy(services: Services, user_id: UserId) -> bool:
    """Free the seats of conversations in which nothing runs any more; tell whether there were any."""
    stored = await services.watch.allowances.allowance(user_id)
    taken = await asyncio.gather(*(_is_taken(services, seat) for seat in stored.allowance.seats))
    free = {seat for seat, is_taken in zip(stored.allowance.seats, taken, strict=True) if not is_taken}
    if not free:
        return False
    await _change(
        services, user_id, lambda one: replace(one, seats=tuple(seat for seat in one.seats if seat not in free))
    )
    return True


async def _is_taken(services: Services, seat: Seat) -> bool:
    """Look whether a turn runs in the conversation, or is just being accepted."""
    head, turn = await asyncio.gather(
        services.conversations.head(seat.key), services.conversations.turn(seat.key, seat.turn_id)
    )
    if head is not None and head.head.active_turn is not None:
        return True
    return turn is None and (services.clock.now() - seat.at).total_seconds() < SEAT_UNSURE_S
