"""Keep people's allowances and the security events in Cosmos DB."""

from typing import Any, Literal

from shared.adapters.cosmos.items import Items, Refused, create, replace
from shared.domain.allowance import Allowance, StoredAllowance
from shared.domain.ids import TurnId, UserId
from shared.domain.security import EventPage, SecurityEvent
from shared.wire import watch_documents as wire
from shared.wire.cursors import make_cursor, read_cursor


class CosmosAllowances:
    """Meet AllowanceStore over container `users`, partition key `/user_id`."""

    def __init__(self, container: Items) -> None:
        self._items = container

    async def allowance(self, user_id: UserId) -> StoredAllowance:
        """Read it; one that was never written is empty and has no ETag."""
        return wire.allowance_from(user_id, await self._items.read(user_id, wire.ALLOWANCE_ID))

    async def put_allowance(self, allowance: Allowance, etag: str | None) -> bool:
        """Write it if it is still the one that was read."""
        return await self._items.put(allowance.user_id, wire.allowance_document(allowance), etag)

    async def settle(
        self, allowance: Allowance, etag: str | None, turn_id: TurnId
    ) -> Literal["settled", "changed", "settled_before"]:
        """Write it together with the mark that this turn's cost is in it, in one atomic batch."""
        document = wire.allowance_document(allowance)
        mark = create(wire.settled_document(allowance.user_id, turn_id))
        change = create(document) if etag is None else replace(document, etag)
        done = await self._items.batch(allowance.user_id, [mark, change])
        if not isinstance(done, Refused):
            return "settled"
        return "settled_before" if done.index == 0 else "changed"


class CosmosSecurityLog:
    """Meet SecurityLog over container `security_events`, partition key `/day`."""

    def __init__(self, container: Items, cursor_key: bytes) -> None:
        self._items = container
        self._cursor_key = cursor_key

    async def record(self, event: SecurityEvent) -> None:
        """Add a record; a repeat changes nothing."""
        await self._items.create(wire.event_document(event))

    async def of_day(self, reader: UserId, day: str, *, cursor: str | None, limit: int) -> EventPage:
        """List the records of a day, newest first."""
        text = 'SELECT TOP @limit * FROM c WHERE c.kind = "security_event"'
        bounds: dict[str, Any] = {"limit": limit + 1}
        if cursor is not None:
            text += " AND c.place < @before"
            bounds["before"] = read_cursor(self._cursor_key, reader, cursor)
        found = await self._items.query(day, text + " ORDER BY c.place DESC", bounds)
        page = found[:limit]
        more = make_cursor(self._cursor_key, reader, page[-1]["place"]) if len(found) > limit else None
        return EventPage(items=[wire.event_from(document) for document in page], next_cursor=more)
