"""Asking over REST, from outside: the same acceptance, the same answer, no socket."""

import uuid
from typing import Any

import aiohttp
import pytest

from tests.e2e.client import Chat
from tests.e2e.stack import Stack


async def post(stack: Stack, session: str, token: str, body: Any) -> tuple[int, dict[str, Any]]:
    """Status and body of a question that is posted."""
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{stack.url('app')}/api/sessions/{session}/messages"
    data = body if isinstance(body, bytes) else None
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(url, data=data, json=None if data is not None else body) as answer,
    ):
        return answer.status, await answer.json()


@pytest.mark.requirement("api:ask")
async def test_a_question_over_rest_is_answered_where_the_stored_messages_are(stack: Stack) -> None:
    """Accepted with 202, repeated as a duplicate, heard by the person's other devices, with tools in their name."""
    session, question = str(uuid.uuid4()), str(uuid.uuid4())
    body = {"content": "How is my pipeline this quarter?", "message_id": question, "locale": "en-GB"}
    async with Chat(stack) as page:
        await page.sign_in()
        status, first = await post(stack, session, page.token, body)
        again_status, again = await post(stack, session, page.token, body)
        await page.end_of(first["data"]["turn_id"])
        heard = page.of(first["data"]["turn_id"], "response")[0]
        items = stack.get(f"/api/sessions/{session}/messages", token=page.token)["data"]["items"]

    assert (status, again_status) == (202, 202)
    assert first["data"] == {
        "conversation_id": session,
        "session_id": session,
        "message_id": question,
        "turn_id": first["data"]["turn_id"],
        "duplicate": False,
    }
    assert again["data"] == {**first["data"], "duplicate": True}
    assert [item["author"] for item in items] == ["user", "assistant"]
    assert items[1]["content"] == heard["content"]
    assert items[1]["tool_feedback"][0]["server"] == "sfdc"


@pytest.mark.parametrize(
    ("session", "body", "refused"),
    [
        (None, {"content": "  "}, (400, "bad_request")),
        (None, {"content": "x" * 33_000}, (413, "too_large")),
        (None, {"content": "a", "session_id": str(uuid.uuid4())}, (400, "bad_request")),
        (None, {"content": "a", "group_id": "g"}, (400, "bad_request")),
        (None, {"content": "a", "message_id": "7"}, (400, "bad_request")),
        (None, b'{"content": "a", "content": "b"}', (400, "bad_request")),
        (None, b"\xff", (400, "bad_request")),
        (None, b"[]", (400, "bad_request")),
        ("no-uuid", {"content": "a"}, (404, "not_found")),
    ],
)
async def test_a_bad_question_over_rest_is_refused_and_stores_nothing(
    stack: Stack, session: str | None, body: Any, refused: tuple[int, str]
) -> None:
    """By its status and code; the session does not come to be."""
    asked = session or str(uuid.uuid4())
    token = stack.token("sam.sales")

    status, answer = await post(stack, asked, token, body)

    assert (status, answer["error"]["code"]) == refused
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http,
        http.get(f"{stack.url('app')}/api/sessions/{asked}") as missing,
    ):
        assert missing.status == 404


async def test_a_question_over_rest_with_a_bad_token_is_refused(stack: Stack) -> None:
    """401, whatever the body says."""
    status, answer = await post(stack, str(uuid.uuid4()), "none", {"content": "a"})

    assert (status, answer["error"]["code"]) == (401, "unauthenticated")
