"""NEED: what the common questions need of a store, as a Protocol; met by an adapter and by a fake alike."""

from typing import Protocol

from shared.domain.common_questions import CommonQuestion
from shared.domain.turns import TurnRef


class QuestionBook(Protocol):
    """Keeps what many people ask. Every method raises StoreUnavailable when the store does not answer."""

    async def groups(self) -> list[CommonQuestion]:
        """List what was learned."""
        ...

    async def keep(self, group: CommonQuestion) -> None:
        """Write a group as it is now."""
        ...

    async def unseen(self, limit: int) -> list[TurnRef]:
        """Find answered turns that nobody has looked at; one of the two queries that cross partitions, ids only."""
        ...

    async def seen(self, ref: TurnRef) -> None:
        """Mark a turn as looked at; a repeat changes nothing."""
        ...
