"""Abuse protection: the app is asked before it is sent anything."""

from typing import Any

import pytest
from aiohttp import ClientSession, WSServerHandshakeError, web

from local.webpubsub.config import Limits
from local.webpubsub.server import WebPubSub

from .app_handler import AppHandler, Received
from .conftest import Connect, Start
from .plain_client import JSON, client_url


async def test_the_app_is_asked_once_before_the_first_event(connect: Connect, app: AppHandler) -> None:
    """The question names the service's host, bare, and its version; a yes is remembered."""
    for _ in range(2):
        await connect("ann")

    questions = app.of("OPTIONS")
    assert len(questions) == 1
    assert questions[0].path == "/events/chat/validate"
    assert questions[0].headers["WebHook-Request-Origin"] == "127.0.0.1"
    assert questions[0].headers["ce-awpsversion"] == "1.0"
    assert app.received[0] is questions[0]


async def test_a_yes_is_asked_for_again_after_a_while(start: Start, http: ClientSession, app: AppHandler) -> None:
    """The memory of a yes runs out."""
    service = await start(limits=Limits(preflight_valid_s=0))

    async with http.ws_connect(client_url(service), protocols=(JSON,)):
        await app.sees("connected")

    assert len(app.of("OPTIONS")) >= 2


@pytest.mark.parametrize(
    ("allowed", "works"),
    [
        ("*", True),
        ("127.0.0.1", True),
        ("127.0.0.1:8080", True),
        ("elsewhere.example, 127.0.0.1", True),
        ("elsewhere.example", False),
        ("", False),
    ],
)
async def test_the_answer_must_allow_this_origin(
    service: WebPubSub, http: ClientSession, app: AppHandler, allowed: str, *, works: bool
) -> None:
    """A star, the host, or the host with a port; anything else keeps events away from the app."""
    app.answer("OPTIONS", headers={"WebHook-Allowed-Origin": allowed})

    if works:
        async with http.ws_connect(client_url(service), protocols=(JSON,)):
            assert app.of("connect")
        return
    with pytest.raises(WSServerHandshakeError) as refused:
        await http.ws_connect(client_url(service), protocols=(JSON,))
    assert refused.value.status == 500
    assert not app.of("connect")


async def test_an_app_without_options_is_asked_by_get(connect: Connect, app: AppHandler) -> None:
    """A 404 to OPTIONS is followed by GET."""

    async def not_found(_: Received) -> web.Response:
        return web.Response(status=404)

    app.answers["OPTIONS"] = not_found
    app.answer("GET", headers={"WebHook-Allowed-Origin": "*"})

    await connect("ann")

    assert [one.event for one in app.received[:3]] == ["OPTIONS", "GET", "connect"]


async def test_a_no_is_not_asked_for_again_at_once(service: WebPubSub, http: ClientSession, app: AppHandler) -> None:
    """A refusal holds for a second, then longer."""
    app.answer("OPTIONS", status=403)

    for _ in range(3):
        with pytest.raises(WSServerHandshakeError):
            await http.ws_connect(client_url(service), protocols=(JSON,))

    assert len(app.of("OPTIONS")) == 1


async def test_an_app_that_was_down_is_asked_at_the_next_event(
    start: Start, http: ClientSession, app: AppHandler
) -> None:
    """Being down is no refusal: the restarted app is served at once."""
    service = await start(limits=Limits(retry_delays_s=()))
    app.answer("OPTIONS", status=503)
    statuses: list[Any] = []
    with pytest.raises(WSServerHandshakeError):
        await http.ws_connect(client_url(service), protocols=(JSON,))

    del app.answers["OPTIONS"]
    async with http.ws_connect(client_url(service), protocols=(JSON,)) as socket:
        statuses.append((await socket.receive()).json()["event"])

    assert statuses == ["connected"]
