"""People take back what is stored of them: one session with what runs in it, or everything."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.memory.erasure import MemoryEraser
from shared.domain.errors import ChatError
from shared.domain.group import Founding
from shared.domain.ids import UserId, session_key
from shared.domain.people import Profile
from shared.flow import leaving, membership, opinions
from shared.wire.watch_documents import STAYING


def eraser(room: Any) -> MemoryEraser:
    """What takes away."""
    return MemoryEraser(room.conversations, room.users)


async def delete(room: Any, rounds: Any) -> None:
    """Delete Sam's session."""
    await leaving.delete_session(room.services, room.engine, eraser(room), rounds.SAM, rounds.SESSION)


@pytest.mark.requirement("api:delete-session")
async def test_a_deleted_session_leaves_nothing_and_its_id_begins_anew(room: Any, rounds: Any) -> None:
    """No item, no line of the list; what is asked under the id is number one of a new conversation."""
    room.scripted(rounds.says("First."), rounds.says("New."))
    await room.ask("One?")
    await room.run()

    await delete(room, rounds)

    key = session_key(rounds.SAM, rounds.SESSION)
    assert room.conversations.documents(key) == []
    assert await room.users.entry(rounds.SAM, key) is None
    with pytest.raises(ChatError, match="no such session"):
        await delete(room, rounds)
    await room.ask("Two?")
    await room.run()
    assert (await room.conversations.head(key)).head.next_seq == 3
    assert [said.text for said in room.model.requests[-1].said] == ["Two?"]


@pytest.mark.requirement("web:delete-chat")
async def test_all_connections_hear_that_a_session_is_gone_after_it_is(room: Any, rounds: Any) -> None:
    """Once; a second try finds nothing and says nothing."""
    room.scripted(rounds.says("First."))
    await room.ask("One?")
    await room.run()
    seen: list[Any] = []
    send = room.channel.to_user

    async def watched(user_id: UserId, frame: Any, **but: Any) -> None:
        seen.append((frame.type, await room.users.entry(user_id, session_key(user_id, rounds.SESSION))))
        await send(user_id, frame, **but)

    room.channel.to_user = watched
    await delete(room, rounds)
    with pytest.raises(ChatError, match="no such session"):
        await delete(room, rounds)

    assert seen == [("session.deleted", None)]
    (sent,) = [one for one in room.channel.sent if one.frame.type == "session.deleted"]
    assert (sent.user_id, sent.but, sent.frame.session_id) == (rounds.SAM, None, rounds.SESSION)


@pytest.mark.requirement("api:delete-session")
async def test_what_runs_and_what_waits_is_stopped_first(room: Any, rounds: Any) -> None:
    """Each of the three is told to have been cancelled; none of them comes back."""
    room.scripted(rounds.says("Never whole."))
    refs = [await room.ask(f"{number}?") for number in range(3)]
    deleting = asyncio.create_task(delete(room, rounds))
    while not deleting.done():
        for ref in list(room.engine.started):
            turn = await room.conversations.turn(ref.key, ref.turn_id)
            if turn is not None and not turn.status.ended and turn.epoch == ref.epoch:
                await room.run(ref)
        await asyncio.sleep(0)
    await deleting

    ended = room.frames("response.cancelled")
    assert {frame.turn_id for frame in ended} == {ref.turn_id for ref in refs}
    assert room.conversations.documents(session_key(rounds.SAM, rounds.SESSION)) == []


@pytest.mark.requirement("api:delete-session")
async def test_a_turn_that_does_not_stop_keeps_its_session(room: Any, rounds: Any) -> None:
    """Its host is dead for the moment: nothing is half deleted, and the person is told to try again."""
    await room.ask()

    with pytest.raises(ChatError) as refused:
        await delete(room, rounds)

    assert (refused.value.code.value, refused.value.retryable) == ("rate_limited", True)
    assert room.conversations.documents(session_key(rounds.SAM, rounds.SESSION))


async def test_a_foreign_session_cannot_be_deleted(room: Any, rounds: Any) -> None:
    """It looks as if it were not there."""
    room.scripted(rounds.says("Mine."))
    await room.ask()
    await room.run()

    with pytest.raises(ChatError, match="no such session"):
        await leaving.delete_session(room.services, room.engine, eraser(room), UserId("other:eve"), rounds.SESSION)

    assert room.conversations.documents(session_key(rounds.SAM, rounds.SESSION))


@pytest.mark.requirement("api:me")
async def test_a_person_takes_everything_along_and_leaves_nothing(room: Any, rounds: Any) -> None:
    """Messages, titles, feedback, profile; a group goes to who stays, and the day's tokens stay counted."""
    sam = room.callers["sam's token"]
    room.scripted(rounds.says("An answer."))
    await room.ask("What is stored?")
    await room.run()
    answer = room.frames("response")[0]
    await opinions.rate(
        room.services,
        rounds.SAM,
        opinions.Opinion(conversation_id=rounds.SESSION, message_id=answer.message_id, rating="down", comment="Hm."),
    )
    await room.services.people.remember(
        Profile(user_id=rounds.SAM, name="Sam", email="sam@example.com", seen_at=room.clock.now())
    )
    sue = replace(sam, user_id=UserId("tenant:sue"), name="Sue")
    await room.services.people.remember(
        Profile(user_id=sue.user_id, name="Sue", email="sue@example.com", seen_at=room.clock.now())
    )
    shared = await membership.found(room.services, sam, Founding(title="Ours"))
    room.clock.advance(1)
    await membership.add(room.services, sam, shared.group_id, sue.user_id)
    alone = await membership.found(room.services, sam, Founding(title="Mine"))

    taken = await leaving.take_along(room.services, eraser(room), sam)
    await leaving.delete_person(room.services, room.engine, eraser(room), sam)

    (session,) = taken.sessions
    assert [message.content for message in session.items] == ["What is stored?", "An answer."]
    assert [opinion.comment for opinion in session.feedback] == ["Hm."]
    assert {group.title for group in taken.groups} == {"Ours", "Mine"}
    assert taken.profile is not None
    assert taken.usage.used > 0
    assert {one["kind"] for one in room.users.documents(rounds.SAM)} <= STAYING
    assert room.conversations.documents(session_key(rounds.SAM, rounds.SESSION)) == []
    assert await room.services.people.person(rounds.SAM) is None
    left = (await room.services.groups.group(shared.key)).group
    assert (left.owner, [member.id for member in left.members]) == (sue.user_id, [sue.user_id])
    ended = await room.services.groups.group(alone.key)
    assert ended is None or ended.group.status == "deleted"
    after = await leaving.take_along(room.services, eraser(room), sam)
    assert (after.sessions, after.groups, after.profile) == ([], [], None)
    assert timedelta(0) < after.usage.resets_at - room.clock.now()
