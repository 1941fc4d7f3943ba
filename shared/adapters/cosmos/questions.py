"""Keep the common questions in Cosmos DB, and find the turns that nobody has learned from."""

from shared.adapters.cosmos.items import Items
from shared.domain.common_questions import CommonQuestion
from shared.domain.turns import TurnRef
from shared.wire import question_documents as wire
from shared.wire.documents import ref_from, turn_item_id

_UNSEEN = "c.unseen = true"
_SELECT_UNSEEN = (
    'SELECT TOP @limit c.conversation_id, c.turn_id, c.epoch FROM c WHERE c.unseen = true AND c.status = "done"'
)


class CosmosQuestions:
    """Meet QuestionBook over containers `registry` and `conversations`."""

    def __init__(self, registry: Items, conversations: Items) -> None:
        self._registry = registry
        self._conversations = conversations

    async def groups(self) -> list[CommonQuestion]:
        """List what was learned."""
        text = "SELECT * FROM c WHERE c.kind = @kind"
        found = await self._registry.query(wire.QUESTION_KIND, text, {"kind": wire.QUESTION_KIND})
        return [wire.question_from(document) for document in found]

    async def keep(self, group: CommonQuestion) -> None:
        """Write a group as it is now."""
        await self._registry.upsert(wire.question_document(group))

    async def unseen(self, limit: int) -> list[TurnRef]:
        """Find answered turns that nobody has looked at; across partitions, ids only."""
        found = await self._conversations.query_everywhere(_SELECT_UNSEEN, {"limit": limit})
        return [ref_from(document) for document in found]

    async def seen(self, ref: TurnRef) -> None:
        """Mark a turn as looked at; a repeat changes nothing."""
        changes = [{"op": "remove", "path": "/unseen"}]
        await self._conversations.patch(ref.key, turn_item_id(ref.turn_id), changes, _UNSEEN)
