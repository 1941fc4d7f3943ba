"""Sessions and people that go: what runs is stopped, what is stored is gone, what is taken along is whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.client import Chat
from tests.e2e.stack import Stack
from tests.e2e.test_chat import documents

QUESTION = "How is my pipeline this quarter?"


@pytest.mark.requirement("api:delete-session")
async def test_a_session_is_deleted_in_the_middle_of_an_answer(new_stack: Callable[..., Stack]) -> None:
    """The answer is told to be cancelled, no item is left, and the id begins a new conversation."""
    stack = new_stack("--tokens-per-second", "20")
    async with Chat(stack) as chat:
        await chat.sign_in()
        path = f"/api/sessions/{chat.session_id}"
        running, waiting = await chat.ask(QUESTION), await chat.ask("And my win rate?")
        await chat.first("response.delta")
        foreign, _ = stack.call("DELETE", path, stack.token("sue.sales"))
        deleted, _ = stack.call("DELETE", path, chat.token)
        ends = [await chat.end_of(turn) for turn in (running, waiting)]
        left = [item["id"] for item in await documents(stack) if item.get("session_id") == chat.session_id]
        again, _ = stack.call("DELETE", path, chat.token)
        listed = stack.get("/api/sessions", token=chat.token)["data"]["items"]
        anew = await chat.ask("Hello!")
        await chat.end_of(anew)
        stored = stack.get(f"{path}/messages", token=chat.token)["data"]

    assert (foreign, deleted, again) == (404, 200, 404)
    assert [end["type"] for end in ends] == ["response.cancelled"] * 2
    assert left == []
    assert listed == []
    assert [(item["seq"], item["turn_id"]) for item in stored["items"]] == [(1, anew), (2, anew)]


@pytest.mark.requirement("api:me")
async def test_a_person_takes_all_along_and_is_forgotten(stack: Stack) -> None:
    """Messages, feedback and titles come along; nothing that says something of the person stays."""
    async with Chat(stack, "nora.none") as chat:
        await chat.sign_in()
        turn = await chat.ask("Hello, what can you do?")
        await chat.end_of(turn)
        response = chat.of(turn, "response")[0]
        await chat.send(
            "feedback",
            conversation_id=chat.session_id,
            message_id=response["message_id"],
            rating="up",
            comment="Friendly.",
        )
        await chat.first("feedback.saved")
    _, taken = stack.call("GET", "/api/me/export", chat.token)
    status, _ = stack.call("DELETE", "/api/me", chat.token)
    _, after = stack.call("GET", "/api/me/export", chat.token)
    users = [item for item in await documents(stack, "users") if item["user_id"] == taken["data"]["user_id"]]
    said = [item for item in await documents(stack) if item.get("session_id") == chat.session_id]

    mine = next(one for one in taken["data"]["sessions"] if one["session_id"] == chat.session_id)
    assert [item["content"] for item in mine["items"]] == ["Hello, what can you do?", response["content"]]
    assert [(one["rating"], one["comment"]) for one in mine["feedback"]] == [("up", "Friendly.")]
    assert status == 200
    assert said == []
    assert {item["kind"] for item in users} <= {"limit", "settled", "rights"}
    assert (after["data"]["sessions"], after["data"]["groups"]) == ([], [])
