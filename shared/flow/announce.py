"""Tell the people of a group what became of it, and take them out of its rooms; the store has the truth already."""

import asyncio
import logging
from collections.abc import Iterable

from shared.domain.errors import ChannelUnavailable, ChatError, ErrorCode, StoreUnavailable
from shared.domain.frame_parts import User, address
from shared.domain.frames import Frame
from shared.domain.group import Group, Member
from shared.domain.ids import RoomName, UserId, room_name
from shared.domain.member_frames import GroupAdded, GroupChanged, GroupRemoved, MemberJoined, MemberLeft
from shared.domain.policy import every_role
from shared.flow.audience import tell, tell_person
from shared.flow.catalog import known_roles
from shared.flow.services import Services

AT_ONCE = 10
"""So many people are told side by side; Web PubSub takes about 180 sends to users a second."""
EXPEL_TRIES = 4
EXPEL_WAIT_S = 0.5

_log = logging.getLogger("salescoach.announce")


async def added(services: Services, group: Group, people: Iterable[UserId]) -> None:
    """Tell people on all their connections that they are in a group."""
    frame = GroupAdded(**address(group.conversation), title=group.title, role=group.role)
    await _tell_people(services, people, frame)


async def changed(services: Services, group: Group) -> None:
    """Tell the members on all their connections how the group is now: as read again, for who was removed meanwhile."""
    try:
        stored = await services.groups.group(group.key)
    except StoreUnavailable as fault:
        _log.warning("frame.unsent", extra={"frame": GroupChanged.type, "reason": str(fault)})
        return
    if stored is None or stored.group.status == "deleted":
        return
    now = stored.group
    frame = GroupChanged(
        **address(now.conversation),
        title=now.title,
        role=now.role,
        owner=now.owner,
        policy=now.reply_policy,
        history=now.history,
        audience=now.audience,
        revision=now.revision,
    )
    await _tell_people(services, [member.id for member in now.members], frame)


async def ended(services: Services, group: Group, people: Iterable[UserId], reason: str) -> None:
    """Tell people on all their connections that they lost a group, or that it has ended."""
    # The frame's own type names the reasons that there are.
    frame = GroupRemoved(**address(group.conversation), reason=reason)  # pyright: ignore[reportArgumentType]
    await _tell_people(services, people, frame)


async def joined(services: Services, group: Group, member: Member) -> None:
    """Tell the group of a new member."""
    await tell(services, group.conversation, MemberJoined(**address(group.conversation), user=_user(member)))


async def left(services: Services, group: Group, member: Member) -> None:
    """Tell the group that somebody is no member any more."""
    await tell(services, group.conversation, MemberLeft(**address(group.conversation), user=_user(member)))


async def hush(services: Services, group: Group, user_id: UserId) -> None:
    """Take a person out of the group's rooms if the service answers; what must be sure is done by `expel`."""
    rooms = await _rooms(services, group)
    await asyncio.gather(*(_expelled(services, room, user_id) for room in rooms))


async def expel(services: Services, group: Group, people: Iterable[UserId]) -> None:
    """Take all connections of people out of the group's rooms, so that they hear nothing more.

    Raises:
        ChatError: `internal` when the service does not answer; the same request repeats it.
    """
    some_at_once = asyncio.Semaphore(AT_ONCE)

    async def one(room: RoomName, user_id: UserId) -> bool:
        async with some_at_once:
            return await _surely_expelled(services, room, user_id)

    rooms, whom = await _rooms(services, group), list(people)
    if not all(await asyncio.gather(*(one(room, user_id) for room in rooms for user_id in whom))):
        text = "They are no member any more, but may hear the group yet: please repeat this."
        raise ChatError(ErrorCode.INTERNAL, text, retry_after_s=1.0)


async def _rooms(services: Services, group: Group) -> list[RoomName]:
    """Name the room of all, and those of every role that somebody may have entered."""
    roles = every_role((*await known_roles(services), *([group.role] if group.role else [])))
    return [room_name(group.key), *(room_name(group.key, role) for role in roles)]


async def _surely_expelled(services: Services, room: RoomName, user_id: UserId) -> bool:
    for _ in range(EXPEL_TRIES - 1):
        if await _expelled(services, room, user_id):
            return True
        await services.clock.sleep(services.clock.jitter(EXPEL_WAIT_S))
    return await _expelled(services, room, user_id)


async def _expelled(services: Services, room: RoomName, user_id: UserId) -> bool:
    try:
        await services.channel.expel(room, user_id)
    except ChannelUnavailable as fault:
        _log.warning("member.not_expelled", extra={"reason": str(fault)})
        return False
    return True


async def _tell_people(services: Services, people: Iterable[UserId], frame: Frame) -> None:
    """Send to all connections of some people; what cannot be sent is read from the list of groups."""
    some_at_once = asyncio.Semaphore(AT_ONCE)

    async def one(user_id: UserId) -> None:
        async with some_at_once:
            await tell_person(services, user_id, frame)

    await asyncio.gather(*(one(user_id) for user_id in people))


def _user(member: Member) -> User:
    return User(id=member.id, name=member.name)
