"""Servers, calls and people, as the tests of the tools' adapter name them."""

from typing import Any

from shared.adapters.mcp_tools.client import McpTools
from shared.adapters.on_behalf_of import OnBehalfOf
from shared.adapters.system_clock import SystemClock
from shared.domain.ids import CallId, UserId
from shared.domain.tools import ServerEntry, ToolCall, ToolContext

from .conftest import TENANT, Part


def entry(part: Part, name: str = "sfdc") -> ServerEntry:
    """A server of the registry."""
    return ServerEntry(
        name=name,
        url=f"{part.url}/{name}/mcp",
        roles=("Sales",),
        auth_enabled=True,
        description=name,
        audience=f"api://salescoach-mcp-{name}",
    )


def call(name: str, *, safe: bool = True, **arguments: Any) -> ToolCall:
    """A call of the ledger."""
    return ToolCall(
        call_id=CallId(f"t.0.{name}"),
        round=0,
        index=0,
        server="sfdc",
        name=name,
        arguments=arguments,
        safe_to_repeat=safe,
        reads=safe,
    )


def context(token: str | None, *, timeout_s: float = 10) -> ToolContext:
    """On whose behalf."""
    return ToolContext(
        user_id=f"{TENANT}:x",
        email="sam.sales@example.com",
        region=None,
        user_token=token,
        idempotency_key="k1",
        timeout_s=timeout_s,
    )


def runner(identity: Part) -> McpTools:
    """The real adapter, with tokens on behalf of people."""
    exchange = OnBehalfOf(identity.url, "33333333-3333-4333-8333-333333333333", "local-obo-secret")

    async def tokens(server: ServerEntry, context: ToolContext, *, fresh: bool = False) -> str | None:
        assert server.audience is not None
        if context.user_token is None:
            return await exchange.for_app(TENANT, server.audience, fresh=fresh)
        return await exchange.for_user(UserId(context.user_id), context.user_token, server.audience, fresh=fresh)

    return McpTools(tokens, SystemClock(), loopback=True)
