"""Let people take back what is stored of them: one session, or all; and take a copy along before."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.domain.budget import Spending
from shared.domain.conversation import NO_SUCH_SESSION, Conversation, Message
from shared.domain.entries import ConversationEntry
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.frame_parts import address
from shared.domain.group import Changes, Group
from shared.domain.identity import Caller
from shared.domain.ids import ConversationKey, PublicId, TurnId, UserId, group_key, session_key
from shared.domain.notes import Feedback
from shared.domain.people import Profile
from shared.domain.policy import ADMIN
from shared.domain.side_frames import SessionDeleted
from shared.erasure_ports import Eraser
from shared.flow import membership
from shared.flow.audience import tell
from shared.flow.export import whole_session
from shared.flow.limits import spending
from shared.flow.resume import cancel
from shared.flow.services import Services
from shared.ports import TurnEngine

STOPPED_WITHIN_S = 10.0
"""A turn that was asked to stop has ended by then (within 1 s, if its host lives)."""
LOOK_AGAIN_S = 0.1
PAGE = 100

_log = logging.getLogger("salescoach.leaving")


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenSession:
    """A session with all that was said in it, and what its person thinks of it."""

    session_id: str
    title: str
    created_at: datetime
    items: list[Message]
    feedback: list[Feedback]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenGroup:
    """A group of which the person is a member; what was said there belongs to all of its members."""

    group_id: str
    title: str
    since: datetime
    feedback: list[Feedback]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Everything that is stored of a person."""

    user_id: str
    profile: Profile | None
    usage: Spending
    sessions: list[TakenSession]
    groups: list[TakenGroup]


async def delete_session(
    services: Services, engine: TurnEngine, eraser: Eraser, user_id: UserId, session_id: PublicId
) -> None:
    """Stop what runs in a session, delete it, and tell its person's pages; what is asked there afterwards begins anew.

    Raises:
        ChatError: `not_found` when the person has no such session, `rate_limited` when a turn takes long to stop.
    """
    key = session_key(user_id, session_id)
    if await services.users.entry(user_id, key) is None and await services.conversations.head(key) is None:
        raise ChatError(ErrorCode.NOT_FOUND, NO_SUCH_SESSION)
    await _end_session(services, engine, eraser, user_id, session_id)


async def _end_session(
    services: Services, engine: TurnEngine, eraser: Eraser, user_id: UserId, session_id: PublicId
) -> None:
    key = session_key(user_id, session_id)
    await _erase(services, engine, eraser, user_id, key)
    # Last, so that a try that was cut short can be repeated by whoever still sees the session in the list.
    await services.users.remove_entry(user_id, key)
    where = Conversation(key=key, public_id=session_id, kind="session", owner=user_id)
    await tell(services, where, SessionDeleted(**address(where)))
    _log.info("session.deleted", extra={"key": key})


async def delete_group(
    services: Services, engine: TurnEngine, eraser: Eraser, caller: Caller, group_id: PublicId
) -> None:
    """End a group for everyone at once, then stop what runs in it and delete what was said there.

    Raises:
        ChatError: `not_found` to a stranger, `forbidden` to a member, `rate_limited` when a turn takes long to stop.
    """
    key = group_key(group_id)
    stored, head = await asyncio.gather(services.groups.group(key), services.conversations.head(key))
    ended = stored is not None and stored.group.status == "deleted" and stored.group.owner == caller.user_id
    if not ended or head is None:
        await membership.delete(services, caller, group_id)
    # An earlier try that was cut short is gone on with: nobody else can see the group any more.
    await _erase(services, engine, eraser, caller.user_id, key)
    _log.info("group.deleted", extra={"key": key})


async def _erase(services: Services, engine: TurnEngine, eraser: Eraser, user_id: UserId, key: ConversationKey) -> None:
    give_up = services.clock.monotonic() + STOPPED_WITHIN_S
    while (stored := await services.conversations.head(key)) is not None:
        # Not only those that the head names: one that was withdrawn has still to tell its end.
        at_work = await eraser.at_work(key)
        if not at_work and await eraser.conversation(key, stored.etag):
            return
        for turn_id in at_work:
            await _stop(services, engine, user_id, key, turn_id)
        if services.clock.monotonic() >= give_up:
            text = "An answer of this conversation is still being stopped; please try again."
            raise ChatError(ErrorCode.RATE_LIMITED, text, retry_after_s=2.0)
        await services.clock.sleep(LOOK_AGAIN_S)


async def _stop(services: Services, engine: TurnEngine, user_id: UserId, key: ConversationKey, turn_id: TurnId) -> None:
    turn = await services.conversations.turn(key, turn_id)
    if turn is None or turn.cancel_requested or turn.sealed is not None:
        return
    try:
        # Whoever may delete a conversation may stop what runs in it; in an ended group nobody has other rights.
        await cancel(services, engine, turn_id, user_id, roles=(ADMIN,))
    except ChatError as refusal:
        # It ended in this moment, or others write as well: the next look tells.
        _log.info("turn.not_stopped", extra={"turn_id": turn_id, "code": refusal.code.value})


async def delete_person(services: Services, engine: TurnEngine, eraser: Eraser, caller: Caller) -> None:
    """Delete a person's sessions, leave their groups, and delete all else that is theirs alone.

    What they said in groups stays with its readers. A repeat goes on where an earlier try ended.

    Raises:
        ChatError: `rate_limited` when a turn takes long to stop.
    """
    async for entry in _entries(services, caller.user_id, "group"):
        await eraser.forget_feedback(entry.key, caller.user_id)
        await _leave(services, engine, eraser, caller, entry)
    async for entry in _entries(services, caller.user_id, "session"):
        await _end_session(services, engine, eraser, caller.user_id, entry.public_id)
    await services.people.forget(caller.user_id)
    await eraser.person(caller.user_id)
    _log.info("person.deleted")


async def _leave(
    services: Services, engine: TurnEngine, eraser: Eraser, caller: Caller, entry: ConversationEntry
) -> None:
    """Leave a group; one's own is handed to who has been there longest, and ends when nobody is left."""
    stored = await services.groups.group(entry.key)
    group = stored.group if stored else None
    if group is None or group.status == "deleted" or group.member(caller.user_id) is None:
        await services.users.remove_entry(caller.user_id, entry.key)
        return
    if group.owner == caller.user_id:
        heir = _heir(group, caller.user_id)
        if heir is None:
            await delete_group(services, engine, eraser, caller, group.group_id)
            return
        await membership.change(services, caller, group.group_id, Changes(owner=heir))
    await membership.remove(services, caller, group.group_id, caller.user_id)


def _heir(group: Group, owner: UserId) -> UserId | None:
    others = sorted((member for member in group.members if member.id != owner), key=lambda member: member.joined_at)
    return others[0].id if others else None


async def take_along(services: Services, eraser: Eraser, caller: Caller) -> Taken:
    """Collect everything that is stored of a person, for that person."""
    user_id = caller.user_id
    sessions = [
        TakenSession(
            session_id=entry.public_id,
            title=entry.title,
            created_at=entry.created_at,
            items=await _said(services, caller, entry),
            feedback=await eraser.feedback(entry.key, user_id),
        )
        async for entry in _entries(services, user_id, "session")
    ]
    groups = [
        TakenGroup(
            group_id=entry.public_id,
            title=await _title(services, entry),
            since=entry.created_at,
            feedback=await eraser.feedback(entry.key, user_id),
        )
        async for entry in _entries(services, user_id, "group")
    ]
    return Taken(
        user_id=user_id,
        profile=await services.people.person(user_id),
        usage=await spending(services, user_id),
        sessions=sessions,
        groups=groups,
    )


async def _title(services: Services, entry: ConversationEntry) -> str:
    """Give a group's title as it is now: a line of the list keeps the one of the day when its person came."""
    stored = await services.groups.group(entry.key)
    if stored is None or stored.group.member(entry.user_id) is None:
        return entry.title
    return stored.group.title


async def _said(services: Services, caller: Caller, entry: ConversationEntry) -> list[Message]:
    try:
        return (await whole_session(services, caller.user_id, entry.public_id)).items
    except ChatError:
        # A line of the list may outlive its conversation by a moment.
        return []


async def _entries(
    services: Services, user_id: UserId, kind: Literal["session", "group"]
) -> AsyncIterator[ConversationEntry]:
    """Give a person's list, page by page; lines may be taken off meanwhile."""
    cursor: str | None = None
    while True:
        page = await services.users.entries(user_id, cursor=cursor, limit=PAGE, search=None, kind=kind)
        for entry in page.items:
            yield entry
        cursor = page.next_cursor
        if cursor is None:
            return
