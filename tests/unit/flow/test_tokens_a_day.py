"""Tokens a day: set aside before a question is accepted, counted once when its turn ends, whatever breaks."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4
from weakref import WeakValueDictionary

import pytest

from shared.domain.allowance import PersonLimits
from shared.domain.errors import ChatError, ErrorCode, StoreUnavailable
from shared.domain.ids import PublicId
from shared.flow import limits, persist, query, resume
from shared.flow.authenticate import require_grant

EACH = 15
"""What a round of the scripted model uses."""


def limited(room: Any, tokens_a_day: int) -> None:
    """Set another limit."""
    bounds = PersonLimits(tokens_a_day=tokens_a_day, running_turns=99, messages_a_minute=99)
    room.services = replace(room.services, watch=replace(room.services.watch, limits=bounds))


def workers(room: Any, number: int) -> list[Any]:
    """Several processes over one store."""
    watch = room.services.watch
    return [replace(room.services, watch=replace(watch, turnstiles=WeakValueDictionary())) for _ in range(number)]


async def ask(room: Any, rounds: Any, message_id: str | None = None, services: Any = None, content: str = "?") -> Any:
    """Ask in a chat of its own."""
    services = services or room.services
    grant = await require_grant(services, rounds.SAM, rounds.SESSION)
    wish = query.Ask(
        grant=grant, session_id=PublicId(message_id or str(uuid4())), id_from_client=True, content=content,
        message_id=message_id or str(uuid4()),  # pyright: ignore[reportArgumentType]
    )  # fmt: skip
    return await query.ask(services, room.engine, wish)


async def refused(asked: Awaitable[Any]) -> ChatError:
    """Ask what is refused."""
    with pytest.raises(ChatError) as caught:
        await asked
    return caught.value


async def renewed(room: Any) -> None:
    """Sign Sam in anew, when the old token has ended."""
    ends = room.clock.now() + timedelta(hours=1)
    token = "sam's token"
    room.services.verifier.callers[token] = replace(room.callers[token], expires_at=ends)
    await room.sign_in(token)


async def spent(room: Any, rounds: Any) -> tuple[int, int]:
    """What is used, and what is set aside."""
    seen = await limits.spending(room.services, rounds.SAM)
    return seen.used, seen.reserved


@pytest.mark.requirement("limits:tokens")
async def test_a_question_beyond_the_days_tokens_is_refused_until_some_are_free(room: Any, rounds: Any) -> None:
    """First because they are set aside, later because they are used up; midnight frees them."""
    limited(room, 10_010)
    room.scripted(rounds.says("Done."))
    await ask(room, rounds)

    waiting = await refused(ask(room, rounds))
    await room.run()
    over = await refused(ask(room, rounds))

    assert await spent(room, rounds) == (EACH, 0)
    assert (waiting.code, over.code) == (ErrorCode.QUOTA_EXCEEDED,) * 2
    assert waiting.retry_after_s is not None
    assert waiting.retry_after_s < 60
    assert over.retry_after_s is not None
    seen = await limits.spending(room.services, rounds.SAM)
    assert over.retry_after_s == (seen.resets_at - room.clock.now()).total_seconds()
    room.clock.advance(over.retry_after_s)
    await renewed(room)
    assert (await ask(room, rounds)).type == "query.accepted"


@pytest.mark.requirement("limits:tokens")
async def test_what_is_refused_or_repeated_sets_nothing_aside(room: Any, rounds: Any) -> None:
    """A repetition is named as such even when nothing is left."""
    limited(room, 10_000)
    room.scripted(rounds.says("Done."))
    first = str(uuid4())
    await ask(room, rounds, first)
    assert (await ask(room, rounds, first)).duplicate
    await room.run()
    assert await spent(room, rounds) == (EACH, 0)

    await refused(ask(room, rounds))
    await refused(ask(room, rounds, content=" "))
    again = await ask(room, rounds, first)

    assert again.duplicate
    assert await spent(room, rounds) == (EACH, 0)


@pytest.mark.requirement("limits:tokens")
async def test_an_old_question_that_is_sent_again_takes_nothing(room: Any, rounds: Any) -> None:
    """The head remembers the last sixteen; an older one is found by its id, with tokens left and without."""
    ids = [str(uuid4()) for _ in range(18)]
    for number, message_id in enumerate(ids):
        room.scripted(rounds.says("Done."))
        await room.ask(f"{number}?", message_id)
        await room.run()
        room.clock.advance(20)
    before = await spent(room, rounds)

    assert (await room.ask("0?", ids[0])).duplicate
    limited(room, 1)
    assert (await room.ask("1?", ids[1])).duplicate

    assert before == (18 * EACH, 0)
    assert await spent(room, rounds) == before


@pytest.mark.requirement("limits:tokens")
@pytest.mark.parametrize("hosts", [1, 3])
async def test_of_many_questions_at_once_as_many_are_accepted_as_there_are_tokens_for(
    room: Any, rounds: Any, hosts: int
) -> None:
    """Whichever worker answers."""
    limited(room, 40_001)
    several = workers(room, hosts)

    ends = await asyncio.gather(
        *(ask(room, rounds, services=several[n % hosts]) for n in range(12)), return_exceptions=True
    )

    codes = [end.code for end in ends if isinstance(end, ChatError)]
    assert codes == [ErrorCode.QUOTA_EXCEEDED] * 8
    assert await spent(room, rounds) == (0, 40_000)


@pytest.mark.requirement("limits:tokens")
async def test_a_turns_end_is_counted_once_however_often_it_is_repeated(room: Any, rounds: Any) -> None:
    """By this execution, by another one at the same time, and by one that comes later."""
    room.scripted(rounds.says("Done."))
    await ask(room, rounds)
    await room.run()
    turn = await room.turn(room.started())

    await asyncio.gather(*(limits.settle(services, turn) for services in workers(room, 4)))
    await persist.release(room.services, room.engine, turn.ref())

    assert await spent(room, rounds) == (EACH, 0)


@pytest.mark.requirement("limits:tokens")
@pytest.mark.parametrize("died", ["before the count", "after the count"])
async def test_a_crash_while_a_turn_is_counted_neither_loses_nor_doubles_it(
    room: Any, rounds: Any, monkeypatch: pytest.MonkeyPatch, died: str
) -> None:
    """The count stands before the turn's end, so that whoever dies in between is repeated."""
    room.scripted(rounds.says("Done."))
    await ask(room, rounds)
    real: Callable[..., Awaitable[str]] = room.allowances.settle

    async def dies(*given: Any) -> str:
        if died == "after the count":
            await real(*given)
        raise StoreUnavailable("the process is gone")

    with monkeypatch.context() as broken:
        broken.setattr(room.allowances, "settle", dies)
        with pytest.raises(StoreUnavailable):
            await room.run()
    turn = await room.turn(room.started())
    assert not turn.status.ended
    room.clock.advance(3 * 3600)
    await persist.release(room.services, room.engine, turn.ref())

    assert await spent(room, rounds) == (EACH, 0)


@pytest.mark.requirement("limits:tokens")
async def test_a_turn_withdrawn_from_the_queue_costs_nothing(room: Any, rounds: Any) -> None:
    """What was set aside for it is free again."""
    room.scripted(rounds.says("Done."))
    await room.ask("First?")
    first = room.started()
    second = await room.ask("Second?")
    await resume.cancel(room.services, room.engine, second.turn_id, rounds.SAM)
    await room.run()
    await room.run(first)

    assert await spent(room, rounds) == (EACH, 0)


@pytest.mark.requirement("limits:tokens")
async def test_a_question_that_was_never_stored_is_free_again_after_an_hour(room: Any, rounds: Any) -> None:
    """Its process died between counting and storing."""
    limited(room, 10_001)

    async def dies(*_: Any, **__: Any) -> str:
        raise StoreUnavailable("the process is gone")

    real = room.conversations.accept
    room.conversations.accept = dies
    with pytest.raises(StoreUnavailable):
        await ask(room, rounds)
    room.conversations.accept = real

    assert (await refused(ask(room, rounds))).code is ErrorCode.QUOTA_EXCEEDED
    room.clock.advance(3600)
    await renewed(room)
    assert (await ask(room, rounds)).type == "query.accepted"
