"""Hold what is stored of a turn: who asked, what was said so far, and its sealed end."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from shared.domain.conversation import Conversation, Message, Person, Usage
from shared.domain.identity import RoleChoice
from shared.domain.ids import ConversationKey, MessageId, PublicId, TurnId
from shared.domain.sight import Sight

ROUND_JOIN = "\n\n"
"""Joins the texts of a turn's model rounds (docs/protocol.md, rule 6)."""
LEASE_S = 30.0
"""A turn whose lease ran out is restarted by upkeep (architecture.md, decision 3)."""


class TurnStatus(StrEnum):
    """Where a turn stands."""

    WAITING = "waiting"
    RUNNING = "running"
    AWAITING_APPROVAL = "awaiting_approval"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether the turn has reached its end."""
        return self in (TurnStatus.DONE, TurnStatus.CANCELLED, TurnStatus.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRef:
    """Names one execution of a turn; all that the durable history holds of it."""

    key: ConversationKey
    turn_id: TurnId
    epoch: int

    @property
    def instance_id(self) -> str:
        """Orchestration instance of this execution; never started twice."""
        return f"{self.turn_id}.{self.epoch}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRecord:
    """One finished model round."""

    text: str
    calls: tuple[str, ...]
    finish_reason: str
    model: str
    usage: Usage
    prompt_version: str | None = None
    thoughts: str | None = None
    """Opaque: what the provider wants back with the results of this round's calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The turn item `t:<turn_id>`; changed only by patches on the condition of epoch and attempt."""

    conversation: Conversation
    turn_id: TurnId
    question_id: MessageId
    asker: Person
    session_id: PublicId
    """Session whose sealed token and personal data serve this turn."""
    role: RoleChoice
    input_type: Literal["text", "audio"]
    created_at: datetime
    lease_until: datetime
    status: TurnStatus = TurnStatus.WAITING
    epoch: int = 0
    attempt: int = 0
    cancel_requested: bool = False
    rounds: tuple[RoundRecord, ...] = ()
    checkpoint: str = ""
    """Text of the running attempt as last written; never more than 1 s or 4 KB behind what was sent."""
    sealed: Message | None = None
    error: str | None = None
    timezone: str | None = None
    locale: str | None = None
    spoken: bool = False
    """Whether a spoken summary was asked for."""
    asker_sight: Sight | None = None
    """What the asker could read when they asked; None for all of it."""
    listeners: int | None = None
    """How many people follow, if it is more than the asker."""
    alternative_of: str | None = None
    """The answer that this turn's answer takes the place of (docs/protocol.md, rule 17)."""

    def ref(self) -> TurnRef:
        """Name the current execution."""
        return TurnRef(key=self.conversation.key, turn_id=self.turn_id, epoch=self.epoch)

    def sight(self) -> Sight:
        """Give what of the conversation the asker could read."""
        return self.asker_sight or Sight()

    def finished_text(self) -> str:
        """Join what the finished rounds said."""
        return ROUND_JOIN.join(record.text for record in self.rounds if record.text)

    def said(self) -> str:
        """Give what was shown of the answer: the running attempt's checkpoint, or what finished rounds said."""
        finished = self.finished_text()
        return finished if len(self.checkpoint) < len(finished) else self.checkpoint

    def usage(self) -> Usage:
        """Sum what all finished rounds used."""
        total = Usage(cost=0.0)
        for record in self.rounds:
            total = total.plus(record.usage)
        return total
