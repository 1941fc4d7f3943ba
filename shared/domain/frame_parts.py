"""Define the parts of which frames are made."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.conversation import Conversation


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What every frame of a conversation carries."""

    conversation_id: str
    session_id: str | None = None
    group_id: str | None = None


def address(conversation: Conversation) -> dict[str, Any]:
    """Give the address fields of a conversation's frames."""
    field_name = "session_id" if conversation.kind == "session" else "group_id"
    return {"conversation_id": conversation.public_id, field_name: conversation.public_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """The person as the session shows them."""

    id: str
    name: str
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedTool:
    """A tool that the session's role may use."""

    server: str
    name: str
    title: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveTurn:
    """The turn that runs in a conversation."""

    turn_id: str
    question_id: str
    attempt: int
    status: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingApproval:
    """A call that waits for its asker's word."""

    turn_id: str
    call_id: str
    server: str
    name: str
    arguments: dict[str, Any]
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBody:
    """What went wrong, in the closed list of codes."""

    code: str
    message: str
    retryable: bool
