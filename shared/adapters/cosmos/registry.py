"""Read the tool registry from Cosmos DB, and keep the servers' manifests there."""

import logging
from typing import Any

from shared.adapters.cosmos.items import Items
from shared.domain.tools import Manifest, ServerEntry
from shared.wire import registry_documents as wire
from shared.wire.reading import MalformedDocument

_log = logging.getLogger("salescoach.registry")


class CosmosRegistry:
    """Meet ToolRegistry over container `registry`, partition key `/kind`; each faulty entry costs only itself."""

    def __init__(self, container: Items) -> None:
        self._items = container

    async def servers(self) -> list[ServerEntry]:
        """List the valid, enabled servers; the others are named in the log."""
        entries: list[ServerEntry] = []
        for document in await self._of_kind(wire.SERVER_KIND):
            try:
                entries.append(wire.server_from(document))
            except MalformedDocument as fault:
                _log.warning("registry.entry_left_out", extra={"entry": fault.document_id, "fault": fault.fault})
        return [entry for entry in entries if entry.enabled]

    async def manifests(self) -> list[Manifest]:
        """List the last discovered tools per server."""
        manifests: list[Manifest] = []
        for document in await self._of_kind(wire.MANIFEST_KIND):
            try:
                manifests.append(wire.manifest_from(document))
            except MalformedDocument as fault:
                _log.warning("registry.manifest_left_out", extra={"entry": fault.document_id, "fault": fault.fault})
        return manifests

    async def put_manifest(self, manifest: Manifest) -> None:
        """Keep what a server offers now."""
        await self._items.upsert(wire.manifest_document(manifest))

    async def _of_kind(self, kind: str) -> list[dict[str, Any]]:
        return await self._items.query(kind, "SELECT * FROM c WHERE c.kind = @kind", {"kind": kind})
