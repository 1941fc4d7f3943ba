"""Read the tool servers from a JSON file in the predecessor's form, as an alternative or a last resort."""

import json
import logging
from pathlib import Path
from typing import Any, cast

from shared.domain.pins import Pins
from shared.domain.servers import ServerStatus
from shared.domain.tools import Manifest, ServerEntry
from shared.wire.reading import MalformedDocument
from shared.wire.registry_documents import server_from

_log = logging.getLogger("salescoach.registry")


class RegistryFileUnusable(Exception):
    """The file is absent or not a list of servers; names the file and what is wrong."""


class FileRegistry:
    """Meet ToolRegistry over a file that is read once; manifests are kept for the life of the process."""

    fallen_back = False

    def __init__(self, path: Path, *, loopback: bool = False) -> None:
        """Take the file; `loopback` admits servers on this machine."""
        self._path = path
        self._loopback = loopback
        self._servers: list[ServerEntry] | None = None
        self._manifests: dict[str, Manifest] = {}
        self._statuses: dict[str, ServerStatus] = {}
        self._pins: dict[str, Pins] = {}

    async def servers(self) -> list[ServerEntry]:
        """List the valid, enabled servers; the others are named in the log.

        Raises:
            RegistryFileUnusable: there is no list of servers to read.
        """
        if self._servers is None:
            servers, faults = read_servers(self._path, loopback=self._loopback)
            for fault in faults:
                _log.warning("registry.entry_left_out", extra={"entry": fault.document_id, "fault": fault.fault})
            self._servers = [server for server in servers if server.enabled]
        return self._servers

    async def manifests(self) -> list[Manifest]:
        """List what was discovered since the process started."""
        return list(self._manifests.values())

    async def put_manifest(self, manifest: Manifest) -> None:
        """Keep what a server offers now."""
        self._manifests[manifest.server] = manifest

    async def pins(self) -> list[Pins]:
        """List which tools are trusted as they are."""
        return list(self._pins.values())

    async def pin_first(self, pins: Pins) -> bool:
        """Keep a server's first pins; False when it has some already."""
        return self._pins.setdefault(pins.server, pins) is pins

    async def pin(self, server: str, tool: str, digest: str) -> None:
        """Trust a tool of a server that has pins as this digest says."""
        if server in self._pins:
            self._pins[server] = Pins(server=server, tools=self._pins[server].tools | {tool: digest})

    async def statuses(self) -> list[ServerStatus]:
        """List what was found since the process started."""
        return list(self._statuses.values())

    async def put_status(self, status: ServerStatus) -> None:
        """Keep how a server is doing now."""
        self._statuses[status.server] = status


def read_servers(path: Path, *, loopback: bool = False) -> tuple[list[ServerEntry], list[MalformedDocument]]:
    """Read the usable servers, and the faults of those that are not; of one name only the first is usable.

    Raises:
        RegistryFileUnusable: the file cannot be read or is not a list of objects.
    """
    servers: dict[str, ServerEntry] = {}
    faults: list[MalformedDocument] = []
    for entry in _entries(path):
        try:
            server = server_from(entry, loopback=loopback)
            if server.name in servers:
                raise MalformedDocument(server.name, "Name: is used twice")  # noqa: TRY301
            servers[server.name] = server
        except MalformedDocument as fault:
            faults.append(fault)
    return list(servers.values()), faults


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RegistryFileUnusable(f"{path}: cannot be read as JSON") from error
    if not isinstance(content, list) or not all(isinstance(entry, dict) for entry in cast("list[Any]", content)):
        raise RegistryFileUnusable(f"{path}: must be a list of objects")
    return cast("list[dict[str, Any]]", content)
