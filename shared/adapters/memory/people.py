"""Keep people's profiles in memory, as the very documents of the Cosmos adapter."""

import asyncio
import json
from typing import Any

from shared.domain.ids import UserId
from shared.domain.people import PeoplePage, Profile
from shared.wire import group_documents as wire
from shared.wire.cursors import make_cursor, read_cursor


class MemoryPeople:
    """Meet PeopleStore."""

    def __init__(self, cursor_key: bytes = b"memory") -> None:
        self._cursor_key = cursor_key
        self._documents: dict[UserId, dict[str, Any]] = {}

    async def remember(self, profile: Profile) -> None:
        """Keep how a person is called now."""
        await asyncio.sleep(0)
        self._documents[profile.user_id] = json.loads(json.dumps(wire.profile_document(profile)))

    async def person(self, user_id: UserId) -> Profile | None:
        """Read a person's profile."""
        await asyncio.sleep(0)
        document = self._documents.get(user_id)
        return None if document is None else wire.profile_from(document)

    async def find(self, reader: UserId, sought: str, *, cursor: str | None, limit: int) -> PeoplePage:
        """List people of the reader's tenant, by name."""
        await asyncio.sleep(0)
        after = read_cursor(self._cursor_key, reader, cursor) if cursor is not None else None
        tenant = wire.people_partition(reader)
        found = sorted(
            (
                document
                for document in self._documents.values()
                if document["user_id"] == tenant and sought in document["sought"]
                if after is None or document["place"] > after
            ),
            key=lambda document: document["place"],
        )
        page = found[:limit]
        more = make_cursor(self._cursor_key, reader, page[-1]["place"]) if len(found) > limit else None
        return PeoplePage(items=[wire.profile_from(document) for document in page], next_cursor=more)

    async def forget(self, user_id: UserId) -> None:
        """Remove a person's profile."""
        await asyncio.sleep(0)
        self._documents.pop(user_id, None)
