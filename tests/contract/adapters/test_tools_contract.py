"""What every ToolRunner does, and how the real one behaves towards real servers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.adapters.mcp_tools.client import McpTools
from shared.adapters.on_behalf_of import OnBehalfOf
from shared.domain.errors import ChatError
from shared.domain.ids import CallId, UserId
from shared.domain.tools import CallState, ServerEntry, ToolCall, ToolContext

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


@pytest.fixture
async def tools(identity: Part) -> AsyncIterator[McpTools]:
    """The real adapter, with tokens on behalf of people."""
    exchange = OnBehalfOf(identity.url, "33333333-3333-4333-8333-333333333333", "local-obo-secret")

    async def tokens(server: ServerEntry, who: ToolContext) -> str | None:
        assert server.audience is not None
        if who.user_token is None:
            return await exchange.for_app(TENANT, server.audience)
        return await exchange.for_user(UserId(who.user_id), who.user_token, server.audience)

    runner = McpTools(tokens)
    yield runner
    await runner.close()


async def test_a_server_tells_what_it_offers_to_the_app_itself(tools: McpTools, tool_servers: Part) -> None:
    """Names, schemas and hints; the same twice gives the same version."""
    first = await tools.discover(entry(tool_servers), context(None))
    second = await tools.discover(entry(tool_servers), context(None))

    offered = {tool.name: tool for tool in first.tools}
    assert {"pipeline_summary", "list_opportunities", "log_activity"} <= set(offered)
    assert first.version == second.version
    assert offered["pipeline_summary"].read_only
    assert offered["log_activity"].needs_approval
    assert not offered["pipeline_summary"].needs_approval


async def test_a_call_answers_with_data_and_its_date(tools: McpTools, tool_servers: Part, identity: Part) -> None:
    """Structured content becomes text for the model, facts for the person."""
    result = await tools.call(
        entry(tool_servers), call("pipeline_summary", owner="me"), context(identity.token("sam.sales"))
    )

    assert result.state is CallState.DONE
    assert '"rows"' in result.text
    assert result.as_of
    assert result.links


async def test_the_app_itself_may_call_nothing(tools: McpTools, tool_servers: Part) -> None:
    """Its token lists tools and no more."""
    result = await tools.call(entry(tool_servers), call("pipeline_summary"), context(None))

    assert result.state is CallState.FAILED
    assert "does not allow" in result.summary


async def test_many_people_share_a_client_and_never_a_token(
    tools: McpTools, tool_servers: Part, identity: Part
) -> None:
    """Side by side; each sees the own pipeline."""
    tokens = {user: identity.token(user) for user in ("sam.sales", "sue.sales")}

    async def mine(user: str) -> str:
        who = ToolContext(
            user_id=f"{TENANT}:{user}",
            email=f"{user}@example.com",
            region=None,
            user_token=tokens[user],
            idempotency_key=user,
            timeout_s=10,
        )
        result = await tools.call(entry(tool_servers), call("pipeline_summary", owner="me"), who)
        return result.text

    answers = await asyncio.gather(*(mine(user) for user in ("sam.sales", "sue.sales") * 5))

    assert all("sam.sales@example.com" in text for text in answers[::2])
    assert all("sue.sales@example.com" in text for text in answers[1::2])


FAULTS: dict[str, tuple[dict[str, Any], bool, CallState]] = {
    "down": ({"mode": "http", "status": 503}, True, CallState.FAILED),
    "down, for a write": ({"mode": "http", "status": 503}, False, CallState.UNKNOWN),
    "forbidden": ({"mode": "http", "status": 403}, False, CallState.FAILED),
    "busy": ({"mode": "http", "status": 429}, False, CallState.FAILED),
}


@pytest.mark.parametrize("case", FAULTS)
async def test_each_fault_is_an_outcome_and_the_next_call_is_healthy(
    tools: McpTools, tool_servers: Part, identity: Part, case: str
) -> None:
    """A failing server costs its own call only; an unclear write is `unknown`."""
    fault, safe, state = FAULTS[case]
    who = context(identity.token("sam.sales"))
    await tools.call(entry(tool_servers), call("pipeline_summary"), who)
    tool_servers.ask("POST", "/_faults", {"server": "sfdc", "count": 1, **fault})

    failed = await tools.call(entry(tool_servers), call("pipeline_summary", safe=safe), who)
    tool_servers.ask("DELETE", "/_faults")
    healthy = await tools.call(entry(tool_servers), call("pipeline_summary"), who)

    assert failed.state is state
    assert healthy.state is CallState.DONE


async def test_a_server_that_is_not_there_fails_its_own_call(tools: McpTools, identity: Part) -> None:
    """Neither discovery nor call hangs or raises anything untyped."""
    absent = ServerEntry(
        name="sfdc",
        url="http://127.0.0.1:9/sfdc/mcp",
        roles=(),
        auth_enabled=True,
        description="",
        audience="api://salescoach-mcp-sfdc",
    )

    with pytest.raises(ChatError):
        await tools.discover(absent, context(None))
    result = await tools.call(absent, call("x", safe=False), context(identity.token("sam.sales")))

    assert result.state is not CallState.DONE


async def test_bad_arguments_are_told_to_the_model(tools: McpTools, tool_servers: Part, identity: Part) -> None:
    """The server's reason reaches the ledger."""
    result = await tools.call(
        entry(tool_servers), call("pipeline_summary", quarter=7), context(identity.token("sam.sales"))
    )

    assert result.state is CallState.FAILED
    assert result.text
