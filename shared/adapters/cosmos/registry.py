"""Read the tool registry from Cosmos DB, and keep the servers' manifests there."""

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

from shared.adapters.cosmos.items import Items
from shared.domain.errors import StoreUnavailable
from shared.domain.pins import Pins
from shared.domain.servers import ServerStatus
from shared.domain.tools import Manifest, ServerEntry
from shared.wire import registry_documents as wire
from shared.wire.reading import MalformedDocument

_log = logging.getLogger("salescoach.registry")
Read = TypeVar("Read")


class CosmosRegistry:
    """Meet ToolRegistry over container `registry`, partition key `/kind`; each faulty entry costs only itself."""

    fallen_back = False

    def __init__(self, container: Items, *, loopback: bool = False) -> None:
        """Take the container; `loopback` admits servers on this machine."""
        self._items = container
        self._loopback = loopback

    async def servers(self) -> list[ServerEntry]:
        """List the valid, enabled servers; the others are named in the log.

        Raises:
            StoreUnavailable: the container holds no server at all, not even one that is switched off.
        """
        documents = await self._of_kind(wire.SERVER_KIND)
        if not documents:
            raise StoreUnavailable("the registry holds no tool server")
        read = partial(wire.server_from, loopback=self._loopback)
        return [entry for entry in _readable(documents, read) if entry.enabled]

    async def manifests(self) -> list[Manifest]:
        """List the last discovered tools per server."""
        return _readable(await self._of_kind(wire.MANIFEST_KIND), wire.manifest_from)

    async def put_manifest(self, manifest: Manifest) -> None:
        """Keep what a server offers now."""
        await self._items.upsert(wire.manifest_document(manifest))

    async def pins(self) -> list[Pins]:
        """List which tools are trusted as they are; what cannot be read trusts nothing."""
        return _readable(await self._of_kind(wire.PINS_KIND), wire.pins_from)

    async def pin_first(self, pins: Pins) -> bool:
        """Keep a server's first pins; False when it has some already, which then stand."""
        return await self._items.create(wire.pins_document(pins))

    async def pin(self, server: str, tool: str, digest: str) -> None:
        """Trust a tool of a server that has pins as this digest says; the others' pins stand."""
        changes = [{"op": "set", "path": f"/tools/{tool}", "value": digest}]
        await self._items.patch(wire.PINS_KIND, wire.pins_id(server), changes, f'c.kind = "{wire.PINS_KIND}"')

    async def statuses(self) -> list[ServerStatus]:
        """List what was last found about servers."""
        return _readable(await self._of_kind(wire.STATUS_KIND), wire.status_from)

    async def put_status(self, status: ServerStatus) -> None:
        """Keep how a server is doing now; the latest word counts."""
        await self._items.upsert(wire.status_document(status))

    async def _of_kind(self, kind: str) -> list[dict[str, Any]]:
        return await self._items.query(kind, "SELECT * FROM c WHERE c.kind = @kind", {"kind": kind})


def _readable(documents: Iterable[dict[str, Any]], read: Callable[[dict[str, Any]], Read]) -> list[Read]:
    """Read what can be read; each other one is named in the log."""
    found: list[Read] = []
    for document in documents:
        try:
            found.append(read(document))
        except MalformedDocument as fault:
            _log.warning("registry.entry_left_out", extra={"entry": fault.document_id, "fault": fault.fault})
    return found
