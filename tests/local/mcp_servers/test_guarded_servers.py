"""Each server takes only tokens that were made for it, and counts what it refuses."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from .conftest import Servers

CALL: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "forecast", "arguments": {}},
}
LIST: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}


async def _status(servers: Servers, token: str | None, body: dict[str, Any] = CALL) -> httpx2.Response:
    headers = {"Accept": "application/json, text/event-stream"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    async with httpx2.AsyncClient() as http:
        return await http.post(f"{servers.base}/sfdc/mcp", json=body, headers=headers)


async def test_a_token_for_the_server_opens_it_and_says_who_asks(guarded: Servers) -> None:
    """The person comes from the token; the header does not count against it."""
    token = await guarded.sign_in("sam.sales")
    headers = {"Authorization": f"Bearer {token}", "X-User-Email": "sue.sales@example.com"}
    async with guarded.client("sfdc", headers=headers) as client:
        result = await client.call_tool("pipeline_summary", {})

    assert result.structured_content is not None
    assert result.structured_content["owner"] == "sam.sales@example.com"
    stats = await guarded.stats("sfdc")
    assert stats["calls"] == {"pipeline_summary": 1}
    assert stats["refusals"] == 0


async def test_a_token_on_behalf_of_the_user_opens_the_server(guarded: Servers) -> None:
    """That is how the product calls."""
    assertion = await guarded.sign_in("hana.hr", audience="api://salescoach")
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "client_id": "33333333-3333-4333-8333-333333333333",
        "client_secret": "local-obo-secret",
        "assertion": assertion,
        "scope": "api://salescoach-mcp-hr/.default",
        "requested_token_use": "on_behalf_of",
    }
    tenant = "11111111-1111-4111-8111-111111111111"
    async with httpx2.AsyncClient() as http:
        granted = await http.post(f"{guarded.identity}/{tenant}/oauth2/v2.0/token", data=form)
    headers = {"Authorization": f"Bearer {granted.json()['access_token']}"}
    async with guarded.client("hr", headers=headers) as client:
        result = await client.call_tool("leave_balance", {})

    assert result.structured_content is not None
    assert result.structured_content["name"] == "Hana Resources (sample)"


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ({"audience": "api://salescoach"}, "InvalidAudienceError"),
        ({"audience": "api://salescoach-mcp-hr"}, "InvalidAudienceError"),
        ({"lifetime_s": -5}, "ExpiredSignatureError"),
        ({"key": "foreign"}, "PyJWKClientError"),
        ({"tenant": "22222222-2222-4222-8222-222222222222"}, "InvalidIssuerError"),
        ({"claims": {"idtyp": "app"}}, "not a person's token"),
        ({"claims": {"scp": None}}, "not a person's token"),
    ],
)
async def test_any_other_token_is_refused_and_counted(guarded: Servers, odd: dict[str, Any], reason: str) -> None:
    """Passing the user's own token through would show here."""
    refused = await _status(guarded, await guarded.sign_in("sam.sales", **odd))

    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    stats = await guarded.stats("sfdc")
    assert stats["refusal_reasons"] == {reason: 1}
    assert stats["calls"] == {}


async def test_an_app_may_ask_what_is_offered_and_call_nothing(guarded: Servers) -> None:
    """Tools are discovered before anybody asks; every call is made as a person."""
    app = await guarded.sign_in("sam.sales", claims={"idtyp": "app", "scp": None})

    assert (await _status(guarded, app, LIST)).status_code == 200
    assert (await _status(guarded, app, CALL)).status_code == 401


async def test_no_token_and_nonsense_are_refused(guarded: Servers) -> None:
    """Neither reaches the server."""
    assert (await _status(guarded, None)).status_code == 401
    assert (await _status(guarded, "not-a-token")).status_code == 401
    assert (await guarded.stats("sfdc"))["refusals"] == 2


async def test_a_rotated_key_is_known_at_once(guarded: Servers) -> None:
    """Tokens signed a moment after the rotation work."""
    assert (await _status(guarded, await guarded.sign_in())).status_code != 401
    async with httpx2.AsyncClient() as http:
        await http.post(f"{guarded.identity}/rotate")
    assert (await _status(guarded, await guarded.sign_in())).status_code != 401


async def test_an_issuer_that_is_down_is_told_apart_from_a_bad_token(guarded: Servers) -> None:
    """503 may be tried again, 401 may not."""
    async with httpx2.AsyncClient() as http:
        await http.post(f"{guarded.identity}/rotate")
        await http.post(f"{guarded.identity}/_faults", json={"mode": "keys_unavailable", "count": 1})

    token = await guarded.sign_in()
    assert (await _status(guarded, token)).status_code == 503
    assert (await _status(guarded, token)).status_code != 401
