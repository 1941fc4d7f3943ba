"""Define the frames that tell people of a group's members, and of groups that they were let into or lost."""

from dataclasses import dataclass
from typing import Literal

from shared.domain.frame_parts import Address, User


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberJoined(Address):
    """Somebody became a member; to the connections that joined the group."""

    type: Literal["member.joined"] = "member.joined"
    user: User


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLeft(Address):
    """Somebody is no member any more; to the connections that joined the group."""

    type: Literal["member.left"] = "member.left"
    user: User


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAdded(Address):
    """The person is a member of a group that is active; to all their connections."""

    type: Literal["group.added"] = "group.added"
    title: str
    role: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRemoved(Address):
    """A group is lost or ended for the person; to all their connections."""

    type: Literal["group.removed"] = "group.removed"
    reason: Literal["removed", "left", "archived", "deleted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChanged(Address):
    """A group has another title, other rules or another owner; to all connections of its members.

    It holds all of them: the higher `revision` is the newer state, whichever frame comes first.
    """

    type: Literal["group.changed"] = "group.changed"
    title: str
    role: str | None
    owner: str
    policy: Literal["mention", "always", "quiet"]
    history: Literal["all", "since_join"]
    audience: Literal["members", "role"]
    revision: int


MemberFrame = MemberJoined | MemberLeft | GroupAdded | GroupChanged | GroupRemoved
