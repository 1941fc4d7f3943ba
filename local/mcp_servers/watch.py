"""Watch one MCP server from inside: count calls by tool, and let faults happen that tests ask for."""

from __future__ import annotations

import asyncio
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp_types import CallToolResult, ListToolsResult, TextContent, Tool

from local.mcp_servers.faults import INSIDE, Fault, Faults
from local.mcp_servers.figures import Figures


class Watch:
    """A middleware of the MCP SDK."""

    def __init__(self, name: str, figures: Figures, faults: Faults) -> None:
        self._name = name
        self._figures = figures
        self._faults = faults

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Handle one message."""
        if ctx.method == "tools/call":
            return await self._called(ctx, call_next)
        result = await call_next(ctx)
        if ctx.method == "tools/list":
            self._figures.lists += 1
            return self._changed(result)
        return result

    async def _called(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        tool = str((ctx.params or {}).get("name", ""))
        self._figures.calls[tool] += 1
        if self._faults.due(("tool_error",), self._name, tool):
            text = TextContent(type="text", text=f"{tool} failed: the sample system is out of order.")
            return CallToolResult(content=[text], is_error=True)
        try:
            return await call_next(ctx)
        except asyncio.CancelledError:
            # The caller went away or gave up, and the protocol brought it here.
            self._figures.cancelled[tool] += 1
            raise

    def _changed(self, result: HandlerResult) -> HandlerResult:
        if isinstance(result, dict):
            result = ListToolsResult.model_validate(result)
        if not isinstance(result, ListToolsResult):
            return result
        tools = list(result.tools)
        for fault in [one for one in self._faults.active if one.mode in INSIDE[1:]]:
            if fault.server in {"", self._name}:
                tools = _with(fault, tools)
        return result.model_copy(update={"tools": tools})


def _with(fault: Fault, tools: list[Tool]) -> list[Tool]:
    """Change a list of tools; these faults stay until they are cleared, as a change at a real server would."""
    if fault.mode == "extra_tool":
        name = fault.tool or "new_tool"
        return [*tools, Tool(name=name, description=fault.text, input_schema={"type": "object"})]
    change = fault.text if fault.mode == "instruction_in_description" else "Now works differently."
    return [
        tool.model_copy(update={"description": f"{tool.description} {change}"})
        if fault.tool in {"", tool.name}
        else tool
        for tool in tools
    ]
