"""Write summaries and feedback as Cosmos documents of container `conversations`, and read them back."""

import hashlib
from collections.abc import Mapping
from typing import Any

from shared.domain.ids import ConversationKey, MessageId, UserId
from shared.domain.notes import Feedback, Summary
from shared.wire.outbound import to_json
from shared.wire.reading import expect, read


def summary_document(key: ConversationKey, summary: Summary) -> dict[str, Any]:
    """Write a summary; its number is its id, so that none is made twice."""
    data: dict[str, Any] = to_json(summary)
    return data | {"id": f"s:{summary.n}", "conversation_id": key, "kind": "summary"}


def summary_from(document: Mapping[str, Any]) -> Summary:
    """Read a summary."""
    expect(document, kind="summary")
    return read(Summary, document, document_id=document.get("id"))


def feedback_id(message_id: MessageId, user_id: UserId) -> str:
    """Name what one person thinks of one answer; a user id may hold characters that an item id may not."""
    return f"f:{message_id}:{hashlib.sha256(user_id.encode()).hexdigest()[:16]}"


def feedback_document(key: ConversationKey, feedback: Feedback) -> dict[str, Any]:
    """Write feedback beside the answer that it is about."""
    data: dict[str, Any] = to_json(feedback)
    return data | {
        "id": feedback_id(feedback.message_id, feedback.user_id),
        "conversation_id": key,
        "kind": "feedback",
    }


def feedback_from(document: Mapping[str, Any]) -> Feedback:
    """Read feedback."""
    expect(document, kind="feedback")
    return read(Feedback, document, document_id=document.get("id"))
