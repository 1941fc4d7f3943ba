"""Keep groups in memory, as the very documents of the Cosmos adapter."""

import asyncio
import json
from typing import Any

from shared.domain.group import Group, StoredGroup
from shared.domain.ids import ConversationKey
from shared.wire import group_documents as wire


class MemoryGroups:
    """Meet GroupStore."""

    def __init__(self) -> None:
        self._documents: dict[ConversationKey, dict[str, Any]] = {}
        self._written = 0

    async def group(self, key: ConversationKey) -> StoredGroup | None:
        """Read a group."""
        await asyncio.sleep(0)
        document = self._documents.get(key)
        return None if document is None else StoredGroup(wire.group_from(document), document["_etag"])

    async def put_group(self, group: Group, etag: str | None) -> bool:
        """Write a group if it is still the one that was read."""
        await asyncio.sleep(0)
        stored = self._documents.get(group.key)
        if (stored["_etag"] if stored else None) != etag:
            return False
        self._written += 1
        document = wire.group_document(group) | {"_etag": str(self._written)}
        self._documents[group.key] = json.loads(json.dumps(document))
        return True
