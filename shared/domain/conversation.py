"""Hold a conversation's order: its head, its messages, and the rule by which a question is placed."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from shared.domain.charts import Chart
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.ids import ConversationKey, MessageId, PublicId, TurnId, UserId
from shared.domain.tables import Table
from shared.domain.tools import ToolFeedback

RECENT_KEPT = 16
QUEUE_RETRY_AFTER_S = 10.0
NO_SUCH_SESSION = "There is no such session."


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Where a message belongs: the stored key, and the id that clients know."""

    key: ConversationKey
    public_id: PublicId
    kind: Literal["session", "group"]
    owner: UserId
    bound_to: str | None = None
    """The role that one must hold to get what the coach says there; None if everyone who follows gets it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody as others see them."""

    id: UserId
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one turn as the model's provider counted them."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    rounds: int = 0
    cost: float | None = None

    def plus(self, other: "Usage") -> "Usage":
        """Add two counts; a cost that is unknown on one side stays unknown."""
        both = self.cost is not None and other.cost is not None
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            rounds=self.rounds + other.rounds,
            cost=round((self.cost or 0) + (other.cost or 0), 6) if both else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A stored message, which is also the REST item and the body of `new_message` (docs/protocol.md, rule 13)."""

    v: int = 1
    conversation_id: str
    seq: int
    message_id: str
    turn_id: str | None = None
    author: Literal["user", "assistant"]
    sender: Person | None = None
    content: str
    input_type: Literal["text", "audio"] = "text"
    created_at: datetime
    status: Literal["final", "cancelled", "failed"] = "final"
    question_id: str | None = None
    attempt: int | None = None
    model: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    tables: list[Table] = field(default_factory=list[Table])
    chart_data: Chart | None = None
    tool_feedback: list[ToolFeedback] = field(default_factory=list[ToolFeedback])
    spoken_summary: str | None = None
    prompt_version: str | None = None
    alternative_of: str | None = None
    bound_to: str | None = None
    """The role for which alone an answer in a group is meant."""
    withheld: Literal["role"] | None = None
    """Why the reader gets the answer without its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """A trace of an accepted message, for duplicates that carry no id."""

    sender: str
    text_hash: str
    at: datetime
    message_id: str
    turn_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The arbiter of a conversation's order; one small item, replaced with If-Match only."""

    conversation: Conversation
    next_seq: int = 1
    active_turn: TurnId | None = None
    waiting: tuple[TurnId, ...] = ()
    recent: tuple[Recent, ...] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """A head as read, with the ETag that a replacement must name."""

    head: Head
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What becomes of a question while another one is being answered."""

    policy: Literal["enqueue", "reject"] = "enqueue"
    waiting: int = 3
    """How many may wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Asks for another answer to a question that was answered last (docs/protocol.md, rule 17)."""

    question_id: str
    answer_id: str
    turn_id: str | None
    """The turn that gave that answer; it may still hold the slot for a moment."""
    next_seq: int
    """What the head must say, if nothing was asked since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A message that asks to be accepted."""

    conversation: Conversation
    message_id: MessageId
    id_from_client: bool
    sender: Person
    content: str
    text_hash: str
    input_type: Literal["text", "audio"]
    turn_id: TurnId
    calls_coach: bool = True
    """Whether it is answered; what people say to each other is stored in its place and has no turn."""
    again: Again | None = None
    """The answer that another one is wished for; then there is a turn and no new message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The head as it will be once the question is stored; the question starts at once or waits."""

    head: Head
    seq: int
    starts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """The question is the same as an earlier one."""

    message_id: MessageId
    turn_id: TurnId | None


_QUEUE = Queue()


def place(head: Head, question: Question, now: datetime, queue: Queue = _QUEUE) -> Placed | Repeated:
    """Find a question's place: at once, in the queue, or next to the earlier question that it repeats.

    Raises:
        ChatError: `rate_limited` when the queue is full, `conflict` when there is none, `bad_request` when another
            answer is wished for than the last one.
    """
    earlier = None if question.id_from_client else _same_text(head, question, now)
    if earlier is not None:
        turn_id = TurnId(earlier.turn_id) if earlier.turn_id else None
        return Repeated(message_id=MessageId(earlier.message_id), turn_id=turn_id)
    if not question.calls_coach:
        return Placed(head=_noted(head, question, now), seq=head.next_seq, starts=False)
    if question.again is not None:
        _require_last(head, question.again)
    if head.active_turn is not None and queue.policy == "reject":
        raise ChatError(ErrorCode.CONFLICT, "Another question of this conversation is being answered.")
    if head.active_turn is not None and len(head.waiting) >= queue.waiting:
        raise ChatError(
            ErrorCode.RATE_LIMITED,
            "Too many questions are waiting in this conversation.",
            retry_after_s=QUEUE_RETRY_AFTER_S,
        )
    starts = head.active_turn is None
    placed = replace(
        _noted(head, question, now),
        active_turn=question.turn_id if starts else head.active_turn,
        waiting=head.waiting if starts else (*head.waiting, question.turn_id),
    )
    return Placed(head=placed, seq=head.next_seq, starts=starts)


def _require_last(head: Head, again: Again) -> None:
    if head.waiting or head.active_turn not in (None, again.turn_id):
        raise ChatError(ErrorCode.BAD_REQUEST, "Only the last answer can be given anew.")
    if head.next_seq != again.next_seq:
        # An answer is being stored, or somebody wrote: what is the last one must be read again.
        raise ChatError(ErrorCode.RATE_LIMITED, "The conversation goes on just now.", retry_after_s=1.0)


def _noted(head: Head, question: Question, now: datetime) -> Head:
    """Give a message the next number, and keep its trace."""
    trace = Recent(
        sender=question.sender.id,
        text_hash=question.text_hash,
        at=now,
        message_id=question.message_id,
        turn_id=question.turn_id if question.calls_coach else None,
    )
    next_seq = head.next_seq if question.again else head.next_seq + 1
    return replace(head, next_seq=next_seq, recent=(*head.recent, trace)[-RECENT_KEPT:])


def _same_text(head: Head, question: Question, now: datetime) -> Recent | None:
    """Find an earlier message of the same sender and text: unanswered in a session, within 10 s in a group."""
    for trace in reversed(head.recent):
        if trace.sender != question.sender.id or trace.text_hash != question.text_hash:
            continue
        if head.conversation.kind == "group":
            return trace if now - trace.at <= timedelta(seconds=10) else None
        unanswered = trace.turn_id == head.active_turn or trace.turn_id in head.waiting
        return trace if unanswered else None
    return None


def without(head: Head, turn: TurnId) -> Head:
    """Take a waiting turn out of the queue; the place of its empty answer is the next one."""
    waiting = tuple(one for one in head.waiting if one != turn)
    return replace(head, next_seq=head.next_seq + 1, waiting=waiting)


def pass_on(head: Head) -> Head:
    """Free the slot and give it to the turn that waits longest, if any."""
    waiting = head.waiting
    return replace(head, active_turn=waiting[0] if waiting else None, waiting=waiting[1:])
