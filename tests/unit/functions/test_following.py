"""A connection that comes back by `turn.resume` follows what it asks about."""

from __future__ import annotations

import pytest

from functions import _edge, _resume
from functions._state import ConnectionState
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.frames import Snapshot
from shared.domain.ids import ConnectionId, PublicId, group_key, room_name
from shared.wire.inbound import TurnResume
from tests.unit.flow.conftest import Room, says
from tests.unit.flow.crowd import Crowd

PHONE = ConnectionId("sue-phone")


def event(crowd: Crowd, name: str, *groups: PublicId) -> _edge.ClientEvent:
    """Somebody's new connection, on which a session was opened."""
    guest = crowd.guests[name]
    crowd.room.channel.people[PHONE] = guest.caller.user_id
    state = ConnectionState(session=guest.session, opened=True, groups=groups)
    return _edge.ClientEvent(connection_id=PHONE, user_id=guest.caller.user_id, data=None, state=state, origin=None)


@pytest.fixture
async def crowd() -> Crowd:
    """Sam and Sue in a group, in which a turn runs."""
    room = Room()
    crowd = Crowd(room)
    await crowd.begin()
    await crowd.let_in("sue", "Sales")
    return crowd


@pytest.mark.requirement("group:join-then-read")
async def test_a_group_is_joined_before_its_turns_text_is_read(crowd: Crowd) -> None:
    """The connection hears all that follows the snapshot, and may write there."""
    asked = await crowd.say("sam", "@coach how is it?")
    room, place = crowd.room, room_name(group_key(crowd.group_id))
    said = TurnResume(type="turn.resume", turn_id=asked.turn_id or "", conversation_id=crowd.group_id, request_id="r")

    reply = await _resume.resumed(room.services, event(crowd, "sue"), said)
    room.scripted(says("Fine."))
    await room.run()

    assert isinstance(reply.frame, Snapshot)
    assert (reply.frame.status, reply.frame.group_id, reply.frame.request_id) == ("running", crowd.group_id, "r")
    assert reply.state is not None
    assert reply.state.groups == (crowd.group_id,)
    assert (place, PHONE) in room.channel.entered
    again = await _resume.resumed(room.services, event(crowd, "sue", crowd.group_id), said)
    assert again.state is None


@pytest.mark.requirement("query:resume")
async def test_who_may_not_see_a_turn_joins_nothing_by_asking_for_it(crowd: Crowd) -> None:
    """A stranger, a turn that is not there, and one of another conversation."""
    asked = await crowd.say("sam", "@coach how is it?")
    await crowd.meet("eve", "Sales")
    own = TurnResume(type="turn.resume", turn_id=asked.turn_id or "", conversation_id=crowd.group_id)
    cases = [
        ("eve", own),
        ("sue", own.model_copy(update={"turn_id": f"{asked.turn_id}0"})),
        ("sue", own.model_copy(update={"conversation_id": crowd.guests["sue"].session})),
    ]
    before = set(crowd.room.channel.entered)

    for name, said in cases:
        with pytest.raises(ChatError) as refused:
            await _resume.resumed(crowd.room.services, event(crowd, name), said)
        assert refused.value.code is ErrorCode.NOT_FOUND

    assert crowd.room.channel.entered == before
