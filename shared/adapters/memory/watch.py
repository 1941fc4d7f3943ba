"""Keep allowances and security events in memory, as the very documents of the Cosmos adapter."""

import asyncio
import json
from typing import Any, Literal

from shared.domain.allowance import Allowance, StoredAllowance
from shared.domain.ids import TurnId, UserId
from shared.domain.security import EventPage, SecurityEvent
from shared.wire import watch_documents as wire
from shared.wire.cursors import make_cursor, read_cursor


class MemoryAllowances:
    """Meet AllowanceStore."""

    def __init__(self) -> None:
        self._documents: dict[UserId, dict[str, Any]] = {}
        self._written = 0
        self._settled: set[TurnId] = set()

    async def allowance(self, user_id: UserId) -> StoredAllowance:
        """Read it; one that was never written is empty and has no ETag."""
        await asyncio.sleep(0)
        return wire.allowance_from(user_id, self._documents.get(user_id))

    async def put_allowance(self, allowance: Allowance, etag: str | None) -> bool:
        """Write it if it is still the one that was read."""
        await asyncio.sleep(0)
        return self._put(allowance, etag)

    async def settle(
        self, allowance: Allowance, etag: str | None, turn_id: TurnId
    ) -> Literal["settled", "changed", "settled_before"]:
        """Write it together with the mark that this turn's cost is in it, or neither."""
        await asyncio.sleep(0)
        if turn_id in self._settled:
            return "settled_before"
        if not self._put(allowance, etag):
            return "changed"
        self._settled.add(turn_id)
        return "settled"

    def _put(self, allowance: Allowance, etag: str | None) -> bool:
        stored = self._documents.get(allowance.user_id)
        if (stored["_etag"] if stored else None) != etag:
            return False
        self._written += 1
        document = wire.allowance_document(allowance) | {"_etag": str(self._written)}
        self._documents[allowance.user_id] = json.loads(json.dumps(document))
        return True


class MemorySecurityLog:
    """Meet SecurityLog."""

    def __init__(self, cursor_key: bytes = b"memory") -> None:
        self._cursor_key = cursor_key
        self._documents: dict[str, dict[str, Any]] = {}

    @property
    def events(self) -> list[SecurityEvent]:
        """Show what was recorded, in order."""
        return [wire.event_from(document) for document in self._documents.values()]

    async def record(self, event: SecurityEvent) -> None:
        """Add a record; a repeat changes nothing."""
        await asyncio.sleep(0)
        self._documents.setdefault(event.event_id, json.loads(json.dumps(wire.event_document(event))))

    async def of_day(self, reader: UserId, day: str, *, cursor: str | None, limit: int) -> EventPage:
        """List the records of a day, newest first."""
        await asyncio.sleep(0)
        before = read_cursor(self._cursor_key, reader, cursor) if cursor is not None else None
        listed = [document for document in self._documents.values() if document["day"] == day]
        listed.sort(key=lambda document: document["place"], reverse=True)
        found = [document for document in listed if before is None or document["place"] < before]
        page = found[:limit]
        more = make_cursor(self._cursor_key, reader, page[-1]["place"]) if len(found) > limit else None
        return EventPage(items=[wire.event_from(document) for document in page], next_cursor=more)
