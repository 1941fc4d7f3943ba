"""Keep tool servers, their manifests and prompts in memory."""

import asyncio
from collections.abc import Iterable, Mapping

from shared.domain.errors import StoreUnavailable
from shared.domain.pins import Pins, first_pins
from shared.domain.prompt import Prompt
from shared.domain.servers import ServerStatus
from shared.domain.tools import Manifest, ServerEntry


class MemoryRegistry:
    """Meet ToolRegistry."""

    def __init__(self, servers: Iterable[ServerEntry] = (), manifests: Iterable[Manifest] = ()) -> None:
        self._servers = list(servers)
        self._manifests = {manifest.server: manifest for manifest in manifests}
        self._pins = {name: first_pins(manifest) for name, manifest in self._manifests.items()}
        self._statuses: dict[str, ServerStatus] = {}
        self.fallen_back = False

    async def servers(self) -> list[ServerEntry]:
        """List the enabled servers."""
        await asyncio.sleep(0)
        return [server for server in self._servers if server.enabled]

    async def manifests(self) -> list[Manifest]:
        """List the last discovered tools per server."""
        await asyncio.sleep(0)
        return list(self._manifests.values())

    async def put_manifest(self, manifest: Manifest) -> None:
        """Keep what a server offers now."""
        await asyncio.sleep(0)
        self._manifests[manifest.server] = manifest

    async def pins(self) -> list[Pins]:
        """List which tools are trusted as they are."""
        await asyncio.sleep(0)
        return list(self._pins.values())

    async def pin_first(self, pins: Pins) -> bool:
        """Keep a server's first pins; False when it has some already."""
        await asyncio.sleep(0)
        return self._pins.setdefault(pins.server, pins) is pins

    async def pin(self, server: str, tool: str, digest: str) -> None:
        """Trust a tool of a server that has pins as this digest says."""
        await asyncio.sleep(0)
        if server in self._pins:
            self._pins[server] = Pins(server=server, tools=self._pins[server].tools | {tool: digest})

    async def statuses(self) -> list[ServerStatus]:
        """List what was last found about servers."""
        await asyncio.sleep(0)
        return list(self._statuses.values())

    async def put_status(self, status: ServerStatus) -> None:
        """Keep how a server is doing now."""
        await asyncio.sleep(0)
        self._statuses[status.server] = status


class MemoryPrompts:
    """Meet PromptStore; `down` makes it fail as a store does that never answered."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = dict(texts)
        self.down = False

    async def get(self, name: str) -> Prompt | None:
        """Read a prompt by its blob name."""
        await asyncio.sleep(0)
        if self.down:
            raise StoreUnavailable("the prompt store is down")
        text = self.texts.get(name)
        return None if text is None else Prompt(text=text, version=f"memory:{name}")
