"""Security events and logs of a running stack."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.e2e.client import Chat
from tests.e2e.stack import Stack


def events_of(stack: Stack, user: str) -> tuple[int, Any]:
    """Ask for today's security events."""
    url = f"{stack.url('app')}/api/admin/security-events?limit=100"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {stack.token(user)}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


@pytest.mark.requirement("security:admin-only")
async def test_an_admin_finds_restricted_calls_and_foreign_tokens_and_nobody_else_does(stack: Stack) -> None:
    """Ids and codes, no word of the question; and no token in what the stack printed."""
    async with Chat(stack) as chat:
        await chat.send("session.update", accessToken=stack.token("hana.hr"))
        assert (await chat.first("error"))["code"] == "forbidden"
        await chat.sign_in()
        await chat.end_of(await chat.ask("How is my pipeline this quarter, canary-7261?"), bound_s=60)

    status, body = events_of(stack, "ada.admin")
    refused, _ = events_of(stack, "sam.sales")

    assert (status, refused) == (200, 403)
    kinds = {event["kind"] for event in body["data"]["items"]}
    assert {"foreign_token", "tool_called", "events_read"} <= kinds
    for hidden in ("canary-7261", chat.token):
        assert hidden not in json.dumps(body)
        assert hidden not in stack.output
