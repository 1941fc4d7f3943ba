"""webPubSubTrigger answers the service with the status codes of the real extension's dispatcher."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession

from .conftest import ACCESS_KEY, Stack

_PATH = "/runtime/webhooks/webpubsub"
_SYSTEM = ("connect", "connected", "disconnected")
_CONNECT = {"claims": {"sub": ["u"]}, "query": {}, "subprotocols": ["p"], "clientCertificates": [], "headers": {}}


@pytest.fixture
async def http(stack: Stack) -> AsyncIterator[ClientSession]:
    """Open a client of the webhook."""
    async with ClientSession(base_url=stack.app.url) as session:
        yield session


def _headers(event: str, **changes: str | None) -> dict[str, str]:
    kind = "sys" if event in _SYSTEM else "user"
    signature = hmac.new(ACCESS_KEY.encode(), b"c1", hashlib.sha256).hexdigest()
    headers: dict[str, str | None] = {
        "ce-connectionId": "c1",
        "ce-hub": "coach",
        "ce-type": f"azure.webpubsub.{kind}.{event}",
        "ce-eventName": event,
        "ce-signature": f"sha256={signature}",
        "WebHook-Request-Origin": "127.0.0.1",
        "Content-Type": "application/json",
        **changes,
    }
    return {name: value for name, value in headers.items() if value is not None}


async def _send(http: ClientSession, event: str, body: Any = None, **changes: str | None) -> ClientResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    changes = {name.replace("_", "-"): value for name, value in changes.items()}
    return await http.post(_PATH, data=data, headers=_headers(event, **changes))


async def _connect(http: ClientSession, mode: str) -> ClientResponse:
    return await _send(http, "connect", {**_CONNECT, "query": {"mode": [mode]}})


def _states(response: ClientResponse) -> Any:
    content = json.loads(base64.b64decode(response.headers["ce-connectionState"]))
    return {name: json.loads(base64.b64decode(value)) for name, value in content.items()}


@pytest.mark.parametrize("method", ["OPTIONS", "GET"])
async def test_the_abuse_check_lets_the_listed_host_pass(http: ClientSession, method: str) -> None:
    """The host without its port, compared exactly; anything else is 400."""

    async def check(origin: str | None) -> tuple[int, str | None]:
        headers = {} if origin is None else {"WebHook-Request-Origin": origin}
        response = await http.request(method, _PATH, headers=headers)
        return response.status, response.headers.get("WebHook-Allowed-Origin")

    assert await check("127.0.0.1") == (200, "*")
    assert await check("other,127.0.0.1") == (200, "*")
    assert [await check(origin) for origin in ("localhost", "127.0.0.1:8080", None)] == [(400, None)] * 3


async def test_an_admitted_connect_carries_the_returned_settings_and_states(http: ClientSession) -> None:
    """userId, groups and roles as JSON; states in the extension's encoding."""
    response = await _connect(http, "ok")

    assert response.status == 200
    assert response.content_type == "application/json"
    expected = {"userId": "u1", "groups": ["g"], "subprotocol": None, "roles": ["webpubsub.sendToGroup"]}
    assert await response.json() == expected
    assert _states(response) == {"seen": {"n": 1}}


@pytest.mark.parametrize(
    ("mode", "status", "text"),
    [
        ("refuse", 401, "no"),
        ("silent", 500, "Value cannot be null. (Parameter 'content')"),
        ("raise", 500, "Exception while executing function: Functions.on_connect"),
        ("none", 200, ""),
        ("text", 200, ""),
    ],
)
async def test_a_connect_ends_as_the_extension_ends_it(http: ClientSession, mode: str, status: int, text: str) -> None:
    """A code wins; one without a message turns into 500; None and a str admit with the token's defaults."""
    response = await _connect(http, mode)

    assert (response.status, await response.text()) == (status, text)


async def test_a_user_event_is_answered_with_the_returned_data(http: ClientSession) -> None:
    """The event arrives as JSON text; `data` is text even for JSON; states are merged into the known ones."""
    known = base64.b64encode(
        json.dumps({"count": base64.b64encode(b"4").decode(), "kept": base64.b64encode(b'"k"').decode()}).encode()
    ).decode()

    response = await _send(http, "query", {"q": "ü"}, ce_connectionState=known, ce_userId="u1", X_Extra="1")
    seen = (await response.json())["seen"]

    assert (response.status, response.content_type) == (200, "application/json")
    assert _states(response) == {"count": 5, "kept": "k"}
    assert seen["dataType"] == "Json"
    assert json.loads(seen["data"]) == {"q": "ü"}
    context = seen["connectionContext"]
    assert (context["eventType"], context["eventName"], context["hub"]) == ("User", "query", "coach")
    assert (context["connectionId"], context["userId"], context["origin"]) == ("c1", "u1", "127.0.0.1")
    assert context["states"] == {"count": 4, "kept": "k"}
    assert context["headers"]["X-Extra"] == ["1"]
    assert "Content-Type" not in context["headers"]


async def test_bytes_arrive_as_bytes_when_the_binding_asks_for_them(http: ClientSession) -> None:
    """With arg_name `data` and data_type BINARY."""
    response = await _send(http, "bytes", b"\x00\xff", Content_Type="application/octet-stream")

    assert (await response.text(), response.content_type) == ("00ff", "text/plain")


@pytest.mark.parametrize(
    ("event", "status", "text"),
    [
        ("stringless", 500, "Message data should be string, please stringify object."),
        ("list", 500, "Response should be a JObject."),
        ("unnamed", 200, "None"),
        ("nodata", 200, ""),
        ("unknown", 404, ""),
    ],
)
async def test_a_user_event_ends_as_the_extension_ends_it(
    http: ClientSession, event: str, status: int, text: str
) -> None:
    """Non-text data and lists fail; a parameter of an unknown name is None; an event without function is 404."""
    response = await _send(http, event, "x", Content_Type="text/plain")

    assert (response.status, await response.text()) == (status, text)


async def test_nobody_waits_for_connected_and_disconnected(http: ClientSession) -> None:
    """They are 200 even when the function fails."""
    connected = await _send(http, "connected", {})
    disconnected = await _send(http, "disconnected", {"reason": None})

    assert (connected.status, disconnected.status) == (200, 200)


@pytest.mark.parametrize("missing", ["ce-connectionId", "ce-hub", "ce-type", "ce-eventName", "WebHook-Request-Origin"])
async def test_a_request_without_its_headers_is_bad(http: ClientSession, missing: str) -> None:
    """400, before anything is looked up."""
    headers = {name: value for name, value in _headers("query").items() if name != missing}

    assert (await http.post(_PATH, data=b"{}", headers=headers)).status == 400


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"ce_signature": None}, 401),
        ({"ce_signature": "sha256=00"}, 401),
        ({"ce_connectionId": "c2"}, 401),
        ({"WebHook_Request_Origin": "localhost"}, 401),
        ({"ce_connectionState": "!"}, 400),
        ({"Content_Type": "image/png"}, 400),
        ({"ce_hub": "COACH"}, 200),
        ({"ce_hub": "other"}, 404),
        ({"ce_eventName": "QUERY"}, 200),
        ({"ce_type": "azure.webpubsub.sys.query"}, 404),
    ],
)
async def test_callers_are_checked_in_the_dispatchers_order(
    http: ClientSession, changes: dict[str, str | None], status: int
) -> None:
    """Function first, then origin and signature, then the body; names without case."""
    assert (await _send(http, "query", {}, **changes)).status == status


async def test_signatures_are_compared_without_case_and_one_of_several_suffices(http: ClientSession) -> None:
    """The service sends the primary and the secondary key's."""
    good = _headers("query")["ce-signature"]

    assert (await _send(http, "query", {}, ce_signature=good.upper().replace("SHA256", "sha256"))).status == 200
    assert (await _send(http, "query", {}, ce_signature=f"sha256=00,{good}")).status == 200


async def test_events_are_posted(http: ClientSession) -> None:
    """Another method with a good signature is 400."""
    assert (await http.put(_PATH, data=b"{}", headers=_headers("query"))).status == 400
