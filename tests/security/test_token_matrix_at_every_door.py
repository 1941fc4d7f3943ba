"""Bad tokens at every route and event of a running deployment: none of them is anybody, and nothing happens."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Iterable
from typing import Any, TypeVar

import pytest

from tests.security.bad_tokens import CLAIMS, spoiled
from tests.security.deployment import ELSEWHERE, HOME, SERVICE, UPSTREAM, Deployment, Person

T = TypeVar("T")
OPEN = {"GET /api/health", "GET /api/health/ready", "POST /api/events", "OPTIONS /api/events"}
"""Routes without a bearer token; events have a proof of their own."""


async def together(asked: Iterable[Awaitable[T]]) -> list[T]:
    """Wait for all; the number of connections bounds how many are on their way."""
    return list(await asyncio.gather(*asked))


def bad_tokens(deployment: Deployment) -> list[str]:
    """Make all of them."""
    made = [deployment.token("sam.sales", claims=change) for change in CLAIMS]
    made += [deployment.token("sam.sales", key=key) for key in ("foreign", "forged")]
    made += [deployment.token("eve.other"), deployment.token("sam.sales", lifetime_s=-3600)]
    made += [deployment.token("sam.sales", audience=audience) for audience in (UPSTREAM, "api://salescoach-mcp-sfdc")]
    made += [deployment.token("sam.sales", version="1.0")]
    return [*made, *spoiled(deployment.token("sam.sales"), deployment.keys())]


def fits_a_header(token: str) -> bool:
    """Tell whether a server hands it on; control characters and 8 KB and more it refuses by itself, with 400."""
    return token.isprintable() and len(token) < 8000


def filled(route: str) -> tuple[str, str]:
    """Give a route's method and a path with ids that exist nowhere."""
    method, _, path = route.partition(" ")
    for name in ("id", "turn", "message"):
        path = path.replace("{" + name + "}", str(uuid.uuid4()))
    path = path.replace("{user}", f"{HOME}:{uuid.uuid4()}").replace("{server}", "sfdc").replace("{tool}", "x")
    assert "{" not in path, f"a parameter that this test does not know: {path}"
    return method, path


@pytest.mark.requirement("authenticate:token-matrix")
@pytest.mark.timeout(300)
async def test_no_bad_token_opens_a_route(deployment: Deployment) -> None:
    """Every one at every route, alone and as one of two headers; the answer is 401, and nothing is stored."""
    tokens = bad_tokens(deployment)
    good = deployment.token("sam.sales")
    routes = sorted(deployment.routes() - OPEN)
    before = await deployment.documents()

    async def offer(route: str, *headers: str) -> tuple[str, int, str | None]:
        method, path = filled(route)
        answer = await deployment.lines.send(method, path, [("Authorization", one) for one in headers], b"{}")
        return f"{route} {headers[0][:60] if headers else None}", answer.status, answer.code

    sendable = [token for token in tokens if fits_a_header(token)]
    answers = await together(offer(route, f"Bearer {token}") for route in routes for token in sendable)
    answers += await together(
        offer(route, *headers)
        for route in routes
        for headers in (
            (), (f"Bearer {good}", f"Bearer {good}"), (f"Basic {good}",), (good,), (f"Bearer {good} {good}",),
            ("Bearer",), (f"Bearer {good},Bearer {good}",), (f"Bearer  {good}",), ("", f"Bearer {good}"),
            (f"Bearer {good}", ""),
        )
    )  # fmt: skip

    assert len(sendable) >= 60
    assert [answer for answer in answers if answer[1:] != (401, "unauthenticated")] == []
    assert await deployment.documents() == before


@pytest.mark.requirement("authenticate:token-matrix")
@pytest.mark.timeout(300)
async def test_no_bad_token_opens_a_session(deployment: Deployment) -> None:
    """In every message that carries one, and as the event of its own; nothing is stored."""
    tokens, sam = bad_tokens(deployment), deployment.person("sam.sales")
    before = await deployment.documents()

    async def offer(name: str, message: dict[str, str], token: str) -> tuple[str, str | None]:
        answer = await deployment.event(sam, {**message, "accessToken": token}, name=name)
        assert answer.status == 200, answer
        return f"{message} {token[:60]}", answer.code

    group = str(uuid.uuid4())
    doors: list[tuple[str, dict[str, str]]] = [
        ("auth", {}),
        ("message", {"type": "session.update"}),
        ("message", {"type": "join_group", "group_id": group}),
    ]
    answers = await together(offer(name, message, token) for name, message in doors for token in tokens)

    # An empty one, and one beyond all bounds, are no token at all.
    codes = {"unauthenticated", "bad_request"}
    assert [answer for answer in answers if answer[1] not in codes] == []
    assert sum(code == "bad_request" for _, code in answers) <= 3 * len(doors)
    assert await deployment.documents() == before


@pytest.mark.requirement("connect:upstream-proof")
@pytest.mark.timeout(300)
async def test_no_bad_token_is_the_services_own(deployment: Deployment) -> None:
    """At the door of events, whatever the event; and an event without proof has no effect at all."""
    ada = deployment.person("ada.admin")
    session = str(uuid.uuid4())
    service: dict[str, Any] = {"audience": UPSTREAM, "claims": {"oid": SERVICE, "scp": None}}
    spoofs = [deployment.token("sam.sales", **{**service, "claims": {**service["claims"], **change}})
              for change in CLAIMS if set(change) & {"iss", "aud", "tid", "oid", "exp", "nbf", "iat", "ver", "sub"}
              and change != {"ver": "1.0"}]  # fmt: skip
    spoofs += [*spoiled(deployment.token("sam.sales", **service), deployment.keys()), ada.token]
    spoofs += [deployment.token("sam.sales", **service, key=key) for key in ("foreign", "forged")]
    spoofs += [deployment.token("eve.other", **service), deployment.token("sam.sales", **service, lifetime_s=-120)]
    spoofs += [deployment.token("sam.sales", **service, version="1.0", tenant=ELSEWHERE)]
    spoofs = [spoof for spoof in spoofs if fits_a_header(spoof)]
    before = await deployment.documents()

    async def offer(name: str, authorization: str | None) -> tuple[str, int]:
        message = {"type": "session.update", "accessToken": ada.token, "session_id": session}
        answer = await deployment.event(ada, message, name=name, changes={"authorization": authorization})
        return f"{name} {str(authorization)[:60]}", answer.status

    names = ("connect", "connected", "disconnected", "auth", "message", "shout")
    answers = await together(offer(name, f"Bearer {spoof}") for name in names for spoof in spoofs)
    answers += await together(offer(name, other) for name in names for other in (None, "", "Bearer", "x"))

    assert len(spoofs) >= 60
    assert [answer for answer in answers if answer[1] != 401] == []
    assert await deployment.documents() == before


@pytest.mark.requirement("connect:upstream-proof")
@pytest.mark.parametrize("version", ["1.0", "2.0"])
async def test_the_service_itself_is_believed_by_either_version_of_its_token(
    deployment: Deployment, version: str
) -> None:
    """As the registration of its audience says."""
    sam = deployment.person("sam.sales")
    token = deployment.token("sam.sales", audience=UPSTREAM, version=version, claims={"oid": SERVICE, "scp": None})

    answer = await deployment.event(sam, {"type": "ping"}, changes={"authorization": f"Bearer {token}"})

    assert (answer.status, answer.json["type"]) == (200, "pong")


STALE = {
    "yesterday": "2026-01-01T00:00:00Z", "tomorrow": "2099-01-01T00:00:00Z", "none": None, "empty": "",
    "no time": "now", "no zone": "2026-01-01T00:00:00", "beyond all time": "9999-12-31T23:59:59-23:59",
}  # fmt: skip
OTHERS: dict[str, dict[str, str | None]] = {
    "another hub": {"ce-hub": "other"}, "no hub": {"ce-hub": None}, "no connection": {"ce-connectionId": None},
    "a user event called connect": {"ce-type": "azure.webpubsub.user.connect", "ce-eventName": "connect"},
    "a system event called message": {"ce-type": "azure.webpubsub.sys.message"},
    "another version": {"ce-specversion": "0.3"}, "no type": {"ce-type": None},
}  # fmt: skip


@pytest.mark.requirement("door:proved")
@pytest.mark.parametrize("case", [*STALE, *OTHERS])
async def test_a_proved_event_must_be_fresh_and_ours(deployment: Deployment, case: str) -> None:
    """A captured one is refused five minutes later; nothing is stored."""
    sam = deployment.person("sam.sales")
    changes: dict[str, str | None] = {"ce-time": STALE[case]} if case in STALE else OTHERS[case]
    before = await deployment.documents()

    answer = await deployment.event(sam, {"type": "session.update", "accessToken": sam.token}, changes=changes)

    assert answer.status in (400, 401)
    assert await deployment.documents() == before


async def test_another_persons_token_has_no_effect_and_is_recorded(deployment: Deployment) -> None:
    """In each message that carries one."""
    sam, ada = deployment.person("sam.sales"), deployment.person("ada.admin")
    before = await deployment.documents()
    said = [
        await deployment.event(Person(sam.name, ada.token, sam.user_id, sam.connection), message, name=name)
        for name, message in (
            ("auth", {"accessToken": ada.token}),
            ("message", {"type": "session.update", "accessToken": ada.token}),
            ("message", {"type": "join_group", "group_id": str(uuid.uuid4()), "accessToken": ada.token}),
        )
    ]

    assert [answer.code for answer in said] == ["forbidden"] * 3
    assert await deployment.documents() == before
