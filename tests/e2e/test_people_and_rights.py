"""Groups' people and rights on a running stack: real tokens over REST, and what connections hear of it."""

from __future__ import annotations

import asyncio
import urllib.parse
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.e2e.client import Chat
from tests.e2e.stack import Stack
from tests.e2e.talk import QUESTION, Circle

Refusal = tuple[int, str]


class Desk:
    """One person with a token, and what they ask over REST."""

    def __init__(self, stack: Stack, user: str) -> None:
        self.stack = stack
        self.token = stack.token(user)

    def call(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        """Give status and answer."""
        status, answer = self.stack.call(method, f"/api/{path}", self.token, body)
        return status, answer["data"] if answer["success"] else answer["error"]

    def refused(self, method: str, path: str, body: object = None) -> Refusal:
        """Give status and code of a refusal."""
        status, error = self.call(method, path, body)
        return status, error["code"]

    def found(self, **wish: Any) -> str:
        """Found a group."""
        status, group = self.call("POST", "groups", {"title": "Renewals of Q3"} | wish)
        assert status == 201, group
        return group["group_id"]

    def person(self, query: str) -> dict[str, Any]:
        """Find the only person of this name."""
        _, found = self.call("GET", f"people?query={urllib.parse.quote(query)}")
        (one,) = found["items"]
        return one

    def member(self, group: str, user: str) -> str:
        """Name a member in a path; a user id holds a colon."""
        return f"groups/{group}/members/{urllib.parse.quote(user, safe='')}"


def listens(chat: Chat, kind: str, group: str) -> Any:
    """Wait until a connection hears of a group."""
    return chat.until(lambda frame: frame["type"] == kind and frame.get("group_id") == group, f"{kind} of the group")


@pytest.mark.requirement("group:stranger-404")
async def test_a_stranger_with_the_right_id_gets_what_one_gets_for_no_group(stack: Stack) -> None:
    """On every route, an Admin too; a member who is not the owner gets 403; a token of elsewhere is no token."""
    sam, sue, ada, eve = (Desk(stack, user) for user in ("sam.sales", "sue.sales", "ada.admin", "eve.other"))
    async with Chat(stack, "sue.sales") as chat:
        user = (await chat.sign_in())["user"]["id"]
    group = sam.found()
    member = sam.member(group, user)
    ways = [("GET", "{}", None), ("PATCH", "{}", {"title": "Mine"}), ("DELETE", "{}", None)]
    ways += [("PUT", member.removeprefix("groups/").replace(group, "{}"), None)]
    ways += [("DELETE", member.removeprefix("groups/").replace(group, "{}"), None)]

    for method, path, body in ways:
        assert eve.refused(method, "groups/" + path.format(group), body) == (401, "unauthenticated")
        for stranger in (sue, ada):
            answers: list[tuple[int, dict[str, Any]]] = []
            for one in (group, str(uuid.uuid4())):
                status, error = stranger.call(method, "groups/" + path.format(one), body)
                error.pop("correlation_id")
                answers.append((status, error))
            assert answers[0] == answers[1]
            assert answers[0][0] == 404
    assert sam.call("PUT", member)[0] == 200
    assert sue.refused("PATCH", f"groups/{group}", {"title": "Mine"}) == (403, "forbidden")
    assert sue.refused("DELETE", f"groups/{group}") == (403, "forbidden")
    assert sue.call("GET", f"groups/{group}")[1]["title"] == "Renewals of Q3"


@pytest.mark.requirement("group:role-held")
async def test_sales_cannot_make_an_hr_group_and_an_admin_can(stack: Stack) -> None:
    """Whose role a group works in is decided by the token; and the Admin finds it among the security events."""
    sam, hana, ada = (Desk(stack, user) for user in ("sam.sales", "hana.hr", "ada.admin"))

    assert sam.refused("POST", "groups", {"title": "Salaries", "role": "HR"}) == (403, "forbidden")
    group = sam.found(role="Sales")
    assert sam.refused("PATCH", f"groups/{group}", {"role": "HR"}) == (403, "forbidden")
    assert sam.refused("PATCH", f"groups/{group}", {"role": "Wizard"}) == (400, "bad_request")
    theirs = [one.found(role="HR") for one in (hana, ada)]
    _, events = ada.call("GET", "admin/security-events?limit=100")
    recorded = {event.get("group_id") for event in events["items"] if event["kind"] == "group_role_set"}
    assert {group, *theirs} <= recorded


@pytest.mark.requirement("people:search")
async def test_people_are_found_once_they_signed_in(stack: Stack) -> None:
    """Before that a member cannot be added, and the sentence says why."""
    sam, eve = Desk(stack, "sam.sales"), Desk(stack, "eve.other")
    async with Chat(stack, "hana.hr") as chat:
        await chat.sign_in()
    found = sam.person("resources")
    nobody = found["id"].partition(":")[0] + ":" + str(uuid.uuid4())
    group = sam.found()

    assert found == {"id": found["id"], "name": "Hana Resources (sample)", "email": "hana.hr@example.com"}
    assert eve.refused("GET", "people?query=resources") == (401, "unauthenticated")
    assert sam.refused("GET", "people?query=h") == (400, "bad_request")
    assert sam.refused("GET", "people?query=hana&email=sam.sales@example.com") == (400, "bad_request")
    status, error = sam.call("PUT", sam.member(group, nobody))
    assert (status, error["code"]) == (404, "not_found")
    assert "never signed in" in error["message"]
    elsewhere = f"22222222-2222-4222-8222-222222222222:{uuid.uuid4()}"
    assert sam.refused("PUT", sam.member(group, elsewhere)) == (403, "forbidden")


@pytest.mark.requirement("group:owner-hands-over")
async def test_being_added_handed_a_group_and_removed_is_heard_on_every_device(stack: Stack) -> None:
    """On connections that joined no group; what is over is over over REST too."""
    sam, sue = Desk(stack, "sam.sales"), Desk(stack, "sue.sales")
    async with AsyncExitStack() as devices:
        desk, phone = [await devices.enter_async_context(Chat(stack, "sue.sales")) for _ in range(2)]
        at_sam = await devices.enter_async_context(Chat(stack, "sam.sales"))
        user = [(await chat.sign_in())["user"]["id"] for chat in (desk, phone, at_sam)]
        group = sam.found(role="Sales")
        await listens(at_sam, "group.added", group)

        assert sam.call("PUT", sam.member(group, user[0]))[0] == 200
        for chat in (desk, phone):
            assert (await listens(chat, "group.added", group))["title"] == "Renewals of Q3"
        assert group in [item["group_id"] for item in sue.call("GET", "groups?limit=100")[1]["items"]]

        assert sam.refused("DELETE", sam.member(group, user[2])) == (409, "conflict")
        assert sam.call("PATCH", f"groups/{group}", {"owner": user[0]})[1]["owner"] == user[0]
        assert sam.call("DELETE", sam.member(group, user[2]))[0] == 200
        assert (await listens(at_sam, "group.removed", group))["reason"] == "left"
        assert sam.refused("GET", f"groups/{group}") == (404, "not_found")

        assert sue.call("DELETE", f"groups/{group}")[0] == 200
        for chat in (desk, phone):
            assert (await listens(chat, "group.removed", group))["reason"] == "deleted"
        assert sue.refused("GET", f"groups/{group}") == (404, "not_found")


@pytest.mark.requirement("group:changes-side-by-side")
async def test_an_owners_changes_at_once_all_take_effect(stack: Stack) -> None:
    """Through two routes and many requests at the same time."""
    sam = Desk(stack, "sam.sales")
    users: list[str] = []
    for name in ("sue.sales", "hana.hr", "ada.admin"):
        async with Chat(stack, name) as chat:
            users.append((await chat.sign_in())["user"]["id"])
    group = sam.found()
    changes = [("PATCH", f"groups/{group}", change) for change in ({"title": "New"}, {"reply_policy": "quiet"})]
    ways: list[tuple[str, str, object]] = [*changes, *(("PUT", sam.member(group, user), None) for user in users)]

    answers = await asyncio.gather(*(asyncio.to_thread(sam.call, *way) for way in ways))

    assert {status for status, _ in answers} == {200}
    _, shown = sam.call("GET", f"groups/{group}")
    assert (shown["title"], shown["reply_policy"]) == ("New", "quiet")
    assert {member["id"] for member in shown["members"]} == {shown["owner"], *users}


@pytest.mark.requirement("group:removed-hears-nothing")
async def test_who_is_removed_in_mid_answer_hears_nothing_more_on_any_device(
    new_stack: Callable[..., Stack],
) -> None:
    """The others read on; the removed person cannot say, join, read or resume anything there any more."""
    stack = new_stack("--tokens-per-second", "20")
    async with Circle(stack) as circle:
        sam, desk = await circle.join("sam.sales"), await circle.join("sue.sales")
        phone = await circle.connect("sue.sales")
        await phone.enter(circle.group_id)
        turn = (await sam.say(QUESTION))["turn_id"]
        for chat in (desk, phone):
            await chat.until(lambda frame: frame["type"] == "response.delta", "a piece of the answer")
        await asyncio.to_thread(circle.put_out, "sue.sales")
        for chat in (desk, phone):
            assert (await listens(chat, "group.removed", circle.group_id))["reason"] == "removed"
        assert (await listens(sam, "member.left", circle.group_id))["user"]["id"] == circle.ids["sue.sales"]
        await sam.say("She cannot read this.")
        await sam.committed(turn)

        for chat in (desk, phone):
            heard = [frame["type"] for frame in chat.frames if frame.get("group_id") == circle.group_id]
            assert heard[-1] == "group.removed", heard
            assert (await chat.say("Hello?"))["code"] == "not_found"
            assert (await chat.enter(circle.group_id))["code"] == "not_found"
        assert len(desk.text(turn)) < len(sam.of(turn, "response")[0]["content"])
        sue = Desk(stack, "sue.sales")
        assert sue.refused("GET", f"groups/{circle.group_id}/messages") == (404, "not_found")
