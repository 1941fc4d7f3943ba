"""The REST data plane on the wire: exact codes, headers, errors, and what is refused."""

import asyncio
import io
import json
from typing import Any

import pytest
from aiohttp import ClientSession
from yarl import URL

from local.webpubsub.server import WebPubSub

from .conftest import Connect
from .plain_client import bearer

HUB = "/api/hubs/chat"
Send = Any


class Caller:
    """Sends bare REST requests with a good token."""

    def __init__(self, service: WebPubSub, http: ClientSession) -> None:
        self._service = service
        self._http = http

    async def __call__(self, method: str, path: str, **more: Any) -> tuple[int, Any, Any]:
        """Return status, headers and JSON body."""
        headers = bearer(self._service, path) | more.pop("headers", {})
        url = URL(self._service.url + path, encoded=True)
        async with self._http.request(method, url, headers=headers, **more) as answer:
            body = await answer.read()
            return answer.status, answer.headers, json.loads(body) if body else None


@pytest.fixture
def call(service: WebPubSub, http: ClientSession) -> Caller:
    """Call REST operations without an SDK."""
    return Caller(service, http)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/:send", 202),
        ("POST", "/groups/g/:send", 202),
        ("POST", "/users/u/:send", 202),
        ("POST", "/connections/c/:send", 202),
        ("POST", "/:closeConnections", 204),
        ("POST", "/groups/g/:closeConnections", 204),
        ("POST", "/users/u/:closeConnections", 204),
        ("DELETE", "/connections/c", 204),
        ("HEAD", "/connections/c", 404),
        ("HEAD", "/connections/{id}", 200),
        ("HEAD", "/groups/g", 404),
        ("HEAD", "/users/u", 404),
        ("HEAD", "/users/ann", 200),
        ("PUT", "/groups/g/connections/{id}", 200),
        ("PUT", "/groups/g/connections/c", 404),
        ("DELETE", "/groups/g/connections/c", 204),
        ("DELETE", "/connections/c/groups", 204),
        ("PUT", "/users/ann/groups/g", 200),
        ("PUT", "/users/u/groups/g", 404),
        ("DELETE", "/users/u/groups/g", 204),
        ("DELETE", "/users/u/groups", 204),
        ("GET", "/groups/g/connections", 200),
        ("PUT", "/permissions/sendToGroup/connections/{id}?targetName=g", 200),
        ("PUT", "/permissions/SENDTOGROUP/connections/{id}?targetName=g", 200),
        ("PUT", "/permissions/sendToGroup/connections/c?targetName=g", 404),
        ("PUT", "/permissions/dance/connections/{id}?targetName=g", 400),
        ("DELETE", "/permissions/sendToGroup/connections/c?targetName=g", 204),
        ("HEAD", "/permissions/sendToGroup/connections/{id}?targetName=g", 404),
        ("POST", "/:addToGroups", 200),
        ("POST", "/:removeFromGroups", 200),
        ("POST", "/:generateToken", 401),
        ("POST", "/:dance", 501),
        ("GET", "/:send", 405),
        ("POST", "/groups/%20/:send", 400),
        ("GET", "/groups/g/connections?maxpagesize=0", 400),
        ("GET", "/groups/g/connections?maxpagesize=201", 400),
        ("GET", "/groups/g/connections?top=0", 400),
        ("GET", "/groups/g/connections?top=many", 400),
        ("POST", "/:send?messageTtlSeconds=301", 400),
        ("POST", "/:send?messageTtlSeconds=-1", 400),
        ("POST", "/:send?messageTtlSeconds=0", 202),
        ("POST", "/:send?filter=dance", 400),
        ("POST", "/:send?api-version=2021-10-01", 202),
        ("POST", "/:send?api-version=2022-11-01", 202),
        ("POST", "/:send?api-version=2023-07-01", 202),
        ("POST", "/:send?api-version=2024-01-01", 202),
        ("POST", "/:send?api-version=2024-12-01", 202),
        ("POST", "/:send?api-version=2020-01-01", 400),
        ("POST", "/:send?api-version=2024-12-01&api-version=2024-12-01", 400),
    ],
)
async def test_each_operation_answers_its_exact_code(
    call: Caller, connect: Connect, method: str, path: str, status: int
) -> None:
    """The SDKs take the listed code for success and no other."""
    ann = await connect("ann")
    body = {"json": {"groups": ["g"], "filter": "userId eq 'ann'"}} if method == "POST" else {}

    found, headers, document = await call(method, HUB + path.replace("{id}", ann.connection_id), **body)

    assert found == status
    assert "2024-12-01" in headers["api-supported-versions"]
    if status >= 400 and method != "HEAD":
        assert set(document) == {"code", "message", "target"}
        assert headers["x-ms-error-code"] == document["code"]


async def test_connections_are_moved_between_groups_by_filter(call: Caller, connect: Connect) -> None:
    """`:addToGroups` and `:removeFromGroups` touch those who match."""
    await connect("ann")
    await connect("ben")

    await call("POST", f"{HUB}/:addToGroups", json={"groups": ["g", "h"], "filter": "userId eq 'ann'"})
    _, _, members = await call("GET", f"{HUB}/groups/h/connections")
    await call("POST", f"{HUB}/:removeFromGroups", json={"groups": ["g"]})

    assert [one["userId"] for one in members["value"]] == ["ann"]
    assert (await call("HEAD", f"{HUB}/groups/g"))[0] == 404
    assert (await call("HEAD", f"{HUB}/groups/h"))[0] == 200


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"groups":"g"}', b'{"groups":[""]}', b'{"groups":["g"],"filter":1}'])
async def test_a_selection_that_is_none_is_refused(call: Caller, body: bytes) -> None:
    """Groups must be names, the filter a text."""
    assert (await call("POST", f"{HUB}/:addToGroups", data=body))[0] == 400


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b"{", 400),
        ("application/json", b"NaN", 400),
        ("application/json", b"[" * 100_000, 400),
        ("application/json", b"\xff", 400),
        ("application/json; charset=utf-8", b"{}", 202),
        ("text/plain", b"\xff", 400),
        ("text/html", b"x", 415),
        ("application/octet-stream", b"\xff", 202),
        ("application/octet-stream", b"x" * (1024 * 1024), 202),
        ("application/octet-stream", b"x" * (1024 * 1024 + 1), 400),
    ],
)
async def test_a_body_is_checked(call: Caller, content_type: str, body: bytes, status: int) -> None:
    """Types, JSON, UTF-8 and the limit of 1 MiB."""
    found, _, _ = await call("POST", f"{HUB}/:send", data=io.BytesIO(body), headers={"Content-Type": content_type})

    assert found == status


async def test_a_body_of_unknown_length_is_refused(call: Caller) -> None:
    """Content-Length is required."""

    async def chunks() -> Any:
        yield b"{}"

    assert (await call("POST", f"{HUB}/:send", data=chunks()))[0] == 400


async def test_metadata_travels_with_the_message(call: Caller, connect: Connect) -> None:
    """The headers become the frame's metadata, in lower case."""
    ann = await connect("ann")

    await call("POST", f"{HUB}/:send", json=1, headers={"X-WebPubSub-Metadata-Trace": "abc"})

    assert (await ann.next())["metadata"] == {"trace": "abc"}


async def test_a_json_body_arrives_character_by_character(call: Caller, connect: Connect) -> None:
    """Numbers are not rewritten, and the frame is written as the service writes it."""
    ann = await connect("ann")

    await call("POST", f"{HUB}/:send", data=b'{"n": 1.10, "big": 12345678901234567890123}', headers=_json())

    expected = '{"type":"message","from":"server","dataType":"json","data":{"n": 1.10, "big": 12345678901234567890123}}'
    assert (await ann.message()).data == expected


def _json() -> dict[str, str]:
    return {"Content-Type": "application/json"}


async def test_a_slash_in_a_name_stays_percent_encoded(call: Caller, connect: Connect) -> None:
    """`%20` is a space in a user's name, `%2F` stays what it is, as at the service."""
    for user in ("a b", "a%2Fb"):
        await connect(user)

    assert [(await call("HEAD", f"{HUB}/users/{name}"))[0] for name in ("a%20b", "a%2Fb", "a%2fc")] == [200, 200, 404]


async def test_hubs_are_found_without_case_and_groups_with(call: Caller, connect: Connect) -> None:
    """A hub's name compares without case, a group's with."""
    await connect("ann", groups=["G"])

    found = [
        (await call("HEAD", path))[0] for path in ("/api/hubs/CHAT/groups/G", f"{HUB}/groups/g", "/api/hubs/b/groups/G")
    ]

    assert found == [200, 404, 404]


@pytest.mark.parametrize("name", ["1st", "a" * 129, "a-b", "a%20b"])
async def test_a_hub_that_cannot_exist_is_refused(call: Caller, name: str) -> None:
    """The service's rule for hub names."""
    assert (await call("POST", f"/api/hubs/{name}/:send", json=1))[0] == 400


async def test_more_than_a_thousand_rules_are_refused(call: Caller, connect: Connect) -> None:
    """A connection keeps 1,000 literal rules; changing one of them still works."""
    ann = await connect("ann")
    path = f"{HUB}/permissions/sendToGroup/connections/{ann.connection_id}?targetName="

    statuses = [(await call("PUT", f"{path}{number}"))[0] for number in range(1001)]

    assert statuses == [200] * 1000 + [409]
    assert (await call("DELETE", f"{path}7"))[0] == 204


async def test_the_next_page_is_an_absolute_address(call: Caller, connect: Connect, service: WebPubSub) -> None:
    """It repeats what the caller asked for and carries the place."""
    for _ in range(3):
        await connect(None, groups=["g"])

    _, _, page = await call("GET", f"{HUB}/groups/g/connections?maxpagesize=2&top=3")
    rest = page["nextLink"].removeprefix(service.url)
    _, _, last = await call("GET", rest)

    assert page["nextLink"].startswith(service.url)
    assert [len(page["value"]), len(last["value"]), last["nextLink"]] == [2, 1, None]
    assert page["value"][0]["userId"] is None


async def test_health_needs_no_token(service: WebPubSub, http: ClientSession) -> None:
    """HEAD and GET answer 200."""
    for method in ("HEAD", "GET"):
        async with http.request(method, f"{service.url}/api/health") as answer:
            assert answer.status == 200


async def test_requests_side_by_side_are_all_served(call: Caller, connect: Connect) -> None:
    """A hundred sends at once reach the client a hundred times."""
    ann = await connect("ann")

    await asyncio.gather(*(call("POST", f"{HUB}/users/ann/:send", json=number) for number in range(100)))

    assert sorted([(await ann.next())["data"] for _ in range(100)]) == list(range(100))
