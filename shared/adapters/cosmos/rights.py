"""Keep what is known of people's rights in Cosmos DB."""

from shared.adapters.cosmos.items import Items
from shared.domain.ids import PublicId, UserId
from shared.domain.rights import Rights, StoredRights
from shared.wire import rights_documents as wire
from shared.wire.user_documents import grant_id


class CosmosRights:
    """Meet RightsStore over container `users`, partition key `/user_id`."""

    def __init__(self, container: Items) -> None:
        self._items = container

    async def rights(self, user_id: UserId) -> StoredRights:
        """Read them."""
        return wire.rights_from(user_id, await self._items.read(user_id, wire.RIGHTS_ID))

    async def put_rights(self, rights: Rights, etag: str | None) -> bool:
        """Write them if they are still the ones that were read."""
        return await self._items.put(rights.user_id, wire.rights_document(rights), etag)

    async def end_grants(self, user_id: UserId, *, but: PublicId | None) -> None:
        """Remove the person's grants, with the tokens sealed in them."""
        found = await self._items.query(user_id, 'SELECT c.id FROM c WHERE c.kind = "grant"', {})
        kept = None if but is None else grant_id(but)
        for document in found:
            if document["id"] != kept:
                await self._items.delete(user_id, document["id"])
