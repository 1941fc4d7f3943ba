"""Keep the tool registry at hand: read at most every few seconds, and from the file when the store has none to give."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from shared.domain.errors import StoreUnavailable
from shared.domain.pins import Pins
from shared.domain.servers import ServerStatus
from shared.domain.tools import Manifest, ServerEntry
from shared.ports import Clock
from shared.tool_ports import ToolRegistry

FRESH_S = 15.0
"""A server or tool that is switched off is gone everywhere after this (promised: within a minute)."""

_T = TypeVar("_T")
_log = logging.getLogger("salescoach.registry")


class _Kept(Generic[_T]):
    """One list, read again when it is old; when it cannot be read, the last good copy."""

    def __init__(self, clock: Clock, load: Callable[[], Awaitable[list[_T]]]) -> None:
        self._clock = clock
        self._load = load
        self._lock = asyncio.Lock()
        self._until = 0.0
        self.items: list[_T] | None = None

    def forget(self) -> None:
        """Read again when it is asked for next; until then the last copy serves if reading fails."""
        self._until = 0.0

    async def get(self) -> list[_T]:
        """Give the list.

        Raises:
            StoreUnavailable: it cannot be read and never was.
        """
        if self._stale():
            async with self._lock:
                if self._stale():
                    await self._read()
        return self.items or []

    def _stale(self) -> bool:
        # An empty list is no find worth keeping: somebody may be writing the first entry now.
        return not self.items or self._clock.monotonic() >= self._until

    async def _read(self) -> None:
        try:
            self.items = await self._load()
        except StoreUnavailable as fault:
            if self.items is None:
                raise
            _log.warning("registry.stale", extra={"reason": str(fault)})
        self._until = self._clock.monotonic() + FRESH_S


class CachedRegistry:
    """Meet ToolRegistry over the place that names the servers and the store that keeps what is learnt of them."""

    def __init__(
        self, source: ToolRegistry, store: ToolRegistry, clock: Clock, *, fallback: ToolRegistry | None = None
    ) -> None:
        self._source = source
        self._store = store
        self._fallback = fallback
        self._servers = _Kept(clock, self._load_servers)
        self._manifests = _Kept(clock, store.manifests)
        self._statuses = _Kept(clock, store.statuses)
        self._pins = _Kept(clock, store.pins)
        self.fallen_back = False

    async def servers(self) -> list[ServerEntry]:
        """List the valid, enabled servers."""
        return await self._servers.get()

    async def _load_servers(self) -> list[ServerEntry]:
        try:
            servers = await self._source.servers()
        except StoreUnavailable as fault:
            # What was read before is newer than the file, and knows what has been switched off since.
            if self._fallback is None or (self._servers.items and not self.fallen_back):
                raise
            _log.warning("registry.fallback", extra={"reason": str(fault)})
            self.fallen_back = True
            return await self._fallback.servers()
        self.fallen_back = False
        return servers

    async def manifests(self) -> list[Manifest]:
        """List the last discovered tools per server."""
        return await self._manifests.get()

    async def put_manifest(self, manifest: Manifest) -> None:
        """Keep what a server offers now."""
        await self._store.put_manifest(manifest)
        others = [kept for kept in self._manifests.items or [] if kept.server != manifest.server]
        self._manifests.items = [*others, manifest]

    async def pins(self) -> list[Pins]:
        """List which tools are trusted as they are."""
        return await self._pins.get()

    async def pin_first(self, pins: Pins) -> bool:
        """Keep a server's first pins; False when it has some already."""
        created = await self._store.pin_first(pins)
        self._pins.forget()
        return created

    async def pin(self, server: str, tool: str, digest: str) -> None:
        """Trust a tool of a server that has pins as this digest says."""
        await self._store.pin(server, tool, digest)
        self._pins.forget()

    async def statuses(self) -> list[ServerStatus]:
        """List what was last found about servers."""
        return await self._statuses.get()

    async def put_status(self, status: ServerStatus) -> None:
        """Keep how a server is doing now."""
        await self._store.put_status(status)
        others = [kept for kept in self._statuses.items or [] if kept.server != status.server]
        self._statuses.items = [*others, status]
