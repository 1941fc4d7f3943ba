"""Who may do what, in one written table: every route of the index, every message, own and foreign, for every role."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any, get_args

import pytest

from shared.wire.inbound import Inbound
from tests.security.deployment import Deployment, Json
from tests.security.world import CALLERS, PEOPLE, World, people, world


@dataclass(frozen=True, slots=True)
class Row:
    """What each caller gets, in the order of CALLERS: nobody, eve, nora, sue, hana, tom, ada, sam."""

    statuses: str
    body: Any = None
    query: str = ""
    anew: bool = False
    """Whether each caller needs a world of its own, since a success changes it."""


SIGNED_IN = "401 401 200 200 200 200 200 200"
ADMIN = "401 401 403 403 403 403 200 403"
OWN_SESSION = "401 401 404 404 404 404 404 200"
IN_GROUP = "401 401 404 404 404 200 404 200"
OWN_GROUP = "401 401 404 404 404 403 404 200"
TABLE = {
    "GET /api/health": Row("200 200 200 200 200 200 200 200"),
    "GET /api/health/ready": Row("200 200 200 200 200 200 200 200"),
    "POST /api/events": Row("401 401 401 401 401 401 401 401"),
    "OPTIONS /api/events": Row("400 400 400 400 400 400 400 400"),
    "POST /api/negotiate": Row(SIGNED_IN),
    "GET /api/usage": Row(SIGNED_IN),
    "GET /api/servers": Row(SIGNED_IN),
    "GET /api/questions": Row(SIGNED_IN),
    "GET /api/questions/categories": Row(SIGNED_IN),
    "GET /api/people": Row(SIGNED_IN, query="?query=sam"),
    "GET /api/me/export": Row(SIGNED_IN),
    "DELETE /api/me": Row(SIGNED_IN, anew=True),
    "GET /api/prompt": Row(ADMIN),
    "GET /api/admin/security-events": Row(ADMIN),
    "POST /api/admin/people/{user}/sign-out": Row(ADMIN),
    "PUT /api/admin/servers/{server}/tools/{tool}": Row("401 401 403 403 403 403 404 403", {"digest": "0" * 64}),
    "GET /api/sessions": Row(SIGNED_IN),
    "GET /api/sessions/{id}": Row(OWN_SESSION),
    "PATCH /api/sessions/{id}": Row(OWN_SESSION, {"title": "Mine now"}),
    "DELETE /api/sessions/{id}": Row(OWN_SESSION, anew=True),
    "GET /api/sessions/{id}/messages": Row(OWN_SESSION),
    "GET /api/sessions/{id}/export": Row(OWN_SESSION),
    # An id of somebody else's is simply a new session of one's own (docs/protocol.md, rule 4).
    "POST /api/sessions/{id}/messages": Row("401 401 202 202 202 202 202 202", {"content": "Hi there!"}),
    "GET /api/groups": Row(SIGNED_IN),
    "POST /api/groups": Row("401 401 201 201 201 201 201 201", {"title": "My own"}),
    "GET /api/groups/{id}": Row(IN_GROUP),
    "PATCH /api/groups/{id}": Row(OWN_GROUP, {"title": "Mine now"}),
    "DELETE /api/groups/{id}": Row(OWN_GROUP, anew=True),
    "PUT /api/groups/{id}/members/{user}": Row(OWN_GROUP),
    # Tom is the one to be removed; whoever is a member may leave.
    "DELETE /api/groups/{id}/members/{user}": Row(IN_GROUP, anew=True),
    "GET /api/groups/{id}/messages": Row(IN_GROUP),
    "POST /api/groups/{id}/messages": Row("401 401 404 404 404 202 404 202", {"content": "Hi all!"}),
    "GET /api/groups/{id}/export": Row(IN_GROUP),
}


async def test_every_route_stands_in_the_table(deployment: Deployment) -> None:
    """From the index of the running host; a route that nobody decided on fails here."""
    assert deployment.routes() == set(TABLE)


def belongs_to(documents: dict[str, Json], owner: str) -> dict[str, Json]:
    """Pick what is stored of one person's conversations and of their own partition."""
    return {
        name: document
        for name, document in documents.items()
        if owner in (document.get("owner"), document.get("user_id")) and document.get("kind") != "limit"
    }


@pytest.mark.requirement("authorise:table")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("route", TABLE)
async def test_each_caller_gets_what_the_table_says(deployment: Deployment, route: str) -> None:
    """And what is refused changes nothing of Sam's; absent and not theirs look the same, to the letter."""
    row = TABLE[route]
    known = await people(deployment)
    place = await world(deployment, known)
    method = route.partition(" ")[0]
    got: dict[str, int] = {}
    for caller in CALLERS:
        if row.anew and got:
            known = await people(deployment)
            place = await world(deployment, known)
        token = None if caller == "nobody" else known[caller].token
        before = belongs_to(await deployment.documents(), known["sam"].user_id)
        answer = await deployment.rest(method, place.path(route) + row.query, token, row.body)
        got[caller] = answer.status
        if answer.status >= 400 or caller != "sam":
            after = belongs_to(await deployment.documents(), known["sam"].user_id)
            changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
            # A member may speak in the group, or leave it; what is Sam's alone does not change by it.
            of_groups = answer.status < 400 and ("/groups/" in route or route == "DELETE /api/me")
            assert {name for name in changed if not (of_groups and "/g-" in name)} == set(), caller
        if answer.status == 404 and "{id}" in route:
            absent = await deployment.rest(method, elsewhere(place, route) + row.query, token, row.body)
            assert alike(answer.json) == alike(absent.json)

    assert got == dict(zip(CALLERS, map(int, row.statuses.split()), strict=True))


def elsewhere(place: World, route: str) -> str:
    """The same path with an id that exists nowhere."""
    return place.path(route).replace(place.session, str(uuid.uuid4())).replace(place.group, str(uuid.uuid4()))


def alike(refusal: Json) -> Json:
    """A refusal without the id that is new each time."""
    return {**refusal["error"], "correlation_id": None}


MESSAGES: dict[str, tuple[Json, str, str, str]] = {
    # type: fields; the answer before session.update, to the owner (who has not joined the group), to a stranger
    "ping": ({}, "pong", "pong", "pong"),
    "session.update": ({"accessToken": "TOKEN"}, "session.created", "session.updated", "session.updated"),
    "query": ({"content": "Hello?", "session_id": "SESSION"}, "unauthenticated", "query.accepted", "query.accepted"),
    "send_message": ({"content": "Hello?", "group_id": "GROUP"}, "unauthenticated", "conflict", "not_found"),
    "query.cancel": ({"turn_id": "TURN"}, "unauthenticated", "conflict", "not_found"),
    "tool.approval": (
        {"turn_id": "TURN", "call_id": "TURN.0.0", "approved": True}, "unauthenticated", "not_found", "not_found",
    ),
    "turn.resume": (
        {"turn_id": "TURN", "conversation_id": "SESSION"}, "unauthenticated", "response.snapshot", "not_found",
    ),
    "feedback": (
        {"message_id": "ANSWER", "conversation_id": "SESSION", "rating": "up"},
        "unauthenticated", "feedback.saved", "not_found",
    ),
    "join_group": ({"group_id": "GROUP"}, "unauthenticated", "group.joined", "not_found"),
    "leave_group": ({"group_id": "GROUP"}, "unauthenticated", "not_found", "not_found"),
    "typing": ({"group_id": "GROUP", "typing": True}, "unauthenticated", "conflict", "not_found"),
    "message.read": (
        {"conversation_id": "GROUP", "message_id": "ANSWER"}, "unauthenticated", "not_found", "not_found",
    ),
}  # fmt: skip


def test_every_message_stands_in_the_table() -> None:
    """Every member of the union that the app reads."""
    models = get_args(get_args(Inbound)[0])
    assert {str(name) for model in models for name in get_args(model.model_fields["type"].annotation)} == set(MESSAGES)


@pytest.mark.requirement("authorise:table")
@pytest.mark.parametrize("type_", MESSAGES)
async def test_each_message_does_what_the_table_says(deployment: Deployment, type_: str) -> None:
    """Before session.update, for its owner, for every kind of stranger; the latter change nothing of Sam's."""
    fields, before_sign_in, to_owner, to_stranger = MESSAGES[type_]
    known = await people(deployment)
    place = await world(deployment, known)

    def filled(token: str) -> Json:
        text = json.dumps(fields).replace("TOKEN", token).replace("SESSION", place.session)
        text = text.replace("GROUP", place.group).replace("TURN", place.turn).replace("ANSWER", place.answer)
        return json.loads(text)

    async def said(name: str, *, signed_in: bool = True) -> str:
        person = known[name]
        session = place.session if name == "sam" else str(uuid.uuid4())
        if signed_in:
            await deployment.sign_in(person, session)
        answer = await deployment.say(person, type_, session if signed_in else None, **filled(person.token))
        return answer.get("code") or answer.get("type") or "none"

    stored = belongs_to(await deployment.documents(), known["sam"].user_id)
    strangers = {name: await said(name) for name in PEOPLE if name not in ("eve", "tom", "sam")}

    assert strangers == dict.fromkeys(strangers, to_stranger)
    assert belongs_to(await deployment.documents(), known["sam"].user_id) == stored
    assert await said("sam", signed_in=False) == before_sign_in
    async with deployment.connected(known["sam"]) as known["sam"]:
        assert await said("sam") == to_owner
