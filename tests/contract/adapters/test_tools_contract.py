"""What every ToolRunner does, and how the real one behaves towards real servers."""

import asyncio
from dataclasses import replace

import pytest

from shared.adapters.mcp_tools.client import McpTools
from shared.adapters.on_behalf_of import OnBehalfOf
from shared.adapters.system_clock import SystemClock
from shared.domain.errors import ChatError
from shared.domain.ids import UserId
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


@pytest.mark.requirement("tools:own-audience")
@pytest.mark.parametrize("given", ["the person's own", "another server's", "none"])
async def test_a_server_takes_no_token_but_one_made_for_it_on_behalf_of_the_person(
    tool_servers: Part, identity: Part, given: str
) -> None:
    """Passed through, meant for somebody else or absent: refused, counted, and nothing is called."""
    exchange = OnBehalfOf(identity.url, "33333333-3333-4333-8333-333333333333", "local-obo-secret")

    async def tokens(server: ServerEntry, context: ToolContext, *, fresh: bool = False) -> str | None:
        assert context.user_token is not None
        if given == "the person's own":
            return context.user_token
        if given == "none":
            return None
        other = f"api://salescoach-mcp-{'hr' if server.name == 'sfdc' else 'sfdc'}"
        return await exchange.for_user(UserId(context.user_id), context.user_token, other, fresh=fresh)

    tool_servers.ask("DELETE", "/_stats")
    adapter = McpTools(tokens, SystemClock(), loopback=True)
    result = await adapter.call(
        entry(tool_servers), call("pipeline_summary", owner="me"), context(identity.token("sam.sales"))
    )
    await adapter.close()

    figures = tool_servers.ask("GET", "/_stats")["sfdc"]
    assert result.state is CallState.FAILED
    assert figures["calls"] == {}
    assert figures["refusals"] >= 1


@pytest.mark.requirement("tools:own-audience")
async def test_the_token_that_a_server_gets_is_for_it_alone(
    tools: McpTools, tool_servers: Part, identity: Part
) -> None:
    """Nothing that we send is refused."""
    tool_servers.ask("DELETE", "/_stats")
    for name, tool in (("sfdc", "forecast"), ("winloss", "win_rate")):
        one = replace(call(tool), server=name)
        result = await tools.call(entry(tool_servers, name), one, context(identity.token("sam.sales")))
        assert result.state is CallState.DONE, result

    assert {name: one["refusals"] for name, one in tool_servers.ask("GET", "/_stats").items() if one["calls"]} == {
        "sfdc": 0, "winloss": 0,
    }  # fmt: skip
