"""Tell who is there, who writes and who has read what: all of it advisory, none of it a write per member."""

import logging
from dataclasses import dataclass

from shared.domain.conversation import Conversation
from shared.domain.errors import ChannelUnavailable, ChatError, ErrorCode
from shared.domain.frame_parts import User, address
from shared.domain.ids import ConnectionId, ConversationKey, MessageId, PublicId, UserId, group_key, room_name
from shared.domain.live_frames import MessageRead, Presence, Typing
from shared.flow.audience import tell, tell_connection
from shared.flow.services import Services
from shared.flow.standing import Reader, anywhere, in_group

LOOKED_AFTER_S = 30.0
"""Who does something in a group lets it look who is there, so often at most: a lost `disconnected` thus has an end."""
TYPING_EVERY_S = 3.0
REMEMBERED_MOST = 10_000

_log = logging.getLogger("salescoach.presence")


@dataclass(frozen=True, slots=True)
class Shown:
    """Whom this worker showed last as being there, and when; it only saves frames that would tell nothing new."""

    online: frozenset[UserId]
    at: float


_shown: dict[ConversationKey, Shown] = {}


async def came(services: Services, conversation: Conversation, user_id: UserId, connection: ConnectionId) -> None:
    """Show a group who is there now that a connection has come; to it alone if its person was there before."""
    here = await _here(services, conversation)
    if here is None:
        return
    others = {person for one, person in here.items() if one != connection}
    frame = _frame(services, conversation, others | {user_id})
    if user_id in others:
        await tell_connection(services, connection, frame)
    else:
        await tell(services, conversation, frame)


async def went(services: Services, group_id: PublicId, user_id: UserId, connection: ConnectionId) -> None:
    """Show a group who is there now that a connection has gone, unless its person is there by another one."""
    conversation = Conversation(key=group_key(group_id), public_id=group_id, kind="group", owner=user_id)
    here = await _here(services, conversation)
    if here is None:
        return
    others = {person for one, person in here.items() if one != connection}
    if user_id not in others:
        await tell(services, conversation, _frame(services, conversation, others))


async def look(services: Services, conversation: Conversation) -> None:
    """Show who is there if it is not who was shown; the service knows, whatever events were lost."""
    if conversation.kind == "session":
        return
    shown = _shown.get(conversation.key)
    if shown is not None and services.clock.monotonic() - shown.at < LOOKED_AFTER_S:
        return
    here = await _here(services, conversation)
    if here is None:
        return
    frame = _frame(services, conversation, set(here.values()))
    if shown is None or shown.online != frozenset(here.values()):
        await tell(services, conversation, frame)


async def _here(services: Services, conversation: Conversation) -> dict[ConnectionId, UserId] | None:
    try:
        return await services.channel.present(room_name(conversation.key))
    except ChannelUnavailable as fault:
        _log.warning("presence.unknown", extra={"reason": str(fault)})
        return None


def _frame(services: Services, conversation: Conversation, online: set[UserId]) -> Presence:
    _shown.pop(conversation.key, None)
    while len(_shown) >= REMEMBERED_MOST:
        del _shown[next(iter(_shown))]
    _shown[conversation.key] = Shown(frozenset(online), services.clock.monotonic())
    return Presence(**address(conversation), online=sorted(online))


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """Somebody at a connection."""

    reader: Reader
    name: str
    connection: ConnectionId


async def typing(
    services: Services, who: Here, group_id: PublicId, *, writes: bool, joined: bool, typed_at: float
) -> float:
    """Relay that somebody writes, or stopped, unless that was done a moment ago; give when it was done last.

    Raises:
        ChatError: `not_found` to everyone but the members, `conflict` for a connection that did not join.
    """
    standing = await in_group(services, who.reader, group_id)
    if not joined:
        raise ChatError(ErrorCode.CONFLICT, "Send join_group first.")
    now = services.clock.now().timestamp()
    if 0 <= now - typed_at < TYPING_EVERY_S:
        return typed_at
    where = standing.conversation
    await tell(services, where, Typing(**address(where), user=_user(who), typing=writes), but=who.connection)
    await look(services, where)
    return now


async def mark_read(services: Services, who: Here, conversation_id: PublicId, message_id: MessageId) -> None:
    """Move a person's read marker forward, and show that to those who follow.

    Raises:
        ChatError: `not_found` for a message that the person cannot see.
    """
    standing = await anywhere(services, who.reader, conversation_id)
    where = standing.conversation
    message = await services.conversations.message(where.key, message_id)
    message = message or await services.conversations.answer(where.key, message_id)
    if message is None or message.seq <= standing.sight.after_seq:
        raise ChatError(ErrorCode.NOT_FOUND, "There is no such message.")
    if await services.users.mark_read(who.reader.user_id, where.key, message.seq):
        frame = MessageRead(**address(where), user=_user(who), message_id=message_id)
        await tell(services, where, frame, but=who.connection)
        await look(services, where)


def _user(who: Here) -> User:
    return User(id=who.reader.user_id, name=who.name)
