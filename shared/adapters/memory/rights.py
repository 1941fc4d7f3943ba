"""Keep what is known of people's rights in memory, beside the grants that end with them."""

import asyncio

from shared.adapters.memory.users import MemoryUsers
from shared.domain.ids import PublicId, UserId
from shared.domain.rights import Rights, StoredRights
from shared.wire import rights_documents as wire
from shared.wire.user_documents import grant_id


class MemoryRights:
    """Meet RightsStore."""

    def __init__(self, users: MemoryUsers) -> None:
        self._users = users
        self._written = 0

    async def rights(self, user_id: UserId) -> StoredRights:
        """Read them."""
        await asyncio.sleep(0)
        found = (one for one in self._users.documents(user_id) if one["id"] == wire.RIGHTS_ID)
        return wire.rights_from(user_id, next(found, None))

    async def put_rights(self, rights: Rights, etag: str | None) -> bool:
        """Write them if they are still the ones that were read."""
        if (await self.rights(rights.user_id)).etag != etag:
            return False
        self._written += 1
        self._users.bind(wire.rights_document(rights) | {"_etag": str(self._written)})
        return True

    async def end_grants(self, user_id: UserId, *, but: PublicId | None) -> None:
        """Remove the person's grants."""
        await asyncio.sleep(0)
        for document in self._users.documents(user_id):
            if document["kind"] == "grant" and (but is None or document["id"] != grant_id(but)):
                self._users.drop(user_id, document["id"])
