"""NEED: what the flow needs of tool servers, as Protocols; each is met by an adapter and by a fake alike."""

from typing import Protocol

from shared.domain.pins import Pins
from shared.domain.servers import BreakerState, ServerStatus
from shared.domain.tools import Manifest, ServerEntry, ToolCall, ToolContext, ToolResult


class ToolRegistry(Protocol):
    """Knows the tool servers, what they last offered and how they are doing."""

    @property
    def fallen_back(self) -> bool:
        """Whether the servers were last taken from the file because the store had none to give."""
        ...

    async def servers(self) -> list[ServerEntry]:
        """List the valid, enabled servers."""
        ...

    async def manifests(self) -> list[Manifest]:
        """List the last discovered tools per server."""
        ...

    async def put_manifest(self, manifest: Manifest) -> None:
        """Keep what a server offers now."""
        ...

    async def pins(self) -> list[Pins]:
        """List which tools are trusted as they are, per server."""
        ...

    async def pin_first(self, pins: Pins) -> bool:
        """Keep a server's first pins; False when it has some already, which then stand."""
        ...

    async def pin(self, server: str, tool: str, digest: str) -> None:
        """Trust a tool of a server that has pins as this digest says; the others' pins stand."""
        ...

    async def statuses(self) -> list[ServerStatus]:
        """List what was last found about servers."""
        ...

    async def put_status(self, status: ServerStatus) -> None:
        """Keep how a server is doing now."""
        ...


class ToolRunner(Protocol):
    """Talks to tool servers."""

    async def discover(self, server: ServerEntry, context: ToolContext) -> Manifest:
        """List a server's tools.

        Raises:
            ChatError: `tool_failed` when the server does not answer.
        """
        ...

    async def call(self, server: ServerEntry, call: ToolCall, context: ToolContext) -> ToolResult:
        """Call a tool; every failure is an outcome. `unknown` when an effect may have happened."""
        ...

    def breaker(self, server: ServerEntry) -> BreakerState:
        """Tell whether this worker's calls to the server pass."""
        ...
