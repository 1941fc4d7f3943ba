"""Read what is stored for its owner; absent and not yours look the same."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from shared.domain.conversation import NO_SUCH_SESSION, Message
from shared.domain.entries import ConversationEntry
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.frame_parts import ActiveTurn
from shared.domain.ids import PublicId, UserId, session_key
from shared.flow.authenticate import active_turn
from shared.flow.services import Services
from shared.flow.standing import Reader, Standing, in_session


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionItem:
    """One line of the list of sessions."""

    session_id: str
    title: str
    created_at: datetime
    last_seq: int
    active_turn: ActiveTurn | None
    waiting: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPage:
    """A part of the list of sessions."""

    items: list[SessionItem]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePage:
    """Messages in order, and the conversation's last number."""

    messages: list[Message]
    last_seq: int


async def sessions(
    services: Services, user_id: UserId, *, cursor: str | None, limit: int, search: str | None
) -> SessionPage:
    """List a person's sessions, newest first.

    Raises:
        ChatError: `bad_request` for a cursor that is not of this list.
    """
    page = await services.users.entries(user_id, cursor=cursor, limit=limit, search=search)
    items = await asyncio.gather(*(_item(services, entry) for entry in page.items))
    return SessionPage(items=list(items), next_cursor=page.next_cursor)


async def session(services: Services, user_id: UserId, session_id: PublicId) -> SessionItem:
    """Show one session.

    Raises:
        ChatError: `not_found` when the person has no such session.
    """
    entry = await services.users.entry(user_id, session_key(user_id, session_id))
    if entry is None:
        raise ChatError(ErrorCode.NOT_FOUND, NO_SUCH_SESSION)
    return await _item(services, entry)


async def _item(services: Services, entry: ConversationEntry) -> SessionItem:
    stored = await services.conversations.head(entry.key)
    head = stored.head if stored else None
    active = None
    if head is not None and head.active_turn is not None:
        active = await services.conversations.turn(entry.key, head.active_turn)
    return SessionItem(
        session_id=entry.public_id,
        title=entry.title,
        created_at=entry.created_at,
        last_seq=head.next_seq - 1 if head else 0,
        active_turn=active_turn(active) if active else None,
        waiting=list(head.waiting) if head else [],
    )


async def messages(
    services: Services,
    user_id: UserId,
    session_id: PublicId,
    *,
    after_seq: int | None,
    before_seq: int | None,
    limit: int,
) -> MessagePage:
    """List a session's messages.

    Raises:
        ChatError: `not_found` when the person has no such session.
    """
    standing = in_session(Reader(user_id=user_id), session_id)
    return await read(services, standing, after_seq=after_seq, before_seq=before_seq, limit=limit)


async def read(
    services: Services, standing: Standing, *, after_seq: int | None, before_seq: int | None, limit: int
) -> MessagePage:
    """List what somebody may read of a conversation.

    Raises:
        ChatError: `not_found` for a session that has not begun.
    """
    key, sight = standing.conversation.key, standing.sight
    after = after_seq if after_seq is None else max(after_seq, sight.after_seq)
    stored, found = await asyncio.gather(
        services.conversations.head(key),
        services.conversations.messages(key, after_seq=after, before_seq=before_seq, limit=limit),
    )
    if stored is None:
        standing.require_begun()
    return MessagePage(messages=sight.shown(found), last_seq=stored.head.next_seq - 1 if stored else 0)
