"""The limits of one person (rule 14), also when many workers answer at once."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import uuid4
from weakref import WeakValueDictionary

import pytest

from shared.domain.allowance import PersonLimits
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.ids import ConnectionId, PublicId
from shared.flow import query
from shared.flow.authenticate import require_grant
from shared.flow.limits import forget_connection, note_connection


def workers(room: Any, number: int) -> list[Any]:
    """Several processes over one store: each with turnstiles of its own."""
    watch = room.services.watch
    return [replace(room.services, watch=replace(watch, turnstiles=WeakValueDictionary())) for _ in range(number)]


async def ask(
    room: Any, rounds: Any, session: str, message_id: str | None = None, content: str = "?", services: Any = None
) -> Any:
    """Ask in some session of Sam's."""
    services = services or room.services
    grant = await require_grant(services, rounds.SAM, rounds.SESSION)
    wish = query.Ask(
        grant=grant,
        session_id=PublicId(session),
        message_id=message_id or str(uuid4()),  # pyright: ignore[reportArgumentType]
        id_from_client=True,
        content=content,
    )
    return await query.ask(services, room.engine, wish)


def limited(room: Any, **limits: int) -> None:
    """Set other limits."""
    room.services = replace(room.services, watch=replace(room.services.watch, limits=PersonLimits(**limits)))


async def outcomes(*asked: Any) -> list[str]:
    """Wait for all and name what became of each."""
    done: list[Any] = await asyncio.gather(*asked, return_exceptions=True)
    return sorted(one.code.value if isinstance(one, ChatError) else one.type for one in done)


@pytest.mark.requirement("limits:messages")
@pytest.mark.parametrize("seed", range(5))
async def test_of_many_questions_at_once_exactly_as_many_as_allowed_are_accepted(
    room: Any, rounds: Any, seed: int
) -> None:
    """Thirty questions in thirty conversations, answered by several workers; each tells when to come back."""
    limited(room, running_turns=99)
    hosts = workers(room, seed + 1)

    ends = await outcomes(*(ask(room, rounds, str(uuid4()), services=hosts[n % len(hosts)]) for n in range(30)))

    assert ends == ["query.accepted"] * 20 + ["rate_limited"] * 10
    with pytest.raises(ChatError) as refused:
        await ask(room, rounds, str(uuid4()))
    assert refused.value.retry_after_s is not None
    room.clock.advance(refused.value.retry_after_s)
    assert (await ask(room, rounds, str(uuid4()))).type == "query.accepted"


@pytest.mark.requirement("limits:messages")
async def test_duplicates_and_refusals_do_not_count(room: Any, rounds: Any) -> None:
    """Only what was accepted."""
    limited(room, messages_a_minute=3)
    first = str(uuid4())
    await ask(room, rounds, rounds.SESSION, first)
    for _ in range(5):
        assert (await ask(room, rounds, rounds.SESSION, first)).duplicate
        with pytest.raises(ChatError) as refused:
            await ask(room, rounds, rounds.SESSION, content=" ")
        assert refused.value.code is ErrorCode.BAD_REQUEST

    assert await outcomes(*(ask(room, rounds, rounds.SESSION, content=f"{n}?") for n in range(4))) == [
        "query.accepted", "query.accepted", "rate_limited", "rate_limited",
    ]  # fmt: skip


@pytest.mark.requirement("limits:running")
async def test_a_question_in_a_third_conversation_waits_for_the_end_of_another(room: Any, rounds: Any) -> None:
    """Not one in a conversation that has its turn already; there it queues."""
    room.scripted(rounds.says("Done."))
    one, two, three = (str(uuid4()) for _ in range(3))
    await ask(room, rounds, one)
    ref = room.started()
    await ask(room, rounds, two)
    with pytest.raises(ChatError) as refused:
        await ask(room, rounds, three)
    await ask(room, rounds, two, content="And then?")
    await room.run(ref)

    assert refused.value.code is ErrorCode.RATE_LIMITED
    assert refused.value.retry_after_s
    assert (await ask(room, rounds, three)).type == "query.accepted"
    with pytest.raises(ChatError):
        await ask(room, rounds, one, content="More?")


@pytest.mark.requirement("limits:running")
async def test_of_many_conversations_at_once_two_begin(room: Any, rounds: Any) -> None:
    """However they interleave, in three workers."""
    hosts = workers(room, 3)

    ends = await outcomes(*(ask(room, rounds, str(uuid4()), services=hosts[n % 3]) for n in range(8)))

    assert ends == ["query.accepted"] * 2 + ["rate_limited"] * 6


@pytest.mark.requirement("limits:connections")
async def test_a_sixth_connection_closes_the_oldest(room: Any, rounds: Any) -> None:
    """Those that ended are not counted."""
    names = [ConnectionId(f"c{number}") for number in range(7)]
    for name in names[:5]:
        await note_connection(room.services, rounds.SAM, name)
    await forget_connection(room.services, rounds.SAM, names[1])
    await note_connection(room.services, rounds.SAM, names[5])
    assert room.channel.closed == []

    await note_connection(room.services, rounds.SAM, names[6])

    assert room.channel.closed == ["c0"]
