"""Keep people's grants and lists of conversations in Cosmos DB."""

from typing import Any, Literal

from shared.adapters.cosmos.items import Items, setting
from shared.domain.entries import ConversationEntry, Page
from shared.domain.identity import SessionGrant
from shared.domain.ids import ConversationKey, PublicId, UserId
from shared.ports import Clock
from shared.wire import user_documents as wire
from shared.wire.cursors import make_cursor, read_cursor
from shared.wire.retention import kept_for


class CosmosUsers:
    """Meet UserStore over container `users`, partition key `/user_id`; `cursor_key` signs the lists' cursors."""

    def __init__(self, container: Items, clock: Clock, cursor_key: bytes, retention_days: int = 0) -> None:
        self._items = container
        self._clock = clock
        self._cursor_key = cursor_key
        self._days = retention_days

    async def put_grant(self, grant: SessionGrant) -> None:
        """Replace the session's grant."""
        await self._items.upsert(wire.grant_document(grant, self._clock.now()))

    async def grant(self, user_id: UserId, session_id: PublicId) -> SessionGrant | None:
        """Read a session's grant; None when there is none or it expired."""
        document = await self._items.read(user_id, wire.grant_id(session_id))
        grant = wire.grant_from(document) if document else None
        # The database removes items some time after their end.
        return grant if grant and grant.expires_at > self._clock.now() else None

    async def remove_entry(self, user_id: UserId, key: ConversationKey) -> None:
        """Take a conversation off its person's list; a repeat changes nothing."""
        await self._items.delete(user_id, wire.entry_id(key))

    async def add_entry(self, entry: ConversationEntry) -> None:
        """List a conversation for its person; a repeat changes nothing."""
        document = wire.entry_document(entry)
        # A session's title tells what was asked first; a group stays listed for as long as one is its member.
        await self._items.create(kept_for(self._days, document) if entry.kind == "session" else document)

    async def keep_listed(self, user_id: UserId, key: ConversationKey) -> None:
        """Count the days of a session's line from now on; any write does (Cosmos DB)."""
        if self._days:
            changes = setting(**kept_for(self._days, {}))
            await self._items.patch(user_id, wire.entry_id(key), changes, 'c.conversation_kind = "session"')

    async def entry(self, user_id: UserId, key: ConversationKey) -> ConversationEntry | None:
        """Read one entry of a person's list."""
        document = await self._items.read(user_id, wire.entry_id(key))
        return wire.entry_from(document) if document else None

    async def retitle(self, user_id: UserId, key: ConversationKey, title: str, *, by_person: bool) -> bool:
        """Change a title; a person's own word is never replaced by another's."""
        free = "(NOT IS_DEFINED(c.titled) OR c.titled = false)"
        condition = 'c.kind = "entry"' + ("" if by_person else f" AND c.renamed = false AND {free}")
        changes = setting(title=title, titled=True, **({"renamed": True} if by_person else {}))
        return await self._items.patch(user_id, wire.entry_id(key), changes, condition) is not None

    async def mark_read(self, user_id: UserId, key: ConversationKey, seq: int) -> bool:
        """Move a person's read marker forward."""
        condition = f'c.kind = "entry" AND (NOT IS_DEFINED(c.read_seq) OR c.read_seq < {int(seq)})'
        return await self._items.patch(user_id, wire.entry_id(key), setting(read_seq=seq), condition) is not None

    async def entries(
        self,
        user_id: UserId,
        *,
        cursor: str | None,
        limit: int,
        search: str | None,
        kind: Literal["session", "group"] = "session",
    ) -> Page:
        """List a person's conversations of one kind, newest first."""
        text = 'SELECT TOP @limit * FROM c WHERE c.kind = "entry" AND c.conversation_kind = @kind'
        bounds: dict[str, Any] = {"limit": limit + 1, "kind": kind}
        if cursor is not None:
            text += " AND c.place < @before"
            bounds["before"] = read_cursor(self._cursor_key, user_id, cursor)
        if search:
            text += " AND CONTAINS(c.title, @search, true)"
            bounds["search"] = search
        text += " ORDER BY c.place DESC"
        found = await self._items.query(user_id, text, bounds)
        page = found[:limit]
        more = make_cursor(self._cursor_key, user_id, page[-1]["place"]) if len(found) > limit else None
        return Page(items=[wire.entry_from(document) for document in page], next_cursor=more)
