"""Sample people get tokens like Entra's, and tests get the odd ones that they need."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from local.identity.keys import KeyRing

from .conftest import HOME, RunningIssuer

OTHER = "22222222-2222-4222-8222-222222222222"


async def test_a_sample_person_gets_a_token_that_verifies_against_the_published_keys(
    issuer: RunningIssuer,
) -> None:
    """The claims are those of an Entra v2 access token."""
    claims = await issuer.verify(await issuer.sign_in("sam.sales"))

    assert claims["preferred_username"] == claims["email"] == "sam.sales@example.com"
    assert claims["roles"] == ["Sales"]
    assert (claims["scp"], claims["ver"], claims["tid"]) == ("access_as_user", "2.0", HOME)
    assert claims["exp"] - claims["iat"] == 3600
    assert "idtyp" not in claims


async def test_a_person_without_a_role_has_no_roles_claim(issuer: RunningIssuer) -> None:
    """Entra leaves the claim out; an empty list would be something else."""
    assert "roles" not in await issuer.verify(await issuer.sign_in("nora.none"))


async def test_the_same_person_always_has_the_same_object_id(issuer: RunningIssuer) -> None:
    """User ids are built from it, and stored."""
    first = await issuer.verify(await issuer.sign_in("sue.sales"))
    second = await issuer.verify(await issuer.sign_in("sue.sales"))
    someone_else = await issuer.verify(await issuer.sign_in("sam.sales"))

    assert first["oid"] == second["oid"] != someone_else["oid"]
    assert first["uti"] != second["uti"]


async def test_a_person_of_another_tenant_has_that_tenants_issuer(issuer: RunningIssuer) -> None:
    """Eve belongs to a tenant that the app does not serve."""
    claims = await issuer.verify(await issuer.sign_in("eve.other"), tenant=OTHER)

    assert claims["tid"] == OTHER


async def test_overrides_make_the_odd_tokens_that_tests_need(issuer: RunningIssuer) -> None:
    """Roles, audience and single claims can be set; null takes a claim away."""
    token = await issuer.sign_in(
        "sam.sales", roles=["HR"], audience="api://elsewhere", claims={"scp": None, "idtyp": "app"}
    )

    claims = await issuer.verify(token, audience="api://elsewhere")
    assert claims["roles"] == ["HR"]
    assert claims["idtyp"] == "app"
    assert "scp" not in claims


async def test_a_negative_lifetime_makes_a_token_that_is_over(issuer: RunningIssuer) -> None:
    """Only its end is wrong, not its beginning."""
    token = await issuer.sign_in("sam.sales", lifetime_s=-60)

    with pytest.raises(jwt.ExpiredSignatureError):
        await issuer.verify(token)
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    assert claims["nbf"] < claims["exp"] < time.time()


async def test_a_foreign_key_signs_tokens_that_no_published_key_verifies(issuer: RunningIssuer) -> None:
    """It stands for a forger."""
    token = await issuer.sign_in("sam.sales", key="foreign")

    with pytest.raises(jwt.InvalidSignatureError):
        await issuer.verify(token)


async def test_a_forged_token_names_a_published_key_that_did_not_sign_it(issuer: RunningIssuer) -> None:
    """Only the signature gives it away."""
    token = await issuer.sign_in("sam.sales", key="forged")
    honest = await issuer.sign_in("sam.sales")

    assert jwt.get_unverified_header(token)["kid"] == jwt.get_unverified_header(honest)["kid"]
    with pytest.raises(jwt.InvalidSignatureError):
        await issuer.verify(token)


async def test_a_version_1_token_names_the_version_1_issuer(issuer: RunningIssuer) -> None:
    """The app's refusal of such tokens can be tried."""
    token = await issuer.sign_in("sam.sales", version="1.0")

    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    assert claims["iss"] == f"{issuer.base}/{HOME}/"
    assert claims["appid"]
    assert "azp" not in claims


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"user": "nobody.known"}, "unknown user"),
        ({}, "user is missing"),
        ({"user": "sam.sales", "rolls": []}, "unknown field 'rolls'"),
        ({"user": "sam.sales", "lifetime_s": "1"}, "lifetime_s must be of type int"),
        ({"user": "sam.sales", "lifetime_s": True}, "lifetime_s must be of type int"),
        ({"user": "sam.sales", "roles": [1]}, "roles must be a list of strings"),
        ({"user": "sam.sales", "key": "mine"}, "key can only be"),
        ({"user": "sam.sales", "version": "3.0"}, "version can only be"),
        ([], "must be a JSON object"),
    ],
)
async def test_a_sign_in_that_makes_no_sense_is_told_so(issuer: RunningIssuer, body: object, told: str) -> None:
    """A typing error in a test must not become a valid token."""
    status, answer = await issuer.post("/token", json=body)

    assert status == 400
    assert told in answer["error_description"]


async def test_tokens_stay_valid_over_a_rotation(issuer: RunningIssuer) -> None:
    """The old key stays published, the new one signs."""
    before = await issuer.sign_in()
    await issuer.post("/rotate")
    after = await issuer.sign_in()

    assert await issuer.verify(before)
    assert await issuer.verify(after)
    assert jwt.get_unverified_header(before)["kid"] != jwt.get_unverified_header(after)["kid"]


def test_keys_survive_a_restart(tmp_path: Path) -> None:
    """Stored sessions must not die with the issuer; the file is for its owner only."""
    ring = KeyRing(tmp_path)
    ring.rotate()

    again = KeyRing(tmp_path)
    assert again.jwks("i") == ring.jwks("i")
    assert again.current_kid == ring.current_kid
    assert (tmp_path / "signing-keys.json").stat().st_mode & 0o077 == 0


async def test_pages_of_this_machine_may_read_the_answers_and_others_may_not(issuer: RunningIssuer) -> None:
    """The web client stands on its own origin."""
    url = issuer.base + "/people"
    async with issuer.http.get(url, headers={"Origin": "http://127.0.0.1:4280"}) as ours:
        assert ours.headers["Access-Control-Allow-Origin"] == "http://127.0.0.1:4280"
        assert next(one["user"] for one in await ours.json()) == "sam.sales"
    async with issuer.http.get(url, headers={"Origin": "http://127.0.0.1.evil.example"}) as theirs:
        assert "Access-Control-Allow-Origin" not in theirs.headers
    async with issuer.http.options(issuer.base + "/token", headers={"Origin": "http://localhost:1"}) as preflight:
        assert preflight.status == 204
        assert "content-type" in preflight.headers["Access-Control-Allow-Headers"]


async def test_discovery_leads_to_the_keys_of_a_known_tenant_only(issuer: RunningIssuer) -> None:
    """The app follows it as it does at Entra."""
    status, document = await issuer.get(f"/{HOME}/v2.0/.well-known/openid-configuration")

    assert status == 200
    assert document["issuer"] == f"{issuer.base}/{HOME}/v2.0"
    assert document["jwks_uri"].startswith(issuer.base)
    async with issuer.http.get(f"{issuer.base}/nobody/discovery/v2.0/keys") as unknown:
        assert unknown.status == 404


async def test_the_key_set_can_be_switched_off_for_a_while(issuer: RunningIssuer) -> None:
    """Stale-on-failure of the app's cache can be tried, and its fetches counted."""
    path = f"/{HOME}/discovery/v2.0/keys"
    await issuer.post("/_faults", json={"mode": "keys_unavailable", "count": 1})

    assert (await issuer.get(path))[0] == 503
    assert (await issuer.get(path))[0] == 200
    assert (await issuer.get("/_stats"))[1]["keys"] == 2
