"""A page signs a sample person in by the authorization-code flow with PKCE."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from .conftest import HOME, RunningIssuer

CLIENT = "66666666-6666-4666-8666-666666666666"
VERIFIER = "a-verifier-of-more-than-forty-three-characters-indeed"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
WISH = {
    "client_id": CLIENT,
    "response_type": "code",
    "redirect_uri": "http://127.0.0.1:4280/",
    "scope": "api://salescoach/access_as_user openid profile offline_access",
    "state": "the-state",
    "nonce": "the-nonce",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
TOKEN = f"/{HOME}/oauth2/v2.0/token"


async def code_for(issuer: RunningIssuer, user: str = "sam.sales") -> str:
    """Choose a person and give the code of the redirect."""
    url = f"{issuer.base}/{HOME}/oauth2/v2.0/authorize"
    async with issuer.http.get(url, params={**WISH, "user": user}, allow_redirects=False) as answer:
        back = urlsplit(answer.headers["Location"])
    told = parse_qs(back.fragment)
    assert (answer.status, f"{back.scheme}://{back.netloc}/") == (302, WISH["redirect_uri"])
    assert told["state"] == ["the-state"]
    return told["code"][0]


def exchange(code: str, **changes: str) -> dict[str, Any]:
    """Write the form that redeems a code."""
    form = {"client_id": CLIENT, "grant_type": "authorization_code", "code": code}
    return {"data": {**form, "redirect_uri": WISH["redirect_uri"], "code_verifier": VERIFIER, **changes}}


async def test_a_code_gives_a_token_that_the_api_takes_and_an_identity(issuer: RunningIssuer) -> None:
    """For the API's audience, with the person's roles; the identity repeats the nonce."""
    status, answer = await issuer.post(TOKEN, **exchange(await code_for(issuer)))

    claims = await issuer.verify(answer["access_token"])
    identity = jwt.decode(answer["id_token"], options={"verify_signature": False})
    assert status == 200
    assert (claims["roles"], claims["scp"]) == (["Sales"], "access_as_user")
    assert (identity["nonce"], identity["aud"]) == ("the-nonce", CLIENT)


async def test_a_code_is_good_once_and_for_its_own_verifier_and_page(issuer: RunningIssuer) -> None:
    """A stolen code helps nobody."""
    used = await code_for(issuer)
    await issuer.post(TOKEN, **exchange(used))
    refused = [
        await issuer.post(TOKEN, **exchange(used)),
        await issuer.post(TOKEN, **exchange(await code_for(issuer), code_verifier="another")),
        await issuer.post(TOKEN, **exchange(await code_for(issuer), redirect_uri="http://127.0.0.1:1/")),
    ]

    assert [answer["error"] for _, answer in refused] == ["invalid_grant", "invalid_grant", "invalid_client"]


async def test_a_refresh_token_gives_new_tokens_once(issuer: RunningIssuer) -> None:
    """Each use brings the next one."""
    _, first = await issuer.post(TOKEN, **exchange(await code_for(issuer)))
    form = {"client_id": CLIENT, "grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    status, second = await issuer.post(TOKEN, data=form)
    again, _ = await issuer.post(TOKEN, data=form)

    assert (status, again) == (200, 400)
    assert second["refresh_token"] != first["refresh_token"]
    assert (await issuer.verify(second["access_token"]))["name"] == "Sam Sales (sample)"


async def test_the_page_lists_the_sample_people(issuer: RunningIssuer) -> None:
    """Each a link that signs in."""
    async with issuer.http.get(f"{issuer.base}/{HOME}/oauth2/v2.0/authorize", params=WISH) as answer:
        page = await answer.text()

    assert 'data-user="sam.sales"' in page
    assert "state=the-state" in page


@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": "http://127.0.0.1.evil.example/"},
        {"client_id": "somebody"},
        {"response_type": "token"},
        {"code_challenge_method": "plain"},
        {"code_challenge": ""},
    ],
)
async def test_another_page_client_or_flow_is_refused(issuer: RunningIssuer, change: dict[str, str]) -> None:
    """Nobody is redirected."""
    url = f"{issuer.base}/{HOME}/oauth2/v2.0/authorize"
    asked = {**WISH, **change, "user": "sam.sales"}
    async with issuer.http.get(url, params=asked, allow_redirects=False) as answer:
        assert answer.status == 400
