"""Take conversations and people out of the stores in memory."""

import asyncio

from shared.adapters.memory.conversations import MemoryConversations
from shared.adapters.memory.users import MemoryUsers
from shared.domain.ids import ConversationKey, TurnId, UserId
from shared.domain.notes import Feedback
from shared.wire.documents import HEAD_ID, LEASED, turn_from
from shared.wire.group_documents import GROUP_ID
from shared.wire.note_documents import feedback_from
from shared.wire.watch_documents import STAYING


class MemoryEraser:
    """Meet Eraser."""

    def __init__(self, conversations: MemoryConversations, users: MemoryUsers) -> None:
        self._conversations = conversations
        self._users = users

    async def at_work(self, key: ConversationKey) -> list[TurnId]:
        """List the turns of a conversation that have not ended, those that wait first."""
        await asyncio.sleep(0)
        turns = [turn_from(one) for one in self._conversations.documents(key) if one["kind"] == "turn"]
        found = [turn for turn in turns if not turn.status.ended]
        return [turn.turn_id for turn in sorted(found, key=lambda turn: turn.status in LEASED)]

    async def conversation(self, key: ConversationKey, head_etag: str) -> bool:
        """Delete everything of a conversation, its head last."""
        for document in self._conversations.documents(key):
            if document["id"] not in (HEAD_ID, GROUP_ID):
                await asyncio.sleep(0)
                self._conversations.drop(key, document["id"])
        stored = await self._conversations.head(key)
        if stored is not None and stored.etag != head_etag:
            return False
        self._conversations.drop(key, HEAD_ID)
        return True

    async def feedback(self, key: ConversationKey, user_id: UserId) -> list[Feedback]:
        """Read what a person thinks of the answers of a conversation."""
        await asyncio.sleep(0)
        stored = (one for one in self._conversations.documents(key) if one["kind"] == "feedback")
        return [feedback_from(one) for one in stored if one["user_id"] == user_id]

    async def forget_feedback(self, key: ConversationKey, user_id: UserId) -> None:
        """Delete a person's feedback."""
        await asyncio.sleep(0)
        for one in self._conversations.documents(key):
            if one["kind"] == "feedback" and one["user_id"] == user_id:
                self._conversations.drop(key, one["id"])

    async def person(self, user_id: UserId) -> None:
        """Delete what is stored of a person alone."""
        await asyncio.sleep(0)
        for document in self._users.documents(user_id):
            if document["kind"] not in STAYING:
                self._users.drop(user_id, document["id"])
