"""Play tool servers from a script."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from shared.domain.errors import ChatError, ErrorCode
from shared.domain.servers import BreakerState
from shared.domain.tools import CallState, Manifest, ServerEntry, ToolCall, ToolContext, ToolResult

Answer = ToolResult | Callable[[ToolCall, ToolContext], ToolResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """One call as it reached the server."""

    server: ServerEntry
    call: ToolCall
    context: ToolContext


class MemoryTools:
    """Meet ToolRunner: answers by `server/tool`; a server without a manifest does not answer."""

    def __init__(self, manifests: Iterable[Manifest] = (), answers: Mapping[str, Answer] | None = None) -> None:
        self.manifests = {manifest.server: manifest for manifest in manifests}
        self.answers = dict(answers or {})
        self.called: list[Called] = []

    async def discover(self, server: ServerEntry, context: ToolContext) -> Manifest:
        """List a server's tools."""
        await asyncio.sleep(0)
        del context
        if server.name not in self.manifests:
            raise ChatError(ErrorCode.TOOL_FAILED, f"The tool server {server.name} does not answer.")
        return self.manifests[server.name]

    def breaker(self, server: ServerEntry) -> BreakerState:
        """Let every call pass."""
        del server
        return "closed"

    async def call(self, server: ServerEntry, call: ToolCall, context: ToolContext) -> ToolResult:
        """Answer from the script; a call without a scripted answer fails."""
        await asyncio.sleep(0)
        self.called.append(Called(server=server, call=call, context=context))
        answer = self.answers.get(f"{server.name}/{call.name}")
        if answer is None:
            return ToolResult(state=CallState.FAILED, text="no such tool", summary="failed")
        return answer if isinstance(answer, ToolResult) else answer(call, context)
