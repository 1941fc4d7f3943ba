"""Security events and logs of a running stack."""

import asyncio
import json

import aiohttp
import pytest

from tests.e2e.client import Chat
from tests.e2e.stack import Stack

EVENTS = "/api/admin/security-events?limit=100"


@pytest.mark.requirement("security:admin-only")
async def test_an_admin_finds_restricted_calls_and_foreign_tokens_and_nobody_else_does(stack: Stack) -> None:
    """Ids and codes, no word of the question; and no token in what the stack printed."""
    async with Chat(stack) as chat:
        await chat.send("session.update", accessToken=stack.token("hana.hr"))
        assert (await chat.first("error"))["code"] == "forbidden"
        await chat.sign_in()
        await chat.end_of(await chat.ask("How is my pipeline this quarter, canary-7261?"), bound_s=60)

    status, body = stack.call("GET", EVENTS, stack.token("ada.admin"))
    refused, _ = stack.call("GET", EVENTS, stack.token("sam.sales"))

    assert (status, refused) == (200, 403)
    kinds = {event["kind"] for event in body["data"]["items"]}
    assert {"foreign_token", "tool_called", "events_read"} <= kinds
    for hidden in ("canary-7261", chat.token):
        assert hidden not in json.dumps(body)
        assert hidden not in stack.output


async def outcome(http: aiohttp.ClientSession, url: str, token: str) -> int:
    """Status of a REST call with this token."""
    async with http.get(url, headers={"Authorization": f"Bearer {token}"}) as answer:
        return answer.status


@pytest.mark.requirement("authenticate:rights-end")
async def test_somebody_who_is_signed_out_loses_socket_session_and_token_at_once(stack: Stack) -> None:
    """The socket is closed by the service; the old token opens nothing any more, a new one does."""
    app, token, admin = stack.url("app"), stack.token("tom.both"), stack.token("ada.admin")
    negotiated = stack.post(f"{app}/api/negotiate", {}, token=token)["data"]
    async with aiohttp.ClientSession() as http, http.ws_connect(negotiated["url"]) as socket:
        await socket.send_json({"type": "session.update", "accessToken": token})
        async with asyncio.timeout(20):
            while (await socket.receive_json())["type"] != "session.created":
                pass
        assert await outcome(http, f"{app}/api/sessions", token) == 200

        done = stack.post(f"{app}/api/admin/people/{negotiated['user_id']}/sign-out", {}, token=admin)
        async with asyncio.timeout(10):
            while (await socket.receive()).type not in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
                pass

        assert done["data"]["user_id"] == negotiated["user_id"]
        assert await outcome(http, f"{app}/api/sessions", token) == 401
        async with asyncio.timeout(10):
            while await outcome(http, f"{app}/api/sessions", stack.token("tom.both")) != 200:
                await asyncio.sleep(0.2)  # tokens count whole seconds
