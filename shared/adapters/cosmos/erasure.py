"""Take conversations and people out of Cosmos DB."""

import asyncio
from collections.abc import Iterable

from shared.adapters.cosmos.items import Items
from shared.domain.ids import ConversationKey, TurnId, UserId
from shared.domain.notes import Feedback
from shared.wire.documents import HEAD_ID, LEASED
from shared.wire.group_documents import GROUP_ID
from shared.wire.note_documents import feedback_from
from shared.wire.watch_documents import STAYING

AT_ONCE = 16
_AT_WORK = (
    'SELECT c.turn_id, c.status FROM c WHERE c.kind = "turn"'
    ' AND (c.status = "waiting" OR c.status = "running" OR c.status = "awaiting_approval")'
)
_OF_PERSON = 'SELECT * FROM c WHERE c.kind = "feedback" AND c.user_id = @user'


class CosmosEraser:
    """Meet Eraser over containers `conversations` and `users`."""

    def __init__(self, conversations: Items, users: Items) -> None:
        self._conversations = conversations
        self._users = users

    async def at_work(self, key: ConversationKey) -> list[TurnId]:
        """List the turns of a conversation that have not ended, those that wait first."""
        found = await self._conversations.query(key, _AT_WORK, {})
        return [TurnId(one["turn_id"]) for one in sorted(found, key=lambda one: one["status"] in LEASED)]

    async def conversation(self, key: ConversationKey, head_etag: str) -> bool:
        """Delete everything of a conversation, its head last."""
        kept = {"head": HEAD_ID, "group": GROUP_ID}
        found = await self._conversations.query(key, "SELECT c.id FROM c WHERE c.id NOT IN (@head, @group)", kept)
        await _delete(self._conversations, key, (document["id"] for document in found))
        return await self._conversations.delete_if(key, HEAD_ID, head_etag)

    async def feedback(self, key: ConversationKey, user_id: UserId) -> list[Feedback]:
        """Read what a person thinks of the answers of a conversation."""
        found = await self._conversations.query(key, _OF_PERSON, {"user": user_id})
        return [feedback_from(document) for document in found]

    async def forget_feedback(self, key: ConversationKey, user_id: UserId) -> None:
        """Delete a person's feedback."""
        found = await self._conversations.query(key, _OF_PERSON, {"user": user_id})
        await _delete(self._conversations, key, (document["id"] for document in found))

    async def person(self, user_id: UserId) -> None:
        """Delete what is stored of a person alone."""
        found = await self._users.query(user_id, "SELECT c.id, c.kind FROM c", {})
        await _delete(self._users, user_id, (one["id"] for one in found if one["kind"] not in STAYING))


async def _delete(items: Items, key: str, ids: Iterable[str]) -> None:
    """Delete one by one, some at once: a batch would fail as a whole where another was faster."""
    some = asyncio.Semaphore(AT_ONCE)

    async def delete(item_id: str) -> None:
        async with some:
            await items.delete(key, item_id)

    await asyncio.gather(*map(delete, ids))
