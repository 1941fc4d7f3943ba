"""Who is refused: the matrix of bad tokens, at the REST data plane and at the client endpoint."""

import functools
import json
import time

import jwt
import pytest
from aiohttp import ClientSession, WSServerHandshakeError
from cryptography.hazmat.primitives.asymmetric import rsa
from yarl import URL

from local.webpubsub.config import ConfigFault, Settings
from local.webpubsub.server import WebPubSub

from .conftest import Start
from .plain_client import JSON, signed

KEY = "a-key-that-is-long-enough-for-every-algorithm-of-the-HMAC-family-"
OTHER_KEY = "another-key-of-more-than-thirty-two-bytes"
SEND = "/api/hubs/chat/:send?api-version=2024-12-01"
CLIENT = "/client/hubs/chat"


@pytest.fixture
async def service(start: Start) -> WebPubSub:
    """Start a service with a key that could sign by any algorithm."""
    return await start(keys=(KEY,))


@functools.cache
def _foreign_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _bad_tokens(audience: str) -> dict[str, str]:
    now = time.time()
    good = {"aud": audience, "exp": now + 60}
    unsigned = jwt.encode(good, "", algorithm="none")
    valid = signed(KEY, good)
    return {
        "wrong key": signed(OTHER_KEY, good),
        "expired": signed(KEY, good | {"exp": now - 301}),
        "no expiry": signed(KEY, {"aud": audience}),
        "not yet valid": signed(KEY, good | {"nbf": now + 400}),
        "other audience": signed(KEY, good | {"aud": audience.replace("chat", "other")}),
        "no audience": signed(KEY, {"exp": now + 60}),
        "HS512": signed(KEY, good, "HS512"),
        "HS384": signed(KEY, good, "HS384"),
        "RS256": jwt.encode(good, _foreign_key(), algorithm="RS256", headers={"kid": "k"}),
        "no algorithm": unsigned,
        "no signature": valid.rpartition(".")[0] + ".",
        "changed payload": ".".join([valid.split(".")[0], unsigned.split(".")[1] + "A", valid.split(".")[2]]),
        "garbage": "garbage",
        "dots": "..",
        "empty": " ",
    }


@pytest.fixture(params=list(_bad_tokens("x")))
def bad(request: pytest.FixtureRequest) -> str:
    """Name one bad token after the other."""
    return str(request.param)


async def _post(http: ClientSession, url: str, token: str | None) -> tuple[int, str]:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token is not None else {})
    async with http.post(URL(url, encoded=True), data=b"1", headers=headers) as answer:
        text = await answer.text()
        return answer.status, json.loads(text)["code"] if text else ""


async def test_rest_refuses_a_bad_token(service: WebPubSub, http: ClientSession, bad: str) -> None:
    """Each is 401 in the service's error shape."""
    url = service.url + SEND

    assert await _post(http, url, _bad_tokens(url)[bad]) == (401, "Error.Unauthorized")


async def test_a_client_with_a_bad_token_is_refused_before_the_upgrade(
    service: WebPubSub, http: ClientSession, bad: str
) -> None:
    """Each is HTTP 401, in the query and in the header alike."""
    url = service.url + CLIENT
    token = _bad_tokens(url)[bad]

    for address, headers in [
        (URL(url).with_query(access_token=token), {}),
        (URL(url), {"Authorization": f"Bearer {token}"}),
    ]:
        with pytest.raises(WSServerHandshakeError) as refused:
            await http.ws_connect(address, headers=headers, protocols=(JSON,))
        assert refused.value.status == 401


async def test_without_a_token_nobody_comes_in(service: WebPubSub, http: ClientSession) -> None:
    """Neither REST nor a client, and another scheme than Bearer is none."""
    with pytest.raises(WSServerHandshakeError) as refused:
        await http.ws_connect(service.url + CLIENT)

    assert refused.value.status == 401
    assert (await _post(http, service.url + SEND, None))[0] == 401
    async with http.post(service.url + SEND, headers={"Authorization": "Basic eDp5"}) as answer:
        assert answer.status == 401


@pytest.mark.parametrize(
    ("path", "audience"),
    [
        (SEND, "{url}" + SEND),
        (SEND, "{url}/api/hubs/chat/:send"),
        (SEND, "HTTP://{host}" + SEND.upper()),
        ("/api/hubs/chat/users/a%3Ab/:send", "{url}/api/hubs/chat/users/a%3Ab/:send"),
        ("/api/hubs/chat/users/a%3Ab/:send", "{url}/api/hubs/chat/users/a:b/:send"),
    ],
)
async def test_the_audience_is_the_address_as_the_caller_wrote_it(
    service: WebPubSub, http: ClientSession, path: str, audience: str
) -> None:
    """With and without query, percent-encoded or not, without case."""
    claim = audience.format(url=service.url, host=f"127.0.0.1:{service.port}")

    status, _ = await _post(http, service.url + path, signed(KEY, {"aud": claim, "exp": time.time() + 60}))

    assert status == 202


async def test_the_host_is_the_one_that_the_caller_used(service: WebPubSub, http: ClientSession) -> None:
    """Who calls `LOCALHOST` signs for localhost; the service's own name for itself does not matter."""
    url = f"http://LocalHost:{service.port}/api/hubs/chat/:send"
    headers = {"Host": f"LocalHost:{service.port}", "Content-Type": "application/json"}
    token = signed(KEY, {"aud": url.lower(), "exp": time.time() + 60})

    async with http.post(
        service.url + "/api/hubs/chat/:send", data=b"1", headers=headers | {"Authorization": f"Bearer {token}"}
    ) as answer:
        assert answer.status == 202


async def test_clocks_may_differ_by_five_minutes(service: WebPubSub, http: ClientSession) -> None:
    """A token that expired a moment ago is still taken."""
    url = service.url + SEND

    assert (await _post(http, url, signed(KEY, {"aud": url, "exp": time.time() - 200})))[0] == 202


async def test_both_keys_open_the_doors(start: Start, http: ClientSession) -> None:
    """What the secondary key signed is as good."""
    service = await start(keys=(KEY, OTHER_KEY))
    url = service.url + SEND

    for key in (KEY, OTHER_KEY):
        assert (await _post(http, url, signed(key, {"aud": url, "exp": time.time() + 60})))[0] == 202
        client = URL(service.url + CLIENT)
        token = signed(key, {"aud": str(client), "exp": time.time() + 60, "sub": "ann"})
        async with http.ws_connect(client.with_query(access_token=token), protocols=(JSON,)) as socket:
            assert json.loads((await socket.receive()).data)["userId"] == "ann"


async def test_roles_and_groups_may_be_single_texts(service: WebPubSub, http: ClientSession) -> None:
    """A claim of one value need not be a list."""
    client = URL(service.url + CLIENT)
    claims = {"aud": str(client), "exp": time.time() + 60, "role": "webpubsub.sendToGroup", "webpubsub.group": "g"}

    async with http.ws_connect(client.with_query(access_token=signed(KEY, claims)), protocols=(JSON,)) as socket:
        await socket.receive()
        await socket.send_json({"type": "sendToGroup", "group": "g", "data": 1})
        assert json.loads((await socket.receive()).data)["group"] == "g"


@pytest.mark.parametrize("key", ["short", "a" * 40 + ";"])
def test_a_key_that_the_sdks_could_not_use_is_refused(key: str) -> None:
    """Too short for HS256, or not fit for a connection string."""
    with pytest.raises(ConfigFault):
        Settings(keys=(key,))
