"""Let people found, change, enter and leave groups; their rules are the domain's, the store arbitrates."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from uuid import uuid4

from shared.domain import group as rules
from shared.domain.entries import ConversationEntry
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.group import Changes, Founding, Group, Member, StoredGroup
from shared.domain.identity import Caller
from shared.domain.ids import PublicId, UserId, founded_id, group_key
from shared.domain.security import Noticed
from shared.flow import announce
from shared.flow.catalog import known_roles
from shared.flow.people import remember, require_person
from shared.flow.services import Services
from shared.flow.watching import event_of, note

CHANGE_TRIES = 20
CHANGE_WAIT_S = 0.1


async def found(services: Services, caller: Caller, wish: Founding) -> Group:
    """Make a group whose owner and first member is the caller; a repetition of the same wish gives it as it is now.

    Raises:
        ChatError: `bad_request` for its title or an unknown role, `forbidden` for a role that the caller lacks.
    """
    group_id = founded_id(caller.user_id, wish.idempotency_key or str(uuid4()))
    group = rules.found(
        wish,
        caller,
        await known_roles(services),
        group_id=group_id,
        key=group_key(group_id),
        now=services.clock.now(),
    )
    if earlier := await services.groups.group(group.key):
        return earlier.group
    await remember(services, caller)
    # A line of a list that leads to no group shows nothing; a group that is in no list would be lost.
    await services.users.add_entry(_entry(group, group.members[0]))
    if not await services.groups.put_group(group, None):
        # A repetition at the same moment, or this very write after its answer was lost.
        group = await _require(services, group_id)
    await _note_role(services, caller.user_id, replace(group, role=None, audience="members"), group)
    await announce.added(services, group, [caller.user_id])
    return group


async def change(services: Services, caller: Caller, group_id: PublicId, changes: Changes) -> Group:
    """Change a group's title, rules, owner or status, and tell its people.

    Raises:
        ChatError: as `rules.change` refuses.
    """
    known = await known_roles(services)
    before, after = await _change(services, group_id, lambda group: rules.change(group, caller, changes, known))
    await _note_role(services, caller.user_id, before, after)
    if after.owner != before.owner:
        await _note(services, Noticed.GROUP_HANDED_OVER, caller.user_id, after, member=after.owner)
    if after.status != before.status:
        everyone = _ids(after.members)
        if after.status == "active":
            await announce.added(services, after, everyone)
        else:
            await announce.ended(services, after, everyone, "archived")
    if replace(before, status=after.status, revision=after.revision) != after:
        await announce.changed(services, after)
    return after


async def add(services: Services, caller: Caller, group_id: PublicId, user_id: UserId) -> Member:
    """Let somebody in who has signed in before: the owner's grant, which is recorded.

    Raises:
        ChatError: as `rules.add` refuses; `not_found` for who never signed in.
    """
    group = await _require(services, group_id)
    known = group.member(user_id)
    if known is not None and group.owner == caller.user_id:
        # An earlier try may have ended between the group and the newcomer's list.
        await services.users.add_entry(_entry(group, known))
    newcomer = Member(id=user_id, name="", joined_at=services.clock.now())
    # Asked first: who may not add anybody does not learn who has signed in.
    rules.add(group, caller.user_id, newcomer)
    profile = await require_person(services, user_id)
    head = await services.conversations.head(group.key)
    newcomer = replace(newcomer, name=profile.name, joined_seq=head.head.next_seq - 1 if head else 0)
    await services.users.add_entry(_entry(group, newcomer))
    _, after = await _change(services, group_id, lambda group: rules.add(group, caller.user_id, newcomer))
    await _note(services, Noticed.MEMBER_ADDED, caller.user_id, after, member=user_id, role=after.role)
    await announce.added(services, after, [user_id])
    await announce.joined(services, after, newcomer)
    return newcomer


async def remove(services: Services, caller: Caller, group_id: PublicId, user_id: UserId) -> None:
    """Let a member leave, or have the owner remove one; from now on they hear nothing more of the group.

    Raises:
        ChatError: as `rules.remove` refuses; `internal` when the member may still hear, so that it is repeated.
    """
    group = await _require(services, group_id)
    if group.owner == caller.user_id and group.member(user_id) is None:
        # Perhaps an earlier try took them off the list and could not reach the service.
        await announce.expel(services, group, [user_id])
    rules.remove(group, caller.user_id, user_id)
    # Before and after: if this host dies in between, nobody goes on listening who is no member any more.
    await announce.hush(services, group, user_id)
    before, after = await _change(services, group_id, lambda group: rules.remove(group, caller.user_id, user_id))
    await _part(services, caller.user_id, before, after, user_id)


async def delete(services: Services, caller: Caller, group_id: PublicId) -> None:
    """End a group for good, for everyone.

    Raises:
        ChatError: as `rules.delete` refuses.
    """
    before, after = await _change(services, group_id, lambda group: rules.delete(group, caller.user_id))
    everyone = _ids(before.members)
    await announce.expel(services, before, everyone)
    await announce.ended(services, after, everyone, "deleted")
    for user_id in everyone:
        await services.users.remove_entry(user_id, after.key)


async def _part(services: Services, by: UserId, before: Group, after: Group, user_id: UserId) -> None:
    """Do what follows when somebody is no member any more: silence first, then the news."""
    member = next(one for one in before.members if one.id == user_id)
    await announce.expel(services, after, [user_id])
    await _note(services, Noticed.MEMBER_REMOVED, by, after, member=user_id)
    await announce.ended(services, after, [user_id], "left" if by == user_id else "removed")
    await announce.left(services, after, member)
    await services.users.remove_entry(user_id, after.key)


async def _require(services: Services, group_id: PublicId) -> Group:
    return (await _stored(services, group_id)).group


async def _stored(services: Services, group_id: PublicId) -> StoredGroup:
    stored = await services.groups.group(group_key(group_id))
    if stored is None:
        raise ChatError(ErrorCode.NOT_FOUND, rules.NO_SUCH_GROUP)
    return stored


async def _change(services: Services, group_id: PublicId, rule: Callable[[Group], Group]) -> tuple[Group, Group]:
    """Apply a rule to the group as it is now; who was overtaken applies it again. Give the group before and after."""
    for _ in range(CHANGE_TRIES):
        stored = await _stored(services, group_id)
        changed = rule(stored.group)
        if changed == stored.group:
            return stored.group, changed
        changed = replace(changed, revision=stored.group.revision + 1)
        if await services.groups.put_group(changed, stored.etag):
            return stored.group, changed
        await services.clock.sleep(services.clock.jitter(CHANGE_WAIT_S))
    raise ChatError(ErrorCode.RATE_LIMITED, "This group is very busy.", retry_after_s=1.0)


async def _note_role(services: Services, by: UserId, before: Group, after: Group) -> None:
    if (before.role, before.audience) != (after.role, after.audience):
        await _note(services, Noticed.GROUP_ROLE_SET, by, after, role=after.role, outcome=after.audience)


async def _note(
    services: Services,
    kind: Noticed,
    by: UserId,
    group: Group,
    **about: UserId | str | None,
) -> None:
    event = replace(event_of(services, kind), user_id=by, group_id=group.group_id)
    await note(services, replace(event, **about))  # pyright: ignore[reportArgumentType]  # the event's own fields


def _ids(members: Iterable[Member]) -> list[UserId]:
    return [member.id for member in members]


def _entry(group: Group, member: Member) -> ConversationEntry:
    return ConversationEntry(
        user_id=member.id,
        key=group.key,
        public_id=group.group_id,
        kind="group",
        title=group.title,
        renamed=True,
        created_at=member.joined_at,
        read_seq=member.joined_seq,
    )
