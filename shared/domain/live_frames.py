"""Define the frames of a conversation with members: who is there, what they do, what is withheld from whom."""

from dataclasses import dataclass
from typing import Literal

from shared.domain.frame_parts import ActiveTurn, Address, PendingApproval, User


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupJoined(Address):
    """Answers `join_group`: this connection hears the group from now on."""

    type: Literal["group.joined"] = "group.joined"
    title: str
    role: str | None
    owner: str
    members: list[User]
    policy: Literal["mention", "always", "quiet"]
    history: Literal["all", "since_join"]
    audience: Literal["members", "role"]
    revision: int
    status: Literal["active", "archived"]
    last_seq: int
    read_seq: int
    active_turn: ActiveTurn | None
    waiting: list[str]
    approvals: list[PendingApproval]
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLeft(Address):
    """Answers `leave_group`: this connection hears no more of the group; the person stays its member."""

    type: Literal["group.left"] = "group.left"
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence(Address):
    """Who is there at present, as far as is known; never a promise."""

    type: Literal["presence"] = "presence"
    online: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Typing(Address):
    """Somebody writes, or has stopped; gone after 6 s."""

    type: Literal["typing"] = "typing"
    user: User
    typing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRead(Address):
    """Somebody has read everything up to a message."""

    type: Literal["message.read"] = "message.read"
    user: User
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseWithheld(Address):
    """In place of a turn's end, for those who must not read its answer."""

    type: Literal["response.withheld"] = "response.withheld"
    turn_id: str
    reason: Literal["role"]
    request_id: str | None = None


LiveFrame = GroupJoined | GroupLeft | Presence | Typing | MessageRead | ResponseWithheld
