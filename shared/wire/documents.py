"""Write the items of container `conversations` as Cosmos documents, and read them back.

Every document has `id`, `kind` and the partition key `conversation_id`, which is the *stored* key of the
conversation; the id that clients know stands in `session_id` or `group_id` (docs/protocol.md, rules 4 and 13).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from shared.domain.conversation import Conversation, Head, Message
from shared.domain.ids import ConversationKey, MessageId, TurnId
from shared.domain.tools import ToolCall
from shared.domain.turns import RoundRecord, Turn, TurnRef, TurnStatus
from shared.wire.outbound import message_data, timestamp, to_json
from shared.wire.reading import MalformedDocument, expect, read

HEAD_ID = "head"
LEDGER_TTL_S = 30 * 24 * 3600
"""Tool ledger items vanish after 30 days (architecture.md, data in Cosmos DB)."""
LEASED = (TurnStatus.RUNNING, TurnStatus.AWAITING_APPROVAL)
"""Only turns that an execution works on have a lease; others must not be found by the search for stalled ones."""
CALL_OUTCOME_FIELDS = (
    "state", "approval", "expires_at", "started_at", "duration_ms", "summary", "result", "as_of", "links",
)  # fmt: skip
"""What changes of a ledger item after its intent was stored; fewer than the ten operations of one Cosmos patch."""

_END_OF = {"final": TurnStatus.DONE, "cancelled": TurnStatus.CANCELLED, "failed": TurnStatus.FAILED}


def question_id(message_id: MessageId) -> str:
    """Name a question's document."""
    return f"u:{message_id}"


def answer_id(turn_id: TurnId) -> str:
    """Name an answer's document."""
    return f"a:{turn_id}"


def turn_item_id(turn_id: TurnId) -> str:
    """Name a turn's document."""
    return f"t:{turn_id}"


def call_item_id(turn_id: TurnId, call: ToolCall) -> str:
    """Name a ledger document."""
    return f"x:{turn_id}:{call.round}:{call.index}"


def epoch_seconds(moment: datetime) -> float:
    """Write a lease's end as a number, which Cosmos compares by range; milliseconds are kept."""
    return round(moment.timestamp(), 3)


def ends_as(answer: Message) -> TurnStatus:
    """Tell how a turn ended from its sealed answer."""
    return _END_OF[answer.status]


def same_answer(one: Message, other: Message) -> bool:
    """Tell whether two answers say the same; place and time come from whoever seals first."""
    return replace(one, seq=0, created_at=other.created_at) == replace(other, seq=0)


# --- head ------------------------------------------------------------------------------------------------------


def head_document(head: Head) -> dict[str, Any]:
    """Write a conversation's head."""
    data: dict[str, Any] = to_json(head)
    del data["conversation"]
    return _address(head.conversation) | {"id": HEAD_ID, "kind": "head", "owner": head.conversation.owner} | data


def head_from(document: Mapping[str, Any]) -> Head:
    """Read a conversation's head."""
    expect(document, id=HEAD_ID, kind="head")
    data = {**document, "conversation": _conversation(document)}
    return read(Head, data, document_id=document["id"])


# --- messages --------------------------------------------------------------------------------------------------


def question_document(conversation: Conversation, question: Message) -> dict[str, Any]:
    """Write a question as it is stored."""
    return _message(conversation, question_id(MessageId(question.message_id)), question)


def answer_document(conversation: Conversation, answer: Message) -> dict[str, Any]:
    """Write an answer as it is stored."""
    return _message(conversation, answer_id(TurnId(str(answer.turn_id))), answer)


def _message(conversation: Conversation, document_id: str, message: Message) -> dict[str, Any]:
    return message_data(message) | _address(conversation) | {"id": document_id, "kind": "message"}


def message_from(document: Mapping[str, Any]) -> Message:
    """Read a stored message as clients know it: `conversation_id` is the session or group id."""
    expect(document, kind="message")
    data = {**document, "conversation_id": _conversation(document)["public_id"]}
    return read(Message, data, document_id=document.get("id"))


# --- turns -----------------------------------------------------------------------------------------------------


def turn_document(turn: Turn) -> dict[str, Any]:
    """Write a turn; the lease only while an execution works on it."""
    data: dict[str, Any] = to_json(turn)
    del data["conversation"], data["lease_until"]
    data["grant_session_id"] = data.pop("session_id")
    data |= _address(turn.conversation)
    data |= {"id": turn_item_id(turn.turn_id), "kind": "turn", "owner": turn.conversation.owner, "round_attempt": 0}
    # Sparse, and removed when the common questions have learned from the turn.
    data["unseen"] = True
    if turn.status in LEASED:
        data["lease_until"] = epoch_seconds(turn.lease_until)
    if turn.sealed is not None:
        data["sealed"] = message_data(turn.sealed)
    if turn.conversation.bound_to is not None:
        data["bound_to"] = turn.conversation.bound_to
    return data


def placed_turn(turn: Turn, head: Head) -> Turn:
    """Give a new turn as its place in the head wants it: running if it is the active one, else waiting."""
    starts = head.active_turn == turn.turn_id
    return replace(turn, status=TurnStatus.RUNNING if starts else TurnStatus.WAITING, epoch=1 if starts else 0)


def accepted_documents(head: Head, question: Message | None, turn: Turn | None) -> list[dict[str, Any]]:
    """Write what an acceptance creates beside the head: the message if it is a new one, the turn if there is one."""
    asked = [] if question is None else [question_document(head.conversation, question)]
    return asked if turn is None else [*asked, turn_document(placed_turn(turn, head))]


def is_same_acceptance(stored: Mapping[str, Any] | None, document: Mapping[str, Any]) -> bool:
    """Tell whether what is stored was created by this very acceptance; what changes of a turn does not count."""
    lasting = ("created_at", "seq", "sender", "asker", "content", "alternative_of")
    return stored is not None and all(stored.get(name) == document.get(name) for name in lasting)


def turn_from(document: Mapping[str, Any]) -> Turn:
    """Read a turn; one without a lease has one that ended when the turn was made."""
    expect(document, kind="turn")
    data = {
        **document,
        "conversation": _conversation(document),
        "session_id": document.get("grant_session_id"),
        "lease_until": _lease(document),
    }
    return read(Turn, data, document_id=document.get("id"))


def is_as_seen(turn: Turn, seen: Turn | None) -> bool:
    """Tell whether nobody wrote the turn since: each write adds a round, raises the attempt or renews the lease."""
    writes = [(one.attempt, len(one.rounds), one.lease_until) for one in (turn, seen) if one is not None]
    return len(set(writes)) == 1


def ref_from(document: Mapping[str, Any]) -> TurnRef:
    """Read the name of a turn's execution from a projection of its document."""
    data = {**document, "key": document.get("conversation_id")}
    return read(TurnRef, data, document_id=document.get("turn_id"))


def round_data(record: RoundRecord) -> dict[str, Any]:
    """Write a finished round as it is appended to the turn's `rounds`."""
    return to_json(record)


def sealed_data(answer: Message) -> dict[str, Any]:
    """Write an answer as it is frozen inside its turn."""
    return message_data(answer)


def _lease(document: Mapping[str, Any]) -> Any:
    lease = document.get("lease_until")
    if lease is None:
        return document.get("created_at")
    if isinstance(lease, bool) or not isinstance(lease, int | float):
        raise MalformedDocument(document.get("id"), "lease_until: is not a number of seconds")
    return timestamp(datetime.fromtimestamp(lease, UTC))


# --- ledger ----------------------------------------------------------------------------------------------------


def call_document(key: ConversationKey, turn_id: TurnId, call: ToolCall) -> dict[str, Any]:
    """Write a tool call's ledger item."""
    data: dict[str, Any] = to_json(call)
    return data | {
        "id": call_item_id(turn_id, call),
        "conversation_id": key,
        "kind": "tool_call",
        "turn_id": turn_id,
        "ttl": LEDGER_TTL_S,
    }


def call_from(document: Mapping[str, Any]) -> ToolCall:
    """Read a tool call's ledger item."""
    expect(document, kind="tool_call")
    return read(ToolCall, document, document_id=document.get("id"))


def call_outcome_data(call: ToolCall) -> dict[str, Any]:
    """Write what may change of a ledger item; null where there is no value."""
    return {name: to_json(getattr(call, name)) for name in CALL_OUTCOME_FIELDS}


# --- address ---------------------------------------------------------------------------------------------------


def _address(conversation: Conversation) -> dict[str, Any]:
    public = "session_id" if conversation.kind == "session" else "group_id"
    return {"conversation_id": conversation.key, public: conversation.public_id}


def _conversation(document: Mapping[str, Any]) -> dict[str, Any]:
    kind = "group" if "group_id" in document else "session"
    return {
        "key": document.get("conversation_id"),
        "public_id": document.get(f"{kind}_id"),
        "kind": kind,
        "owner": document.get("owner"),
        "bound_to": document.get("bound_to"),
    }
