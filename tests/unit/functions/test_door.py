"""The HTTP door: what it lets in, what it refuses, and that it says the same as the trigger."""

from __future__ import annotations

import base64
import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta

import azure.functions as func
import pytest

from functions import _cloud_events, _edge, _events, connect, events
from shared.domain.errors import ChatError, ErrorCode
from shared.settings import load

PERSON = "11111111-1111-4111-8111-111111111111:22222222-2222-4222-8222-222222222222"
ENVIRONMENT = {
    "COSMOS": "AccountEndpoint=http://127.0.0.1:1/;AccountKey=a2V5;",
    "WebPubSubConnectionString__serviceUri": "https://chat.example.com",
    "UPSTREAM_PROOF": "identity",
    "UPSTREAM_AUDIENCE": "api://upstream",
    "UPSTREAM_PRINCIPAL": "service",
    "PROMPTS": "UseDevelopmentStorage=true",
    "AUTH_TENANTS": "t",
    "AUTH_AUDIENCES": "a",
    "SEALING_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "OPENAI_BASE_URL": "http://127.0.0.1:1/v1",
    "MCP_SERVER_SOURCE": "file",
    "ALLOWED_ORIGINS": "https://web.example.com",
}


@pytest.fixture(autouse=True)
def service(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Settings of a deployment, and a proof that takes the token `good`."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("WebPubSubConnectionString", raising=False)
    load.cache_clear()

    async def prove(connection_id: str, signature: str | None, authorization: str | None) -> None:  # noqa: ARG001
        if authorization != "Bearer good":
            raise ChatError(ErrorCode.UNAUTHENTICATED, "not proved")

    monkeypatch.setattr(_edge, "prove", prove)
    yield
    load.cache_clear()


def request(
    name: str = "connect", body: object = None, changes: dict[str, str | None] | None = None
) -> func.HttpRequest:
    """A CloudEvent as the service sends it, with some headers changed or left out."""
    kind = "sys" if name in ("connect", "connected", "disconnected") else "user"
    headers = {
        "ce-specversion": "1.0",
        "ce-type": f"azure.webpubsub.{kind}.{name}",
        "ce-source": "/hubs/salescoach/client/c1",
        "ce-id": "1",
        "ce-time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "ce-hub": "salescoach",
        "ce-connectionId": "c1",
        "ce-userId": PERSON,
        "ce-eventName": name,
        "authorization": "Bearer good",
    } | (changes or {})
    kept = {key.lower(): value for key, value in headers.items() if value is not None}
    return func.HttpRequest(method="POST", url="/api/events", headers=kept, body=json.dumps(body or {}).encode())


def test_the_step_and_not_the_door_answers_the_handshake() -> None:
    """Steps register their own answers; the door knows none of them."""
    assert _events._answers["connect"] is connect.admit


async def status(req: func.HttpRequest) -> int:
    """What the door answers."""
    return (await _events.from_http(req, None)).status_code


@pytest.mark.requirement("door:proved")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"authorization": None}, 401),
        ({"authorization": "Bearer forged"}, 401),
        ({"ce-hub": "another"}, 400),
        ({"ce-type": "azure.webpubsub.user.connect"}, 400),
        ({"ce-specversion": "0.3"}, 400),
        ({"ce-connectionId": None}, 400),
        ({"ce-connectionId": "c\udcff"}, 400),
        ({"ce-connectionId": "c 1"}, 400),
        ({"ce-connectionId": "c" * 257}, 400),
        ({"ce-userId": "t:\udcff"}, 400),
        ({"ce-time": "yesterday"}, 400),
        ({"ce-time": "2026-01-01T00:00:00"}, 400),
        ({"ce-time": "2026-01-01T00:00:00Z"}, 401),
        ({}, 200),
    ],
    ids=str,
)
async def test_an_event_must_be_proved_fresh_and_ours(changes: dict[str, str | None], expected: int) -> None:
    """Nothing in the request is believed before."""
    assert await status(request(changes=changes)) == expected


async def test_five_minutes_of_age_are_the_bound() -> None:
    """Captured events cannot be sent again later; clocks may differ a little."""
    for age, expected in ((299, 200), (-299, 200), (302, 401), (-302, 401)):
        time = (datetime.now(UTC) - timedelta(seconds=age)).isoformat()
        assert await status(request(changes={"ce-time": time})) == expected, age


@pytest.mark.requirement("door:foreign-origin")
async def test_a_page_of_somebody_else_is_refused_with_403() -> None:
    """The trigger has no such code; this door has."""
    assert await status(request(body={"headers": {"Origin": ["https://evil.example.com"]}})) == 403
    assert await status(request(body={"headers": {"origin": ["https://web.example.com"]}})) == 200
    assert await status(request(changes={"ce-userId": None})) == 401
    assert await status(func.HttpRequest(method="POST", url="/", headers=request().headers, body=b"[" * 9_000)) == 400


async def test_connect_grants_no_roles() -> None:
    """The answer is built from constants and the proved person."""
    answer = await _events.from_http(request(body={"query": {"role": ["webpubsub.joinLeaveGroup"]}}), None)

    assert json.loads(answer.get_body()) == {"userId": PERSON, "roles": []}


@pytest.mark.requirement("query:bad-input")
@pytest.mark.parametrize("kind", ["application/octet-stream", "application/x-protobuf", "text/plain", None])
async def test_what_is_no_utf8_text_is_refused_behind_either_door(kind: str | None) -> None:
    """A binary frame even if it could be read, and bytes that are no UTF-8 whatever they call themselves."""
    sent = request("message", {"type": "ping"}, {"content-type": kind})
    _, by_http = await _cloud_events.read(sent)
    broken = func.HttpRequest(method="POST", url="/", headers=sent.headers, body=b'{"type":"ping"}\xff')
    _, by_bytes = await _cloud_events.read(broken)
    context = {"connectionId": "c1", "headers": {"Authorization": ["Bearer good"]}}
    event = {"connectionContext": context, "data": '{"type":"ping"}', "dataType": "Binary" if kind else "Text"}
    by_trigger = await _edge.client_event(json.dumps(event))

    refused = kind is not None and kind != "text/plain"
    assert (by_http.data is None) == refused
    assert by_bytes.data is None
    assert (by_trigger.data is None) == (kind is not None)
    answer = await _edge.answer(by_bytes, "message", None)  # pyright: ignore[reportArgumentType]  # never gets there
    assert answer is not None
    assert json.loads(answer["data"])["code"] == "bad_request"


async def test_an_event_that_no_step_answers_is_not_found() -> None:
    """The hub's own filter is not the only one."""
    assert await status(request("shout")) == 404


def options(origin: str | None) -> func.HttpResponse:
    """Ask as the service does before its first event."""
    headers = {} if origin is None else {"webhook-request-origin": origin}
    return events._handshake(headers)


@pytest.mark.requirement("door:handshake")
@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("chat.example.com", (200, "chat.example.com")),
        ("CHAT.example.com", (200, "chat.example.com")),
        ("other.example.com, chat.example.com", (200, "chat.example.com")),
        ("evil.example.com", (400, None)),
        ("*", (400, None)),
        ("", (400, None)),
        (None, (400, None)),
    ],
)
def test_only_the_configured_host_may_send(origin: str | None, expected: tuple[int, str | None]) -> None:
    """The answer never holds what was asked, only what is configured."""
    answer = options(origin)

    assert (answer.status_code, answer.headers.get("WebHook-Allowed-Origin")) == expected


@pytest.mark.parametrize("states", [{}, {"session": "s-1"}, {"session": "Ü"}])
def test_a_connections_state_comes_back_as_it_was(states: dict[str, str]) -> None:
    """Through a header, which takes ASCII only."""
    written = _cloud_events.state_text(states)

    assert written.isascii()
    assert _cloud_events._states(written) == states


@pytest.mark.parametrize(
    "header",
    [
        base64.b64encode(b"[" * 9_000).decode(),
        None,
        "",
        "not base64!",
        base64.b64encode(b"[1]").decode(),
        "e30",
        "////",
    ],
)
def test_a_state_of_another_door_counts_as_none(header: str | None) -> None:
    """The person signs in again; nothing breaks."""
    assert _cloud_events._states(header) == {}


async def test_both_doors_give_the_steps_the_same_event() -> None:
    """Same connection, person, text and session."""
    state = _cloud_events.state_text({"session": "s-1"})
    _, by_http = await _cloud_events.read(request("message", {"type": "ping"}, {"ce-connectionState": state}))
    by_trigger = await _edge.client_event(
        json.dumps(
            {
                "connectionContext": {
                    "connectionId": "c1",
                    "userId": PERSON,
                    "headers": {"Authorization": ["Bearer good"]},
                    "states": {"session": "s-1"},
                },
                "data": json.dumps({"type": "ping"}),
            }
        )
    )

    same = ("connection_id", "user_id", "data", "session_id", "origin")
    assert [getattr(by_http, name) for name in same] == [getattr(by_trigger, name) for name in same]
