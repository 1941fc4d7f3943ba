"""NEED: what groups need of a store, as a Protocol; met by an adapter and by a fake alike."""

from typing import Protocol

from shared.domain.group import Group, StoredGroup
from shared.domain.ids import ConversationKey


class GroupStore(Protocol):
    """Keeps groups, one small item each. Raises StoreUnavailable when the store does not answer."""

    async def group(self, key: ConversationKey) -> StoredGroup | None:
        """Read a group; a deleted one is there for a while."""
        ...

    async def put_group(self, group: Group, etag: str | None) -> bool:
        """Write a group if it is still the one that was read; `etag` None means a new one. False if not."""
        ...
