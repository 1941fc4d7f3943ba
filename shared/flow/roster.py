"""Show groups to their members: the list of one's own, and one with everybody in it."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.domain.entries import ConversationEntry
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.frame_parts import ActiveTurn
from shared.domain.group import NO_SUCH_GROUP, Audience, History, ReplyPolicy
from shared.domain.ids import ConversationKey, PublicId, UserId, group_key
from shared.flow.authenticate import active_turn
from shared.flow.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberItem:
    """Somebody in a group."""

    id: str
    name: str
    joined_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupItem:
    """A group as one of its members sees it."""

    group_id: str
    title: str
    role: str | None
    reply_policy: ReplyPolicy
    history: History
    audience: Audience
    status: Literal["active", "archived"]
    owner: str
    revision: int
    """How often the group was changed: the higher is the newer."""
    members: list[MemberItem]
    created_at: datetime
    last_seq: int
    unread: int
    """How many messages came after the last one that the member has read."""
    active_turn: ActiveTurn | None
    waiting: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPage:
    """A part of the list of groups."""

    items: list[GroupItem]
    next_cursor: str | None = None


async def groups(services: Services, user_id: UserId, *, cursor: str | None, limit: int) -> GroupPage:
    """List the groups of which somebody is a member, the ones that they joined last first.

    Raises:
        ChatError: `bad_request` for a cursor that is not of this list.
    """
    page = await services.users.entries(user_id, cursor=cursor, limit=limit, search=None, kind="group")
    items = await asyncio.gather(*(_item(services, user_id, entry.key, entry) for entry in page.items))
    return GroupPage(items=[item for item in items if item is not None], next_cursor=page.next_cursor)


async def group(services: Services, user_id: UserId, group_id: PublicId) -> GroupItem:
    """Show one group to a member.

    Raises:
        ChatError: `not_found` to everyone else.
    """
    key = group_key(group_id)
    item = await _item(services, user_id, key, await services.users.entry(user_id, key))
    if item is None:
        raise ChatError(ErrorCode.NOT_FOUND, NO_SUCH_GROUP)
    return item


async def _item(
    services: Services, user_id: UserId, key: ConversationKey, entry: ConversationEntry | None
) -> GroupItem | None:
    """Show a group as it is now; None for who is no member, whatever their list says."""
    stored, head = await asyncio.gather(services.groups.group(key), services.conversations.head(key))
    if stored is None or stored.group.status == "deleted":
        return None
    found, member = stored.group, stored.group.member(user_id)
    if member is None:
        return None
    active = None
    if head is not None and head.head.active_turn is not None:
        active = await services.conversations.turn(key, head.head.active_turn)
    last_seq = head.head.next_seq - 1 if head else 0
    return GroupItem(
        group_id=found.group_id,
        title=found.title,
        role=found.role,
        reply_policy=found.reply_policy,
        history=found.history,
        audience=found.audience,
        status="archived" if found.status == "archived" else "active",
        owner=found.owner,
        revision=found.revision,
        members=[MemberItem(id=one.id, name=one.name, joined_at=one.joined_at) for one in found.members],
        created_at=found.created_at,
        last_seq=last_seq,
        unread=max(0, last_seq - max(member.joined_seq, entry.read_seq if entry else 0)),
        active_turn=active_turn(active) if active else None,
        waiting=list(head.head.waiting) if head else [],
    )
