"""Several people in a group in memory, for tests: they sign in, join, talk and are told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from shared.adapters.memory.delivery import Sent
from shared.adapters.memory.identity import MemoryVerifier
from shared.domain.frames import QueryAccepted
from shared.domain.group import Founding
from shared.domain.identity import Caller
from shared.domain.ids import ConnectionId, MessageId, PublicId, UserId, group_key, room_name
from shared.domain.live_frames import GroupJoined
from shared.flow import attend, membership, query
from shared.flow.authenticate import OpenSession, open_session, require_grant
from shared.flow.standing import Reader
from shared.wire.outbound import frame_data


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody at a connection."""

    caller: Caller
    connection: ConnectionId
    session: PublicId

    @property
    def reader(self) -> Reader:
        """Give the person with their roles."""
        return Reader(user_id=self.caller.user_id, roles=self.caller.roles)


class Crowd:
    """A group in a room; Sam owns it."""

    def __init__(self, room: Any, **wish: Any) -> None:
        self.room = room
        self.wish = replace(Founding(title="Renewals"), **wish)
        self.group_id = PublicId("")
        self.guests: dict[str, Guest] = {}

    async def begin(self) -> None:
        """Let Sam found the group and join it."""
        sam = await self.meet("sam", "Sales")
        group = await membership.found(self.room.services, sam.caller, self.wish)
        self.group_id = group.group_id
        await self.join("sam")

    async def meet(self, name: str, *roles: str) -> Guest:
        """Sign somebody in."""
        sam = self.room.callers["sam's token"]
        caller = replace(sam, user_id=UserId(f"tenant:{name}"), name=name.title(), roles=roles)
        token = f"{name}'s token"
        self.room.callers[token] = caller
        verifier = MemoryVerifier(self.room.callers, self.room.clock)
        self.room.services = replace(self.room.services, verifier=verifier)
        guest = Guest(caller, ConnectionId(f"{name}-desk"), PublicId(str(uuid4())))
        self.guests[name] = guest
        self.room.channel.people[guest.connection] = caller.user_id
        wish = OpenSession(
            token=token,
            connection_user=caller.user_id,
            connection=guest.connection,
            session_id=guest.session,
            first=True,
        )
        await open_session(self.room.services, wish)
        return guest

    async def let_in(self, name: str, *roles: str) -> Guest:
        """Sign somebody in and make them a member, who joins."""
        guest = await self.meet(name, *roles)
        await membership.add(self.room.services, self.guests["sam"].caller, self.group_id, guest.caller.user_id)
        await self.join(name)
        return guest

    async def join(self, name: str, *, again: bool = False) -> GroupJoined:
        """Send `join_group`."""
        guest = self.guests[name]
        wish = attend.Attend(reader=guest.reader, connection=guest.connection, group_id=self.group_id, again=again)
        return await attend.join(self.room.services, wish)

    async def put_out(self, name: str) -> None:
        """Remove a member; the memory channel then empties the rooms of them as the service does."""
        user_id = self.guests[name].caller.user_id
        await membership.remove(self.room.services, self.guests["sam"].caller, self.group_id, user_id)
        gone = {connection for connection, person in self.room.channel.people.items() if person == user_id}
        expelled = {place for place, person in self.room.channel.expelled if person == user_id}
        self.room.channel.entered -= {(place, one) for place in expelled for one in gone}

    async def say(self, name: str, content: str, message_id: str | None = None, **wish: Any) -> QueryAccepted:
        """Send `query` with the group's id."""
        guest = self.guests[name]
        ask = query.Ask(
            grant=await require_grant(self.room.services, guest.caller.user_id, guest.session),
            session_id=guest.session,
            group_id=self.group_id,
            message_id=MessageId(message_id or str(uuid4())),
            id_from_client=message_id is not None,
            content=content,
            connection=guest.connection,
            **wish,
        )
        return await query.ask(self.room.services, self.room.engine, ask)

    async def answered(self, name: str, content: str, *answer: Sequence[Any]) -> QueryAccepted:
        """Say something that calls the coach, and let it answer."""
        self.room.scripted(*answer)
        accepted = await self.say(name, content)
        await self.room.run()
        return accepted

    def heard(self, name: str) -> list[dict[str, Any]]:
        """Give what reached the connection of somebody, as the service delivers it."""
        guest, channel = self.guests[name], self.room.channel
        return [frame_data(sent.frame) for sent in channel.sent if _reaches(sent, guest, channel.entered)]

    def types(self, name: str) -> list[str]:
        """Give the types of what somebody heard."""
        return [frame["type"] for frame in self.heard(name)]

    def knows(self, name: str, text: str) -> bool:
        """Tell whether a text reached somebody in any frame."""
        return text in json.dumps(self.heard(name), ensure_ascii=False)

    def forget(self) -> None:
        """Forget what was sent so far."""
        self.room.channel.sent.clear()

    @property
    def hall(self) -> str:
        """Name the room of all who joined."""
        return room_name(group_key(self.group_id))


def _reaches(sent: Sent, guest: Guest, entered: set[Any]) -> bool:
    if sent.but == guest.connection or (sent.outside, guest.connection) in entered:
        return False
    by_room = sent.room is not None and (sent.room, guest.connection) in entered
    return by_room or sent.user_id == guest.caller.user_id or sent.connection_id == guest.connection
