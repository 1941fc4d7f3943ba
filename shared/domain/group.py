"""Hold a group's people and rights: who is in it, who may do what, how it changes (docs/protocol.md, rule 18)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from shared.domain.conversation import Conversation
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.identity import Caller, RoleChoice
from shared.domain.ids import ConversationKey, PublicId, UserId, tenant_of
from shared.domain.policy import ADMIN, known_role
from shared.domain.text import clean_title

NO_SUCH_GROUP = "There is no such group."
TITLE_MOST = 200
MEMBERS_MOST = 200
"""The members stand in one item, which is read at each message; 200 of them take about 40 KB."""

ReplyPolicy = Literal["mention", "always", "quiet"]
History = Literal["all", "since_join"]
Audience = Literal["members", "role"]
GroupStatus = Literal["active", "archived", "deleted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody in a group; of a group with history `since_join` they see what comes after `joined_seq`."""

    id: UserId
    name: str
    joined_at: datetime
    joined_seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A conversation's members and rules; one small item, replaced with If-Match only. `revision` counts changes."""

    group_id: PublicId
    key: ConversationKey
    tenant: str
    title: str
    founder: UserId
    owner: UserId
    members: tuple[Member, ...]
    created_at: datetime
    role: str | None = None
    reply_policy: ReplyPolicy = "mention"
    history: History = "all"
    audience: Audience = "members"
    status: GroupStatus = "active"
    revision: int = 0

    @property
    def conversation(self) -> Conversation:
        """Name the conversation; its `owner` is the founder, who never changes and has no rights by that."""
        return Conversation(key=self.key, public_id=self.group_id, kind="group", owner=self.founder)

    @property
    def works_as(self) -> RoleChoice:
        """Give the role in which everyone works here; without one only the tools open to everyone count."""
        return RoleChoice(shown=self.role, effective=(self.role,) if self.role else ())

    @property
    def bound_to(self) -> str | None:
        """Name the role that one must hold to get what the coach says here now; None if every member gets it."""
        return self.role if self.audience == "role" else None

    def member(self, user_id: UserId) -> Member | None:
        """Find a member."""
        return next((one for one in self.members if one.id == user_id), None)


@dataclass(frozen=True, slots=True)
class StoredGroup:
    """A group as read, with the ETag that a replacement must name."""

    group: Group
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Founding:
    """What somebody wishes of a new group."""

    title: str
    role: str | None = None
    reply_policy: ReplyPolicy = "mention"
    history: History = "all"
    audience: Audience = "members"
    idempotency_key: str | None = None
    """The founder's own id of this wish: the same one again means the same group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What somebody wishes to change; None leaves as it is, an empty `role` takes the role away."""

    title: str | None = None
    role: str | None = None
    reply_policy: ReplyPolicy | None = None
    history: History | None = None
    audience: Audience | None = None
    owner: UserId | None = None
    status: Literal["active", "archived"] | None = None


def found(
    wish: Founding, founder: Caller, known: Iterable[str], *, group_id: PublicId, key: ConversationKey, now: datetime
) -> Group:
    """Make a group of one.

    Raises:
        ChatError: `bad_request` for its title or an unknown role, `forbidden` for a role that the founder lacks.
    """
    return Group(
        group_id=group_id,
        key=key,
        tenant=tenant_of(founder.user_id),
        title=_title(wish.title),
        founder=founder.user_id,
        owner=founder.user_id,
        members=(Member(id=founder.user_id, name=founder.name, joined_at=now),),
        created_at=now,
        role=_role_to_set(wish.role, founder, known) if wish.role else None,
        reply_policy=wish.reply_policy,
        history=wish.history,
        audience=wish.audience,
    )


def change(group: Group, by: Caller, changes: Changes, known: Iterable[str]) -> Group:
    """Change a group as its owner wishes; its role alone may also be set by an Admin among the members.

    Raises:
        ChatError: `not_found` to a stranger, `forbidden` to a member, `conflict` while it is archived.
    """
    require_member(group, by.user_id)
    only_role = changes == Changes(role=changes.role)
    if not (only_role and changes.role is not None and is_admin(by.roles)):
        require_owner(group, by.user_id)
    if changes.status is not None:
        group = replace(group, status=changes.status)
    if changes.owner is not None:
        group = _hand_over(group, changes.owner)
    if changes != Changes(status=changes.status, owner=changes.owner):
        require_active(group)
    group = _bound(group, by, changes, known)
    return replace(
        group,
        title=group.title if changes.title is None else _title(changes.title),
        reply_policy=changes.reply_policy or group.reply_policy,
        history=changes.history or group.history,
    )


def add(group: Group, by: UserId, newcomer: Member) -> Group:
    """Let somebody in: the owner's grant of all that the group sees.

    Raises:
        ChatError: `not_found` to a stranger; `forbidden` to a member and for people of another tenant; `conflict`
            for who is in already, for an archived group and for a full one.
    """
    require_owner(group, by)
    require_active(group)
    require_same_tenant(group, newcomer.id)
    if group.member(newcomer.id) is not None:
        whose = "You are" if newcomer.id == by else "This person is"
        raise ChatError(ErrorCode.CONFLICT, f"{whose} a member of this group already.")
    if len(group.members) >= MEMBERS_MOST:
        raise ChatError(ErrorCode.CONFLICT, f"A group has {MEMBERS_MOST} members at most.")
    return replace(group, members=(*group.members, newcomer))


def remove(group: Group, by: UserId, user_id: UserId) -> Group:
    """Let somebody leave, or have the owner remove them.

    Raises:
        ChatError: `not_found` to a stranger and for who is no member, `forbidden` to a member who removes another,
            `conflict` for the owner, who must hand over first.
    """
    require_member(group, by)
    if user_id != by:
        require_owner(group, by)
    if group.member(user_id) is None:
        raise ChatError(ErrorCode.NOT_FOUND, "This person is no member of this group.")
    if user_id == group.owner:
        raise ChatError(ErrorCode.CONFLICT, "Hand the group over to another member first, or delete it.")
    return replace(group, members=tuple(one for one in group.members if one.id != user_id))


def delete(group: Group, by: UserId) -> Group:
    """End a group for good: it is nobody's from now on.

    Raises:
        ChatError: `not_found` to a stranger, `forbidden` to a member.
    """
    require_owner(group, by)
    return replace(group, status="deleted", title="", members=())


def require_member(group: Group | None, user_id: UserId) -> Member:
    """Give the member; to everyone else the group does not exist.

    Raises:
        ChatError: `not_found`, in the same words for absent, deleted and not theirs.
    """
    member = group.member(user_id) if group is not None and group.status != "deleted" else None
    if member is None:
        raise ChatError(ErrorCode.NOT_FOUND, NO_SUCH_GROUP)
    return member


def require_owner(group: Group, user_id: UserId) -> None:
    """Let the owner pass.

    Raises:
        ChatError: `not_found` to a stranger, `forbidden` to a member.
    """
    require_member(group, user_id)
    if user_id != group.owner:
        raise ChatError(ErrorCode.FORBIDDEN, "Only the group's owner may do this.")


def require_active(group: Group) -> None:
    """Let pass what is written into an active group.

    Raises:
        ChatError: `conflict` for an archived one.
    """
    if group.status != "active":
        raise ChatError(ErrorCode.CONFLICT, "This group is archived.")


def require_same_tenant(group: Group, user_id: UserId) -> None:
    """Let people of the group's own tenant pass.

    Raises:
        ChatError: `forbidden`.
    """
    if tenant_of(user_id) != group.tenant:
        raise ChatError(ErrorCode.FORBIDDEN, "Only people of the group's own organisation can be members.")


def is_admin(roles: Iterable[str]) -> bool:
    """Tell whether these roles are an Admin's."""
    return holds(roles, ADMIN)


def holds(roles: Iterable[str], bound_to: str | None) -> bool:
    """Tell whether somebody with these roles gets what is bound to a role; an Admin may use every tool anyway."""
    mine = {role.casefold() for role in roles}
    return bound_to is None or bound_to.casefold() in mine or ADMIN.casefold() in mine


def _title(text: str) -> str:
    title = clean_title(text, most=len(text))
    if not title:
        raise ChatError(ErrorCode.BAD_REQUEST, "A group needs a title.")
    if len(title) > TITLE_MOST:
        raise ChatError(ErrorCode.BAD_REQUEST, f"A title has {TITLE_MOST} characters at most.")
    return title


def _hand_over(group: Group, owner: UserId) -> Group:
    if group.member(owner) is None:
        raise ChatError(ErrorCode.CONFLICT, "Only a member can become the group's owner.")
    return replace(group, owner=owner)


def _bound(group: Group, by: Caller, changes: Changes, known: Iterable[str]) -> Group:
    """Change role and audience: who does not hold the present role must not loosen what is bound to it."""
    role = group.role
    if changes.role is not None and changes.role.casefold() != (group.role or "").casefold():
        role = _role_to_set(changes.role, by, known) if changes.role else None
    audience = changes.audience or group.audience
    if (role, audience) != (group.role, group.audience) and not holds(by.roles, group.bound_to):
        raise ChatError(ErrorCode.FORBIDDEN, "Only who holds the group's role, or an Admin, may change who hears it.")
    return replace(group, role=role, audience=audience)


def _role_to_set(wish: str, by: Caller, known: Iterable[str]) -> str:
    role = known_role(wish, known)
    if role is None:
        raise ChatError(ErrorCode.BAD_REQUEST, "There is no such role.")
    if not holds(by.roles, role):
        raise ChatError(ErrorCode.FORBIDDEN, "Only who holds a role, or an Admin, may give it to a group.")
    return role
