"""The token endpoint grants and refuses as Entra's does."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest

from .conftest import HOME, RunningIssuer

SFDC = "api://salescoach-mcp-sfdc"


async def test_the_app_gets_a_token_for_a_tool_server_on_behalf_of_the_user(issuer: RunningIssuer) -> None:
    """The new token is the same person's, for the other audience."""
    assertion = await issuer.sign_in("sam.sales")
    status, answer = await issuer.exchange(assertion)

    assert status == 200
    claims = await issuer.verify(answer["access_token"], audience=SFDC)
    mine = await issuer.verify(assertion)
    assert claims["oid"] == mine["oid"]
    assert claims["sub"] != mine["sub"]
    assert claims["azp"] == "33333333-3333-4333-8333-333333333333"
    assert claims["roles"] == ["Sales"]
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)


async def test_scopes_that_msal_adds_do_not_disturb(issuer: RunningIssuer) -> None:
    """Its requests always carry `openid profile offline_access`."""
    status, _ = await issuer.exchange(await issuer.sign_in(), scope=f"{SFDC}/.default openid profile offline_access")

    assert status == 200


@pytest.mark.parametrize(
    ("token", "number"),
    [
        ({"lifetime_s": -5}, 500133),
        ({"audience": SFDC}, 500131),
        ({"key": "foreign"}, 50013),
        ({"claims": {"iss": "https://elsewhere.example"}}, 50013),
        ({"claims": {"idtyp": "app"}}, 50013),
        ({"claims": {"oid": "unknown"}}, 50034),
    ],
)
async def test_an_assertion_that_is_not_a_users_fresh_token_for_the_app_is_refused(
    issuer: RunningIssuer, token: dict[str, Any], number: int
) -> None:
    """No tool server token comes from a token that was stolen elsewhere."""
    status, answer = await issuer.exchange(await issuer.sign_in("sam.sales", **token))

    assert status == 400
    assert (answer["error"], answer["error_codes"]) == ("invalid_grant", [number])
    assert answer["error_description"].startswith(f"AADSTS{number}: ")
    assert {"timestamp", "trace_id", "correlation_id"} <= set(answer)


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "unknown"}, 400, "unauthorized_client"),
        ({"client_assertion": "x"}, 401, "invalid_client"),
        ({"scope": "openid"}, 400, "invalid_scope"),
        ({"scope": "api://unknown/.default"}, 400, "invalid_resource"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"requested_token_use": ""}, 400, "invalid_request"),
        ({"assertion": "not-a-token"}, 400, "invalid_grant"),
        (
            {
                "client_id": "44444444-4444-4444-8444-444444444444",
                "client_secret": "local-webpubsub-secret",
            },
            400,
            "unauthorized_client",
        ),
    ],
)
async def test_a_request_that_entra_would_refuse_is_refused_in_its_words(
    issuer: RunningIssuer, changes: dict[str, str], status: int, error: str
) -> None:
    """The app's handling of each can be tried."""
    answered, document = await issuer.exchange(await issuer.sign_in(), **changes)

    assert (answered, document["error"]) == (status, error)


async def test_a_conditional_access_challenge_can_be_switched_on_for_one_server(issuer: RunningIssuer) -> None:
    """The claims arrive as a JSON string, as Entra sends them."""
    fault = {"mode": "interaction_required", "audience": SFDC, "count": 1}
    await issuer.post("/_faults", json=fault)
    assertion = await issuer.sign_in()

    other, _ = await issuer.exchange(assertion, scope="api://salescoach-mcp-hr/.default")
    status, refused = await issuer.exchange(assertion)
    again, _ = await issuer.exchange(assertion)

    assert (other, status, again) == (200, 400, 200)
    assert refused["error"] == "interaction_required"
    assert json.loads(refused["claims"])["access_token"]["polids"]["essential"] is True


async def test_missing_consent_and_an_outage_can_be_switched_on_and_off(issuer: RunningIssuer) -> None:
    """Both hold until they are cleared."""
    assertion = await issuer.sign_in()
    await issuer.post("/_faults", json={"mode": "consent_required"})
    status, refused = await issuer.exchange(assertion)
    assert (status, refused["error"], refused["suberror"]) == (400, "invalid_grant", "consent_required")

    await issuer.http.delete(issuer.base + "/_faults")
    await issuer.post("/_faults", json={"mode": "unavailable"})
    assert (await issuer.exchange(assertion))[0] == 503

    await issuer.http.delete(issuer.base + "/_faults")
    assert (await issuer.exchange(assertion))[0] == 200


async def test_an_unknown_fault_is_refused_by_name(issuer: RunningIssuer) -> None:
    """A typing error in a test must not look like a fault that did nothing."""
    status, answer = await issuer.post("/_faults", json={"mode": "earthquake"})

    assert status == 400
    assert "interaction_required" in answer["error_description"]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
async def test_the_web_pubsub_identity_gets_a_token_for_the_upstream(issuer: RunningIssuer, version: str) -> None:
    """Managed identities get version 1 or 2 tokens, depending on the audience's manifest."""
    form = {
        "grant_type": "client_credentials",
        "client_id": "44444444-4444-4444-8444-444444444444",
        "client_secret": "local-webpubsub-secret",
        "scope": "api://salescoach-upstream/.default",
        "token_version": version,
    }
    status, answer = await issuer.post(f"/{HOME}/oauth2/v2.0/token", data=form)
    assert status == 200

    claims: dict[str, Any] = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert claims["idtyp"] == "app"
    assert claims["oid"] == claims["sub"] == "44444444-4444-4444-8444-0000000000aa"
    assert claims["aud"] == "api://salescoach-upstream"
    assert claims["ver"] == version
    assert "scp" not in claims
