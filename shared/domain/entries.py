"""Hold a person's list of conversations."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.domain.ids import ConversationKey, PublicId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationEntry:
    """One conversation in a person's list; written when it begins, is joined, renamed or read."""

    user_id: UserId
    key: ConversationKey
    public_id: PublicId
    kind: Literal["session", "group"]
    title: str
    renamed: bool
    created_at: datetime
    read_seq: int = 0
    """The last message that the person has read; what came after it is unread."""
    titled: bool = False
    """Whether the title is more than the beginning of the first question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a list, and the cursor of the next part if there is one."""

    items: list[ConversationEntry]
    next_cursor: str | None
