"""What every ToolRunner does, and how the real one behaves towards real servers."""

import asyncio

import pytest

from shared.adapters.mcp_tools.client import McpTools
from shared.domain.errors import ChatError
from shared.domain.tools import CallState, ServerEntry, ToolContext

from .conftest import TENANT, Part
from .tool_calls import call, context, entry


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
