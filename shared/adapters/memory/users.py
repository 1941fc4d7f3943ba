"""Keep people's grants and lists in memory, as the very documents of the Cosmos adapter."""

import asyncio
import json
from typing import Any, Literal

from shared.domain.entries import ConversationEntry, Page
from shared.domain.identity import SessionGrant
from shared.domain.ids import ConversationKey, PublicId, UserId
from shared.ports import Clock
from shared.wire import user_documents as wire
from shared.wire.cursors import make_cursor, read_cursor


class MemoryUsers:
    """Meet UserStore."""

    def __init__(self, clock: Clock, cursor_key: bytes = b"memory") -> None:
        self._clock = clock
        self._cursor_key = cursor_key
        self._documents: dict[tuple[str, str], dict[str, Any]] = {}

    def bind(self, document: dict[str, Any]) -> None:
        """Write a bound document as the host does after the persist step returned."""
        self._documents[document["user_id"], document["id"]] = json.loads(json.dumps(document))

    def drop(self, user_id: UserId, document_id: str) -> None:
        """Lose a document."""
        self._documents.pop((user_id, document_id), None)

    def documents(self, user_id: UserId) -> list[dict[str, Any]]:
        """Show what is stored of a person."""
        return [document for (partition, _), document in self._documents.items() if partition == user_id]

    async def put_grant(self, grant: SessionGrant) -> None:
        """Replace the session's grant."""
        await asyncio.sleep(0)
        self.bind(wire.grant_document(grant, self._clock.now()))

    async def grant(self, user_id: UserId, session_id: PublicId) -> SessionGrant | None:
        """Read a session's grant; None when there is none or it expired."""
        await asyncio.sleep(0)
        document = self._documents.get((user_id, wire.grant_id(session_id)))
        grant = wire.grant_from(document) if document else None
        return grant if grant and grant.expires_at > self._clock.now() else None

    async def remove_entry(self, user_id: UserId, key: ConversationKey) -> None:
        """Take a conversation off its person's list; a repeat changes nothing."""
        await asyncio.sleep(0)
        self._documents.pop((user_id, wire.entry_id(key)), None)

    async def add_entry(self, entry: ConversationEntry) -> None:
        """List a conversation for its person; a repeat changes nothing."""
        await asyncio.sleep(0)
        document = wire.entry_document(entry)
        if (entry.user_id, document["id"]) not in self._documents:
            self.bind(document)

    async def keep_listed(self, user_id: UserId, key: ConversationKey) -> None:
        """Do nothing: here nothing vanishes by itself."""
        await asyncio.sleep(0)
        del user_id, key

    async def entry(self, user_id: UserId, key: ConversationKey) -> ConversationEntry | None:
        """Read one entry of a person's list."""
        await asyncio.sleep(0)
        document = self._documents.get((user_id, wire.entry_id(key)))
        return wire.entry_from(document) if document else None

    async def retitle(self, user_id: UserId, key: ConversationKey, title: str, *, by_person: bool) -> bool:
        """Change a title; a person's own word is never replaced by another's."""
        await asyncio.sleep(0)
        document = self._documents.get((user_id, wire.entry_id(key)))
        if document is None or (not by_person and (document["renamed"] or document.get("titled"))):
            return False
        self.bind(document | {"title": title, "titled": True} | ({"renamed": True} if by_person else {}))
        return True

    async def mark_read(self, user_id: UserId, key: ConversationKey, seq: int) -> bool:
        """Move a person's read marker forward."""
        await asyncio.sleep(0)
        document = self._documents.get((user_id, wire.entry_id(key)))
        if document is None or document.get("read_seq", 0) >= seq:
            return False
        self.bind(document | {"read_seq": seq})
        return True

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
        await asyncio.sleep(0)
        before = read_cursor(self._cursor_key, user_id, cursor) if cursor is not None else None
        of_kind = {"kind": "entry", "conversation_kind": kind}
        listed = [document for document in self.documents(user_id) if of_kind.items() <= document.items()]
        listed.sort(key=lambda document: document["place"], reverse=True)
        found = [
            document
            for document in listed
            if (before is None or document["place"] < before)
            and (not search or search.lower() in document["title"].lower())
        ]
        page = found[:limit]
        more = make_cursor(self._cursor_key, user_id, page[-1]["place"]) if len(found) > limit else None
        return Page(items=[wire.entry_from(document) for document in page], next_cursor=more)
