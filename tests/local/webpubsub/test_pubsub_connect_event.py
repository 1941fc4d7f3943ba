"""The connect event: what the app learns, and what it may decide."""

import json
from typing import Any

import pytest
from aiohttp import ClientSession, WSServerHandshakeError

from local.webpubsub.server import WebPubSub

from .app_handler import AppHandler
from .conftest import Connect
from .plain_client import EVERYTHING, HUB, JSON, client_url


async def test_connect_tells_what_the_client_brought_but_no_secret(connect: Connect, app: AppHandler) -> None:
    """Claims, query and headers as lists; the access token in none of them."""
    await connect("ann", query={"color": "red"}, roles=["r"])

    body = json.loads(app.of("connect")[0].body)

    assert body["claims"]["sub"] == ["ann"]
    assert body["claims"]["role"] == ["r"]
    assert body["query"] == {"color": ["red"]}
    assert body["subprotocols"] == [JSON]
    assert body["clientCertificates"] == []
    assert "Authorization" not in body["headers"]
    assert all(isinstance(values, list) for values in body["headers"].values())


@pytest.mark.parametrize(
    ("answer", "user", "roles", "groups"),
    [
        ({}, "ann", EVERYTHING, {"token"}),
        (None, "ann", EVERYTHING, {"token"}),
        ({"userId": None, "roles": None, "groups": None}, "ann", EVERYTHING, {"token"}),
        ({"userId": "bob", "groups": ["a", "b"]}, "bob", EVERYTHING, {"a", "b"}),
        ({"userId": "", "groups": []}, None, EVERYTHING, {"token"}),
        ({"roles": []}, "ann", (), {"token"}),
        ({"roles": ["webpubsub.sendToGroup.x"]}, "ann", ("webpubsub.sendToGroup.x",), {"token"}),
    ],
)
async def test_the_connect_handler_decides_as_whom_a_client_comes_in(
    connect: Connect, service: WebPubSub, app: AppHandler, answer: Any, user: str | None, roles: Any, groups: set[str]
) -> None:
    """What it names replaces the token's word, null keeps it, empty roles take all away."""
    app.answer("connect", text=json.dumps(answer), content_type="text/html")

    client = await connect("ann", roles=EVERYTHING, groups=["token"])

    connection = service.hubs.get(HUB).connections[client.connection_id]
    assert client.frames[0]["userId"] == user
    assert connection.permissions.roles == set(roles)
    assert connection.groups == groups


@pytest.mark.parametrize("status", [401, 403, 400, 429, 302])
async def test_a_refusing_connect_handler_is_quoted(
    service: WebPubSub, http: ClientSession, app: AppHandler, status: int
) -> None:
    """The client gets its status without its body, and no further event is raised."""
    app.answer("connect", status=status, text="secret")

    async with http.get(client_url(service), headers=_upgrade(), allow_redirects=False) as answer:
        assert answer.status == (status if status >= 400 else 500)
        assert "secret" not in await answer.text()

    assert [one.event for one in app.received] == ["OPTIONS", "connect"]


def _upgrade() -> dict[str, str]:
    return {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }


@pytest.mark.parametrize(
    "body",
    ["{", "[]", '"x"', '{"userId":1}', '{"groups":[""]}', '{"roles":[null]}', '{"groups":"g"}', '{"subprotocol":"x"}'],
)
async def test_a_connect_answer_that_cannot_be_read_refuses_the_client(
    service: WebPubSub, http: ClientSession, app: AppHandler, body: str
) -> None:
    """The client gets 500."""
    app.answer("connect", text=body)

    with pytest.raises(WSServerHandshakeError) as refused:
        await http.ws_connect(client_url(service), protocols=(JSON,))

    assert refused.value.status == 500


async def test_the_connect_handler_chooses_the_subprotocol(
    service: WebPubSub, http: ClientSession, app: AppHandler
) -> None:
    """One of those offered, also one that only the app knows: then the client is raw."""
    app.answer("connect", text='{"subprotocol":"custom.v1"}')

    async with http.ws_connect(client_url(service), protocols=(JSON, "custom.v1")) as socket:
        assert socket.protocol == "custom.v1"
        await socket.send_str("{}")
        event = (await app.sees("message"))[0]

    assert event.headers["ce-subprotocol"] == "custom.v1"
