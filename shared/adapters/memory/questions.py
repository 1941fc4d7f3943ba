"""Keep the common questions in memory, beside the conversations in memory."""

import asyncio
from typing import Any

from shared.adapters.memory.conversations import MemoryConversations
from shared.domain.common_questions import CommonQuestion
from shared.domain.turns import TurnRef
from shared.wire import question_documents as wire
from shared.wire.documents import ref_from, turn_item_id


class MemoryQuestions:
    """Meet QuestionBook."""

    def __init__(self, conversations: MemoryConversations) -> None:
        self._conversations = conversations
        self._documents: dict[str, dict[str, Any]] = {}

    async def groups(self) -> list[CommonQuestion]:
        """List what was learned."""
        await asyncio.sleep(0)
        return [wire.question_from(document) for document in self._documents.values()]

    async def keep(self, group: CommonQuestion) -> None:
        """Write a group as it is now."""
        await asyncio.sleep(0)
        document = wire.question_document(group)
        self._documents[document["id"]] = document

    async def unseen(self, limit: int) -> list[TurnRef]:
        """Find answered turns that nobody has looked at."""
        await asyncio.sleep(0)
        turns = self._conversations.everything()
        found = [one for one in turns if one.get("unseen") is True and one.get("status") == "done"]
        return [ref_from(document) for document in found[:limit]]

    async def seen(self, ref: TurnRef) -> None:
        """Mark a turn as looked at."""
        await asyncio.sleep(0)
        item_id = turn_item_id(ref.turn_id)
        for document in self._conversations.everything():
            if (document["conversation_id"], document["id"]) == (ref.key, item_id):
                document.pop("unseen", None)
