"""Keep groups in Cosmos DB."""

from shared.adapters.cosmos.items import Items
from shared.domain.group import Group, StoredGroup
from shared.domain.ids import ConversationKey
from shared.wire import group_documents as wire


class CosmosGroups:
    """Meet GroupStore over container `conversations`: a group stands beside its messages."""

    def __init__(self, container: Items) -> None:
        self._items = container

    async def group(self, key: ConversationKey) -> StoredGroup | None:
        """Read a group."""
        document = await self._items.read(key, wire.GROUP_ID)
        return None if document is None else StoredGroup(wire.group_from(document), document["_etag"])

    async def put_group(self, group: Group, etag: str | None) -> bool:
        """Write a group if it is still the one that was read."""
        return await self._items.put(group.key, wire.group_document(group), etag)
