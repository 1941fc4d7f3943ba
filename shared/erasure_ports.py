"""NEED: how what is stored of a conversation or of a person is taken away, and what a person may take along."""

from typing import Protocol

from shared.domain.ids import ConversationKey, TurnId, UserId
from shared.domain.notes import Feedback


class Eraser(Protocol):
    """Takes away what is stored; every method raises StoreUnavailable when the store does not answer."""

    async def at_work(self, key: ConversationKey) -> list[TurnId]:
        """List the turns of a conversation that have not ended, those that wait first."""
        ...

    async def conversation(self, key: ConversationKey, head_etag: str) -> bool:
        """Delete everything of a conversation, its head last; False if the head is not the one that was read.

        A try that was cut short leaves the head, so that a repeat finds what is left. A group's own item stays: once
        deleted, it tells for a while that the group has ended, and whose repeat it is.
        """
        ...

    async def feedback(self, key: ConversationKey, user_id: UserId) -> list[Feedback]:
        """Read what a person thinks of the answers of a conversation."""
        ...

    async def forget_feedback(self, key: ConversationKey, user_id: UserId) -> None:
        """Delete a person's feedback in a conversation that goes on without them."""
        ...

    async def person(self, user_id: UserId) -> None:
        """Delete what is stored of a person alone, but the count of tokens, which vanishes by itself."""
        ...
