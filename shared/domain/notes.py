"""Hold what is kept beside a conversation's messages: summaries of its older part, and what people think of answers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.domain.conversation import Message
from shared.domain.ids import MessageId, TurnId, UserId

TITLE_WITHIN_SEQ = 6
"""A conversation that got no title from its first answers keeps its first question."""
SUMMARY_EVERY = 20
"""So many messages go into a summary at a time."""
VERBATIM = 20
"""So many of the last messages are never summarised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What was said up to a message, `n` summaries deep: each one is made of the one before and what followed it."""

    n: int
    seq: int
    """The last message that it speaks of."""
    text: str
    model: str
    turn_id: TurnId
    """After this turn it was made."""
    created_at: datetime
    bound_to: tuple[str, ...] = ()
    """The roles for which alone some of what it speaks of was meant; who lacks one of them never gets it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What a person thinks of an answer; the newest word counts."""

    message_id: MessageId
    turn_id: TurnId
    user_id: UserId
    rating: Literal["up", "down"]
    created_at: datetime
    comment: str | None = None
    model: str | None = None
    prompt_version: str | None = None


def to_summarise(answer_seq: int) -> int | None:
    """Give the message up to which the older part is summarised after this answer; None when nothing is due.

    An answer's number may skip: due is whatever passed a multiple since the exchange before.
    """
    seq = answer_seq - VERBATIM
    passed = seq // SUMMARY_EVERY > max(seq - 2, 0) // SUMMARY_EVERY
    return seq // SUMMARY_EVERY * SUMMARY_EVERY if seq > 0 and passed else None


def is_due(answer: Message) -> bool:
    """Tell whether a conversation wants a title or a summary after this answer."""
    return answer.status == "final" and (answer.seq <= TITLE_WITHIN_SEQ or to_summarise(answer.seq) is not None)
