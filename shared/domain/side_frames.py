"""Define the frames that speak of a conversation rather than of a turn."""

from dataclasses import dataclass
from typing import Literal

from shared.domain.frame_parts import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTitle(Address):
    """A session has a new title, made of its first exchange or given by its person."""

    type: Literal["session.title"] = "session.title"
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDeleted(Address):
    """A session is gone with all that was said in it; to all connections of its person."""

    type: Literal["session.deleted"] = "session.deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackSaved(Address):
    """What a person thinks of an answer is stored."""

    type: Literal["feedback.saved"] = "feedback.saved"
    message_id: str
    rating: Literal["up", "down"]
    request_id: str | None = None


SideFrame = SessionTitle | SessionDeleted | FeedbackSaved
