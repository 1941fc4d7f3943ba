"""Build what the persist step binds: the sealed answer, its tool records and its usage, the same at every repeat."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from shared.domain.conversation import Message
from shared.domain.tools import Approval, CallState, ToolCall, ToolFeedback, feedback
from shared.domain.turns import Turn
from shared.wire.documents import answer_document, call_document
from shared.wire.outbound import timestamp, to_json


def conversation_documents(turn: Turn, calls: Iterable[ToolCall]) -> list[dict[str, Any]]:
    """Give the documents for container `conversations`: the answer first, then the ledger by round and index.

    Raises:
        ValueError: the turn is not sealed.
    """
    answer = _sealed(turn)
    told = {entry.call_id: entry for entry in answer.tool_feedback}
    ordered = sorted(calls, key=lambda call: (call.round, call.index))
    settled = (_as_sealed(call, told.get(call.call_id)) for call in ordered)
    key = turn.conversation.key
    return [
        answer_document(turn.conversation, answer),
        *(call_document(key, turn.turn_id, call) for call in settled),
    ]


def usage_document(turn: Turn) -> dict[str, Any]:
    """Give the document for container `users`: what the turn cost its asker.

    Raises:
        ValueError: the turn is not sealed.
    """
    answer = _sealed(turn)
    document: dict[str, Any] = {
        "id": f"use:{turn.turn_id}",
        "user_id": turn.asker.id,
        "kind": "usage",
        "turn_id": turn.turn_id,
        "conversation_id": turn.conversation.key,
        "created_at": timestamp(answer.created_at),
        "status": answer.status,
    }
    if answer.model is not None:
        document["model"] = answer.model
    usage: dict[str, Any] = to_json(answer.usage or turn.usage())
    return document | usage


def _sealed(turn: Turn) -> Message:
    if turn.sealed is None:
        raise ValueError("only a sealed turn is persisted")
    return turn.sealed


def _as_sealed(call: ToolCall, told: ToolFeedback | None) -> ToolCall:
    """Give the call as the sealed answer tells of it.

    A late execution may still move a call that was open when the turn was sealed. Repeats must write the same
    bytes all the same, so what the sealed answer does not vouch for is left out.
    """
    now = feedback(call)
    if call.state.ended and told in (None, now):
        return call
    last = told or replace(now, outcome=CallState.UNKNOWN.value, duration_ms=0, summary="", as_of=None, links=None)
    asked = call.approval is not Approval.NOT_NEEDED
    return replace(
        call,
        state=CallState(last.outcome),
        approval=Approval.CANCELLED if asked else Approval.NOT_NEEDED,
        started_at=None,
        duration_ms=last.duration_ms,
        summary=last.summary,
        result="",
        as_of=last.as_of,
        links=tuple(last.links or ()),
    )
