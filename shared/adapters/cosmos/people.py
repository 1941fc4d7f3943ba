"""Keep people's profiles in Cosmos DB."""

from typing import Any

from shared.adapters.cosmos.items import Items
from shared.domain.ids import UserId
from shared.domain.people import PeoplePage, Profile
from shared.wire import group_documents as wire
from shared.wire.cursors import make_cursor, read_cursor


class CosmosPeople:
    """Meet PeopleStore over container `users`, one partition a tenant; `cursor_key` signs the lists' cursors."""

    def __init__(self, container: Items, cursor_key: bytes) -> None:
        self._items = container
        self._cursor_key = cursor_key

    async def remember(self, profile: Profile) -> None:
        """Keep how a person is called now."""
        await self._items.upsert(wire.profile_document(profile))

    async def person(self, user_id: UserId) -> Profile | None:
        """Read a person's profile."""
        document = await self._items.read(wire.people_partition(user_id), wire.profile_id(user_id))
        return None if document is None else wire.profile_from(document)

    async def find(self, reader: UserId, sought: str, *, cursor: str | None, limit: int) -> PeoplePage:
        """List people of the reader's tenant, by name."""
        text = 'SELECT TOP @limit * FROM c WHERE c.kind = "profile" AND CONTAINS(c.sought, @sought)'
        bounds: dict[str, Any] = {"limit": limit + 1, "sought": sought}
        if cursor is not None:
            text += " AND c.place > @after"
            bounds["after"] = read_cursor(self._cursor_key, reader, cursor)
        text += " ORDER BY c.place ASC"
        found = await self._items.query(wire.people_partition(reader), text, bounds)
        page = found[:limit]
        more = make_cursor(self._cursor_key, reader, page[-1]["place"]) if len(found) > limit else None
        return PeoplePage(items=[wire.profile_from(document) for document in page], next_cursor=more)

    async def forget(self, user_id: UserId) -> None:
        """Remove a person's profile."""
        await self._items.delete(wire.people_partition(user_id), wire.profile_id(user_id))
