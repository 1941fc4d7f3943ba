"""The registry at hand: how old it may be, and where servers come from when the store has none to give."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.adapters.memory.clock import MemoryClock
from shared.adapters.memory.registry import MemoryRegistry
from shared.adapters.registry_cache import FRESH_S, CachedRegistry
from shared.domain.errors import StoreUnavailable
from shared.domain.servers import ServerStatus
from shared.domain.tools import Manifest, ServerEntry, ToolRule
from shared.wire.registry_documents import server_document, server_from

SALES = ServerEntry(name="sfdc", url="https://s.example/mcp", roles=("Sales",), auth_enabled=True, description="CRM")
PEOPLE = replace(SALES, name="hr", roles=("HR",))
NOW = datetime(2026, 1, 5, tzinfo=UTC)


class Store(MemoryRegistry):
    """A store that can be down, and counts how often it is asked."""

    def __init__(self, *servers: ServerEntry) -> None:
        super().__init__(servers)
        self.down = False
        self.asked = 0

    async def servers(self) -> list[ServerEntry]:
        """List, or fail."""
        self.asked += 1
        if self.down:
            raise StoreUnavailable("down")
        return await super().servers()

    def now_has(self, *servers: ServerEntry) -> None:
        """Change what is stored."""
        self._servers = list(servers)


@pytest.mark.requirement("tools:registry-rules")
async def test_a_server_that_is_switched_off_is_gone_within_a_minute() -> None:
    """Without a release, and without asking the store for each question."""
    clock, store = MemoryClock(), Store(SALES, PEOPLE)
    registry = CachedRegistry(store, store, clock)
    for _ in range(5):
        await registry.servers()
    store.now_has(replace(SALES, enabled=False), PEOPLE)

    clock.advance(FRESH_S)

    assert FRESH_S < 60
    assert store.asked == 1
    assert await registry.servers() == [PEOPLE]


@pytest.mark.requirement("tools:registry-fallback")
async def test_a_store_that_never_answered_is_replaced_by_the_file_and_comes_back() -> None:
    """And the change back is noticed."""
    clock, store, file = MemoryClock(), Store(SALES, PEOPLE), MemoryRegistry([SALES])
    registry = CachedRegistry(store, store, clock, fallback=file)
    store.down = True

    assert await registry.servers() == [SALES]
    assert registry.fallen_back

    store.down = False
    clock.advance(FRESH_S)
    assert await registry.servers() == [SALES, PEOPLE]
    assert not registry.fallen_back


async def test_a_store_that_falls_silent_leaves_its_last_word_standing() -> None:
    """What has been switched off does not come back from the file."""
    clock, store, file = MemoryClock(), Store(SALES), MemoryRegistry([SALES, PEOPLE])
    registry = CachedRegistry(store, store, clock, fallback=file)
    await registry.servers()
    store.down = True
    clock.advance(FRESH_S * 10)

    assert await registry.servers() == [SALES]
    assert not registry.fallen_back


async def test_without_a_file_a_silent_store_is_told_as_such() -> None:
    """Nobody makes servers up."""
    store = Store(SALES)
    store.down = True

    with pytest.raises(StoreUnavailable):
        await CachedRegistry(store, store, MemoryClock()).servers()


async def test_what_is_written_here_is_known_here_at_once() -> None:
    """Other workers learn of it when their copies are old."""
    registry = CachedRegistry(Store(SALES), Store(SALES), MemoryClock())
    await registry.manifests()
    manifest = Manifest(server="sfdc", tools=(), version="1", discovered_at=NOW)
    status = ServerStatus(server="sfdc", up=True, checked_at=NOW, since=NOW)

    await registry.put_manifest(manifest)
    await registry.put_status(status)

    assert await registry.manifests() == [manifest]
    assert await registry.statuses() == [status]


def test_rules_for_tools_are_read_and_written() -> None:
    """The predecessor's entry, and what this registry says besides."""
    data: dict[str, Any] = {
        "Name": "sfdc",
        "Url": "https://s.example/mcp",
        "AuthEnabled": True,
        "approval": True,
        "tools": {"log": {"idempotent": True, "approval": False}, "drop": {"enabled": False}},
    }

    server = server_from(data)

    assert server.rule == ToolRule(approval=True)
    assert server.tools == {"log": ToolRule(idempotent=True, approval=False), "drop": ToolRule(enabled=False)}
    assert server_from(server_document(server)) == server
