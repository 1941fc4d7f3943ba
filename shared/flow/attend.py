"""Let a connection hear a group, or stop hearing it: membership is looked at before and after it enters the rooms."""

import asyncio
from dataclasses import dataclass

from shared.domain.errors import ChatError, ErrorCode
from shared.domain.frame_parts import User, address
from shared.domain.group import NO_SUCH_GROUP, Group
from shared.domain.ids import ConnectionId, ConversationKey, PublicId, TurnId, group_key, room_name
from shared.domain.live_frames import GroupJoined, GroupLeft
from shared.domain.policy import every_role
from shared.domain.tools import Approval, ToolCall
from shared.domain.turns import Turn
from shared.flow.authenticate import active_turn, pending
from shared.flow.catalog import known_roles
from shared.flow.presence import came, went
from shared.flow.services import Services
from shared.flow.standing import Membership, Reader, Standing, in_group


@dataclass(frozen=True, slots=True, kw_only=True)
class Attend:
    """A connection's wish to hear a group, its person proved."""

    reader: Reader
    connection: ConnectionId
    group_id: PublicId
    again: bool = False
    """Whether this connection was in the group's rooms before, perhaps with other roles."""
    request_id: str | None = None


async def join(services: Services, wish: Attend) -> GroupJoined:
    """Let a member's connection hear the group, then read how it stands, so that nothing falls between (rule 9).

    Raises:
        ChatError: `not_found` to everyone but its members, also to who was removed at this very moment.
    """
    standing = await in_group(services, wish.reader, wish.group_id)
    await enter_rooms(services, standing, wish.connection, again=wish.again)
    try:
        standing = await in_group(services, wish.reader, wish.group_id)
    except ChatError:
        # The removal may have emptied the rooms before this connection came in.
        await leave_rooms(services, standing.conversation.key, wish.connection)
        raise
    where = standing.conversation
    joined, _ = await asyncio.gather(
        _joined(services, standing, wish), came(services, where, wish.reader.user_id, wish.connection)
    )
    return joined


async def enter_rooms(services: Services, standing: Standing, connection: ConnectionId, *, again: bool) -> None:
    """Put a connection into the room of all and of each role that its person holds, and out of the others.

    Raises:
        ChannelUnavailable: it may be in some of them only; the same wish again mends that.
    """
    key, sight = standing.conversation.key, standing.sight
    roles = every_role(await known_roles(services))
    held = [role for role in roles if sight.hears(role)]
    lost = [role for role in roles if again and not sight.hears(role)]
    await asyncio.gather(*(services.channel.leave(room_name(key, role), connection) for role in lost))
    await asyncio.gather(*(services.channel.enter(room_name(key, role), connection) for role in (None, *held)))


async def leave_rooms(services: Services, key: ConversationKey, connection: ConnectionId) -> None:
    """Take a connection out of all rooms of a group."""
    roles = (None, *every_role(await known_roles(services)))
    await asyncio.gather(*(services.channel.leave(room_name(key, role), connection) for role in roles))


async def leave(services: Services, wish: Attend) -> GroupLeft:
    """Let a connection hear no more of a group that it joined.

    Raises:
        ChatError: `not_found` for a group that it did not join, whether there is one or not.
    """
    if not wish.again:
        raise ChatError(ErrorCode.NOT_FOUND, NO_SUCH_GROUP)
    await leave_rooms(services, group_key(wish.group_id), wish.connection)
    await went(services, wish.group_id, wish.reader.user_id, wish.connection)
    return GroupLeft(conversation_id=wish.group_id, group_id=wish.group_id, request_id=wish.request_id)


async def renew(services: Services, reader: Reader, connection: ConnectionId, groups: tuple[PublicId, ...]) -> None:
    """Put a connection into the rooms that its person's new token opens, and out of those that it no longer does."""
    for group_id in groups:
        try:
            await enter_rooms(services, await in_group(services, reader, group_id), connection, again=True)
        except ChatError:
            await leave_rooms(services, group_key(group_id), connection)


async def _joined(services: Services, standing: Membership, wish: Attend) -> GroupJoined:
    key, group = standing.conversation.key, standing.group
    stored, entry = await asyncio.gather(
        services.conversations.head(key), services.users.entry(wish.reader.user_id, key)
    )
    head = stored.head if stored else None
    active, calls = await _active(services, standing, head.active_turn if head else None)
    asks = active is not None and active.asker.id == wish.reader.user_id
    return GroupJoined(
        **address(standing.conversation),
        title=group.title,
        role=group.role,
        owner=group.owner,
        members=_members(group),
        policy=group.reply_policy,
        history=group.history,
        audience=group.audience,
        revision=group.revision,
        status="archived" if group.status == "archived" else "active",
        last_seq=head.next_seq - 1 if head else 0,
        read_seq=entry.read_seq if entry else 0,
        active_turn=active_turn(active) if active else None,
        waiting=list(head.waiting) if head else [],
        approvals=[pending(active, call) for call in calls] if active and asks else [],
        request_id=wish.request_id,
    )


async def _active(services: Services, standing: Standing, turn_id: TurnId | None) -> tuple[Turn | None, list[ToolCall]]:
    """Read the turn that runs, and its calls that wait for a word, as far as the person may hear of them."""
    if turn_id is None:
        return None, []
    key = standing.conversation.key
    turn, calls = await asyncio.gather(
        services.conversations.turn(key, turn_id), services.conversations.calls(key, turn_id)
    )
    hears = turn is not None and standing.sight.hears(turn.conversation.bound_to)
    return turn, [call for call in calls if hears and call.approval is Approval.WAITING]


def _members(group: Group) -> list[User]:
    return [User(id=member.id, name=member.name) for member in group.members]
