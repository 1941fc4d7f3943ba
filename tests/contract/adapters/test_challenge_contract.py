"""What the issuer asks of the person before a token on their behalf: passed on with its claims, nothing else of it."""

import json
from collections.abc import Iterator

import pytest

from shared.adapters.mcp_tools.client import McpTools
from shared.domain.errors import ErrorCode
from shared.domain.tools import CallState

from .conftest import Part
from .tool_calls import call, context, entry


@pytest.fixture
def refusing(identity: Part) -> Iterator[Part]:
    """The issuer, healed afterwards."""
    yield identity
    identity.ask("DELETE", "/_faults")


@pytest.mark.requirement("tools:challenge")
@pytest.mark.parametrize("mode", ["interaction_required", "consent_required"])
async def test_a_challenge_comes_back_with_its_claims(
    refusing: Part, tool_servers: Part, tools: McpTools, mode: str
) -> None:
    """For this server alone; the issuer's own words and numbers stay here."""
    refusing.ask("POST", "/_faults", {"mode": mode, "audience": "api://salescoach-mcp-sfdc"})

    result = await tools.call(entry(tool_servers), call("pipeline_summary"), context(refusing.token("sam.sales")))

    assert result.state is CallState.FAILED
    assert result.challenge is not None
    assert result.challenge.code is ErrorCode.INTERACTION_REQUIRED
    claims = json.loads(result.challenge.claims) if result.challenge.claims else None
    assert (claims is not None) == (mode == "interaction_required")
    if claims is not None:
        assert claims["access_token"]["polids"]["values"] == ["sample-policy"]
    assert "AADSTS" not in result.text + result.challenge.message


async def test_an_issuer_that_is_down_is_no_challenge(refusing: Part, tool_servers: Part, tools: McpTools) -> None:
    """The call fails like any other."""
    refusing.ask("POST", "/_faults", {"mode": "unavailable"})

    result = await tools.call(entry(tool_servers), call("pipeline_summary"), context(refusing.token("hana.hr")))

    assert (result.state, result.challenge) == (CallState.FAILED, None)
