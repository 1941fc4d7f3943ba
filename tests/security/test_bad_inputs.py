"""Bad input, one by one: what each is refused with, on a running deployment."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from tests.security.deployment import Deployment, Json, Person
from tests.security.world import World, people, world

NEVER = str(uuid.uuid4())
WRITING = "Please log a call activity for my largest account: we talked about the renewal."


@pytest.fixture
async def place(deployment: Deployment) -> World:
    """Sam's session and group."""
    return await world(deployment, await people(deployment))


async def say(deployment: Deployment, who: Person, session: str | None, **message: Any) -> str | None:
    """Send a message and give the refusal's code; None if it is not refused."""
    answer = await deployment.event(who, message, session=session)
    assert answer.status == 200, answer
    return answer.code


MESSAGES: dict[str, tuple[Json, str]] = {
    "a session_id that is no UUID": ({"type": "query", "content": "x", "session_id": "abc"}, "bad_request"),
    "a session_id that is no UUID in session.update": (
        {"type": "session.update", "accessToken": "TOKEN", "session_id": "abc"}, "bad_request",
    ),
    "both ids": ({"type": "query", "content": "x", "session_id": NEVER, "group_id": NEVER}, "bad_request"),
    "no content": ({"type": "query"}, "bad_request"),
    "empty content": ({"type": "query", "content": ""}, "bad_request"),
    "blank content": ({"type": "query", "content": " \n\t\u00a0\u2003"}, "bad_request"),
    "content that is no text": ({"type": "query", "content": ["x"]}, "bad_request"),
    "content over 32 KiB": ({"type": "query", "content": "é" * 16_400}, "too_large"),
    "a message over 256 KiB": ({"type": "ping", "x": "x" * 262_144}, "too_large"),
    "a query to a group that does not exist": ({"type": "query", "content": "x", "group_id": NEVER}, "not_found"),
    "a query to the group last joined when there is none": ({"type": "send_message", "content": "x"}, "bad_request"),
    "resume of an unknown turn": (
        {"type": "turn.resume", "turn_id": "s-1.2", "conversation_id": NEVER}, "not_found",
    ),
    "cancel of an unknown turn": ({"type": "query.cancel", "turn_id": "s-1.2"}, "not_found"),
    "cancel of an ended turn": ({"type": "query.cancel", "turn_id": "TURN"}, "conflict"),
    "a negative offset": (
        {"type": "turn.resume", "turn_id": "TURN", "conversation_id": "SESSION", "attempt": 1, "offset": -1},
        "bad_request",
    ),
    "a huge offset": (
        {"type": "turn.resume", "turn_id": "TURN", "conversation_id": "SESSION", "attempt": 1, "offset": 10**30},
        "bad_request",
    ),
    "a negative attempt": (
        {"type": "turn.resume", "turn_id": "TURN", "conversation_id": "SESSION", "attempt": -1}, "bad_request",
    ),
    "a huge attempt": (
        {"type": "turn.resume", "turn_id": "TURN", "conversation_id": "SESSION", "attempt": 10**400}, "bad_request",
    ),
    "an approval that is no boolean": (
        {"type": "tool.approval", "turn_id": "TURN", "call_id": "TURN.0.0", "approved": "yes"}, "bad_request",
    ),
    "an approval of no call": (
        {"type": "tool.approval", "turn_id": "TURN", "call_id": "TURN.0.0", "approved": True}, "not_found",
    ),
    "regenerate_of a question": (
        {"type": "query", "session_id": "SESSION", "regenerate_of": "QUESTION"}, "bad_request",
    ),
    "regenerate_of what is not there": (
        {"type": "query", "session_id": "SESSION", "regenerate_of": NEVER}, "bad_request",
    ),
    "regenerate_of with content": (
        {"type": "query", "session_id": "SESSION", "regenerate_of": "ANSWER", "content": "x"}, "bad_request",
    ),
    "a rating that is none": (
        {"type": "feedback", "message_id": "ANSWER", "conversation_id": "SESSION", "rating": "meh"}, "bad_request",
    ),
    "an unknown type": ({"type": "sudo"}, "bad_request"),
    "a request_id that is too long": ({"type": "ping", "request_id": "x" * 65}, "bad_request"),
}  # fmt: skip


@pytest.mark.requirement("edge:bad-input")
@pytest.mark.parametrize("case", MESSAGES)
async def test_a_bad_message_gets_its_code(deployment: Deployment, place: World, case: str) -> None:
    """And the next one is answered as ever."""
    sam = place.people["sam"]
    await deployment.sign_in(sam, place.session)
    names = {"TOKEN": sam.token, "SESSION": place.session, "TURN": place.turn, "QUESTION": place.question,
             "ANSWER": place.answer, "TURN.0.0": f"{place.turn}.0.0"}  # fmt: skip
    message, code = MESSAGES[case]
    filled = {key: names.get(value, value) if isinstance(value, str) else value for key, value in message.items()}

    assert await say(deployment, sam, place.session, **filled) == code
    assert (await deployment.say(sam, "ping"))["type"] == "pong"


async def test_a_token_of_another_user_is_forbidden(deployment: Deployment, place: World) -> None:
    """On an open conversation."""
    sam = place.people["sam"]
    session = await deployment.sign_in(sam)

    taken = await say(deployment, sam, session, type="session.update", accessToken=place.people["ada"].token)

    assert taken == "forbidden"


@pytest.mark.parametrize("type_", ["query", "query.cancel", "tool.approval", "turn.resume", "feedback", "send_message"])
async def test_nothing_is_done_before_session_update(deployment: Deployment, place: World, type_: str) -> None:
    """Only a ping is answered."""
    message: Json = {"content": "x", "turn_id": place.turn, "call_id": "c", "approved": True, "rating": "up"}
    message |= {"conversation_id": place.session, "message_id": place.answer}

    assert await say(deployment, place.people["sam"], None, type=type_, **message) == "unauthenticated"


async def test_an_expired_token_on_an_open_conversation_is_told(deployment: Deployment, place: World) -> None:
    """A question that its token would not outlive is refused before; everything is once it has ended."""
    sam = deployment.person("sam.sales", lifetime_s=2)
    session = await deployment.sign_in(sam)
    early = await say(deployment, sam, session, type="query", content="x")

    async with asyncio.timeout(20):
        while await say(deployment, sam, session, type="query.cancel", turn_id=place.turn) != "token_expired":
            await asyncio.sleep(0.1)

    assert early == "token_expired"
    again = deployment.person("sam.sales")
    await deployment.sign_in(again, session)
    assert await say(deployment, again, session, type="query.cancel", turn_id=place.turn) == "conflict"


async def test_a_message_id_is_not_used_twice_for_two_messages(deployment: Deployment, place: World) -> None:
    """By the same sender with another text, nor by another sender."""
    sam, tom, message_id = place.people["sam"], place.people["tom"], str(uuid.uuid4())
    path = f"/api/groups/{place.group}/messages"

    first = await deployment.rest("POST", path, sam.token, {"content": "One.", "message_id": message_id})
    same = await deployment.rest("POST", path, sam.token, {"content": "One.", "message_id": message_id})
    text = await deployment.rest("POST", path, sam.token, {"content": "Two.", "message_id": message_id})
    sender = await deployment.rest("POST", path, tom.token, {"content": "One.", "message_id": message_id})

    assert (first.status, same.status, same.json["data"]["duplicate"]) == (202, 202, True)
    assert (text.code, sender.code) == ("conflict", "conflict")


async def test_a_group_that_was_not_joined_archived_or_deleted_takes_no_question(
    deployment: Deployment, place: World
) -> None:
    """To a stranger none of them exists."""
    sam, sue = place.people["sam"], place.people["sue"]
    session, strange = await deployment.sign_in(sam), await deployment.sign_in(sue)
    path = f"/api/groups/{place.group}"
    wish = {"type": "query", "content": "@coach?", "group_id": place.group}

    not_joined = await say(deployment, sam, session, **wish)
    stranger = await say(deployment, sue, strange, **wish)
    await deployment.rest("PATCH", path, sam.token, {"status": "archived"})
    archived = await deployment.rest("POST", f"{path}/messages", sam.token, {"content": "x"})
    await deployment.rest("DELETE", path, sam.token)
    deleted = await deployment.rest("POST", f"{path}/messages", sam.token, {"content": "x"})

    assert (not_joined, stranger) == ("conflict", "not_found")
    assert (archived.code, deleted.code) == ("conflict", "not_found")


@pytest.mark.parametrize("type_", ["turn.resume", "query.cancel"])
async def test_a_foreign_turn_is_not_found(deployment: Deployment, place: World, type_: str) -> None:
    """Whoever names it."""
    for name in ("nora", "sue", "tom", "ada"):
        who = place.people[name]
        session = await deployment.sign_in(who)
        code = await say(deployment, who, session, type=type_, turn_id=place.turn, conversation_id=place.session)
        assert code == "not_found", name


async def test_regenerate_of_a_foreign_or_an_earlier_answer_is_refused(deployment: Deployment, place: World) -> None:
    """Only the last answer, by its asker."""
    sam, sue = place.people["sam"], place.people["sue"]
    strange = await deployment.sign_in(sue)
    await deployment.sign_in(sam, place.session)
    await deployment.ended_question(sam, place.session, "And now?")

    for session in (place.session, strange):
        foreign = await say(deployment, sue, strange, type="query", session_id=session, regenerate_of=place.answer)
        assert foreign in ("bad_request", "not_found")
    earlier = await say(
        deployment, sam, place.session, type="query", session_id=place.session, regenerate_of=place.answer
    )

    assert earlier == "bad_request"


async def test_an_approval_is_the_askers_and_counts_once(deployment: Deployment, place: World) -> None:
    """Somebody else's call is not found; the second word, and one after the end, come too late."""
    sam, sue = place.people["sam"], place.people["sue"]
    session, strange = await deployment.sign_in(sam), await deployment.sign_in(sue)
    asked = await deployment.say(sam, "query", session, content=WRITING, session_id=session)
    turn = asked["turn_id"]
    async with asyncio.timeout(30):
        waiting: list[Json] = []
        seen: Json = {}
        while not waiting:
            seen = await deployment.say(sam, "turn.resume", session, turn_id=turn, conversation_id=session)
            waiting = seen.get("approvals") or []
            await asyncio.sleep(0.1)
    call = {"type": "tool.approval", "turn_id": turn, "call_id": waiting[0]["call_id"]}

    assert await say(deployment, sue, strange, **call, approved=True) == "not_found"
    assert await say(deployment, sam, session, **call, approved=1) == "bad_request"
    assert await say(deployment, sam, session, **call, approved=False) is None
    assert await say(deployment, sam, session, **call, approved=True) == "conflict"
    async with asyncio.timeout(30):
        while seen["status"] not in ("done", "failed", "cancelled"):
            seen = await deployment.say(sam, "turn.resume", session, turn_id=turn, conversation_id=session)
            await asyncio.sleep(0.1)
    assert await say(deployment, sam, session, **call, approved=True) == "conflict"


async def test_a_group_is_refused_what_it_cannot_be(deployment: Deployment, place: World) -> None:
    """An unknown role, a role that one lacks, a title that is too long, empty or no text."""
    sam = place.people["sam"]
    bodies = [
        {"title": "x", "role": "Wizard"},
        {"title": "x" * 201},
        {"title": ""},
        {"title": 7},
        {},
        {"title": "x", "history": "x"},
    ]

    async def found(body: Json) -> tuple[int, str | None]:
        answer = await deployment.rest("POST", "/api/groups", sam.token, body)
        return answer.status, answer.code

    assert [await found(body) for body in bodies] == [(400, "bad_request")] * len(bodies)
    assert await found({"title": "x", "role": "HR"}) == (403, "forbidden")
    long = await deployment.rest("PATCH", f"/api/sessions/{place.session}", sam.token, {"title": "x" * 201})
    assert long.code == "bad_request"


async def test_members_are_added_once_and_from_here_and_owners_stay(deployment: Deployment, place: World) -> None:
    """Twice, oneself, somebody from another tenant, somebody who never signed in; and the owner's removal."""
    sam, eve = place.people["sam"], place.people["eve"]
    path = f"/api/groups/{place.group}/members"

    async def code(method: str, user: str) -> str | None:
        return (await deployment.rest(method, f"{path}/{user}", sam.token)).code

    assert await code("PUT", place.people["tom"].user_id) == "conflict"
    assert await code("PUT", sam.user_id) == "conflict"
    assert await code("PUT", eve.user_id) in ("not_found", "forbidden", "bad_request")
    assert await code("PUT", f"{sam.user_id.partition(':')[0]}:{NEVER}") == "not_found"
    assert await code("PUT", "nonsense") == "bad_request"
    assert await code("DELETE", sam.user_id) == "conflict"
    assert await code("DELETE", eve.user_id) == "not_found"


async def test_a_forged_or_foreign_cursor_is_refused(deployment: Deployment, place: World) -> None:
    """Of lists of sessions, groups, people and security events alike."""
    sam, sue, ada = place.people["sam"], place.people["sue"], place.people["ada"]
    for _ in range(2):
        await deployment.ended_question(sam, str(uuid.uuid4()))
    mine = await deployment.rest("GET", "/api/sessions?limit=1", sam.token)
    cursor = mine.json["data"]["next_cursor"]
    forged = ["x", "AAAA", "A" * 100, "%00", cursor[:-4] + "AAAA", cursor.lower(), cursor + "A", "%C3%A9", cursor[::-1]]

    for path, who in (("/api/sessions?", sam), ("/api/groups?", sam), ("/api/people?query=sam&", sam),
                      ("/api/admin/security-events?", ada)):  # fmt: skip
        for text in forged:
            answer = await deployment.rest("GET", f"{path}cursor={text}", who.token)
            assert (answer.status, answer.code) == (400, "bad_request"), (path, text)
    assert (await deployment.rest("GET", f"/api/sessions?cursor={cursor}", sam.token)).status == 200
    assert (await deployment.rest("GET", f"/api/sessions?cursor={cursor}", sue.token)).code == "bad_request"
    assert (await deployment.rest("GET", f"/api/people?query=sam&cursor={cursor}", sam.token)).code == "bad_request"


async def test_two_authorization_headers_are_nobody(deployment: Deployment, place: World) -> None:
    """Neither the first counts nor the last, at REST and at the door of events."""
    sam = place.people["sam"]
    bearer = f"Bearer {sam.token}"
    twice = [("Authorization", bearer), ("authorization", bearer)]

    answer = await deployment.lines.send("GET", "/api/usage", twice)
    headers: dict[str, str | None] = {
        "authorization": f"Bearer {deployment.service_token}",
        "Authorization": f"Bearer {deployment.service_token}",
    }
    event = await deployment.event(sam, {"type": "ping"}, changes=headers)

    assert (answer.status, event.status) == (401, 401)


async def test_an_e_mail_address_never_says_who_somebody_is(deployment: Deployment, place: World) -> None:
    """As a parameter of REST it is refused; in a message it is not even read."""
    sue = place.people["sue"]
    rest = await deployment.rest("GET", "/api/sessions?email=sam.sales@example.com", sue.token)
    told = await deployment.say(
        sue, "session.update", accessToken=sue.token, email="sam.sales@example.com", email_id="sam.sales@example.com",
        user_id=place.people["sam"].user_id, roles=["Admin"],
    )  # fmt: skip

    assert rest.code == "bad_request"
    assert (told["user"]["id"], told["roles"]) == (sue.user_id, ["Sales"])


async def test_a_binary_frame_is_refused_and_the_connection_lives(deployment: Deployment) -> None:
    """Over a real WebSocket; the next text is answered."""
    async with deployment.socket("sam.sales") as socket:
        await socket.send_bytes(b'{"type":"ping"}')
        refused = await socket.receive_json(timeout=20)
        await socket.send_str('{"type":"ping"}')
        answered = await socket.receive_json(timeout=20)

    assert (refused["type"], refused.get("code"), answered["type"]) == ("error", "bad_request", "pong")
