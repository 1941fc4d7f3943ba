"""Output and input bindings reach the services, and fail the invocation when they fail."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, WSMsgType

from .conftest import Stack


@pytest.fixture
async def http(stack: Stack) -> AsyncIterator[ClientSession]:
    """Open a client of the sample app."""
    async with ClientSession(base_url=stack.app.url) as session:
        yield session


async def _save(http: ClientSession, items: Any, container: str = "items") -> tuple[int, str]:
    response = await http.post(f"/api/save/{container}", json=items)
    return response.status, await response.text()


async def _load(http: ClientSession, item: str, key: str) -> Any:
    found = json.loads(await (await http.get(f"/api/load/{item}/{key}")).text())
    return found and [{name: value for name, value in entry.items() if not name.startswith("_")} for entry in found]


async def test_documents_are_upserted_in_the_partition_of_their_body(http: ClientSession) -> None:
    """Twice the same id leaves the last one; what is not there is None."""
    first = await _save(http, [{"id": "1", "pk": "a", "v": 1}, {"id": "1", "pk": "b", "v": 2}])
    second = await _save(http, [{"id": "1", "pk": "a", "v": 3}])

    assert first == second == (201, "saved")
    assert await _load(http, "1", "a") == [{"id": "1", "pk": "a", "v": 3}]
    assert await _load(http, "1", "b") == [{"id": "1", "pk": "b", "v": 2}]
    assert await _load(http, "1", "c") is None


async def test_a_refused_document_fails_the_invocation_and_leaves_the_earlier_ones(http: ClientSession) -> None:
    """They are written one after the other, without a transaction."""
    status = await _save(http, [{"id": "kept", "pk": "a"}, {"pk": "no id"}, {"id": "never", "pk": "a"}])

    assert status == (500, "")
    assert await _load(http, "kept", "a") is not None
    assert await _load(http, "never", "a") is None


async def test_a_missing_container_is_named(http: ClientSession, stack: Stack) -> None:
    """With the words of the extension; the container's name came from the route."""
    assert await _save(http, [{"id": "1"}], "nowhere") == (500, "")
    assert "The container 'nowhere' (in database 'coach') does not exist." in stack.app.logged()


async def test_a_query_takes_its_parameters_from_the_request(http: ClientSession) -> None:
    """As query parameters, so that quotes are data."""
    await _save(
        http, [{"id": f"q{at}", "pk": "q", "colour": colour} for at, colour in enumerate(("red", "o'red", "red"))]
    )

    async def query(colour: str) -> Any:
        return json.loads(await (await http.get("/api/query/q", params={"colour": colour})).text())

    assert await query("red") == ["q0", "q2"]
    assert await query("o'red") == ["q1"]


async def test_an_expression_without_a_value_fails_the_invocation(http: ClientSession, stack: Stack) -> None:
    """Before the function runs."""
    assert (await http.get("/api/query/q")).status == 500
    assert "No value for named parameter 'query.colour'." in stack.app.logged()


async def test_actions_reach_clients_in_order(http: ClientSession) -> None:
    """A negotiated client gets what is sent to its user and to the group that it is put into."""
    token = await (await http.get("/api/negotiate", params={"user": "ann"})).json()
    protocol = "json.webpubsub.azure.v1"
    async with ClientSession() as outside, outside.ws_connect(token["url"], protocols=[protocol]) as client:
        assert (await client.receive_json())["event"] == "connected"
        actions = [
            {"actionName": "sendToUser", "userId": "u1", "data": "hello"},
            {"actionName": "addUserToGroup", "userId": "u1", "group": "team"},
            {"actionName": "SendToGroup", "group": "team", "data": '{"a":1}', "dataType": "json"},
            {"actionName": "sendToAll", "data": {"type": "Buffer", "data": [0, 255]}, "dataType": "Binary"},
            {"actionName": "removeUserFromAllGroups", "userId": "u1"},
            {"actionName": "sendToGroup", "group": "team", "data": "lost"},
            {"actionName": "closeAllConnections", "reason": "done"},
        ]

        assert (await http.post("/api/push", json=actions)).status == 202
        frames = [await client.receive() for _ in range(5)]

    received = [json.loads(frame.data) for frame in frames if frame.type is WSMsgType.TEXT]
    assert [frame.get("data") for frame in received] == ["hello", {"a": 1}, "AP8=", None]
    assert received[-1]["event"] == "disconnected"
    assert token.keys() == {"baseUrl", "url", "accessToken"}


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ({"actionName": "sendToNobody"}, "Not supported WebPubSubOperation: sendToNobody."),
        ({"actionName": "sendToAll", "data": {"a": 1}}, "Message data should be string, please stringify object."),
        ({"actionName": "sendToUser", "data": "x"}, "sendToUser needs 'userId'"),
        ({"actionName": "sendToAll", "data": "{", "dataType": "json"}, "JSONDecodeError"),
        ([1], "an output item must be a JSON object, not int"),
    ],
)
async def test_a_faulty_action_fails_the_invocation(http: ClientSession, stack: Stack, action: Any, words: str) -> None:
    """And says what is wrong with it."""
    assert (await http.post("/api/push", json=action)).status == 500
    assert words in stack.app.logged()


@pytest.mark.parametrize(
    ("item", "query", "status", "stored"),
    [
        ("o1", {"action": "sendToAll"}, 200, True),
        ("o2", {"action": "sendToAll", "fail": "1"}, 500, False),
        ("o3", {"action": "sendToNobody"}, 500, True),
    ],
)
async def test_outputs_are_applied_after_success_all_at_once(
    http: ClientSession, item: str, query: dict[str, str], status: int, *, stored: bool
) -> None:
    """None when the function failed; one that fails does not hold the others back, but fails the invocation."""
    response = await http.post("/api/both", json={"id": item, "pk": "o"}, params=query)

    assert response.status == status
    assert (await _load(http, item, "o") is not None) is stored


async def test_an_activity_run_on_request_applies_its_outputs(http: ClientSession, stack: Stack) -> None:
    """The returned object's key of the binding's name replaces what Out was given: a quirk of the real host."""
    body = {"input": json.dumps([{"id": "overwritten", "pk": "a"}])}

    response = await http.post("/admin/functions/persist", json=body)
    await _finished(stack, "persist")

    assert response.status == 202
    assert await _load(http, "quirk", "a") == [{"id": "quirk", "pk": "a"}]
    assert await _load(http, "overwritten", "a") is None


async def _finished(stack: Stack, function: str) -> None:
    from .conftest import until  # noqa: PLC0415

    await until(lambda: f'"function": "{function}"' in stack.app.logged())


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [("nothing", b"{}", 404), ("tick", b"", 400), ("tick", b"[]", 400), ("on_query", b"{}", 501), ("tick", b"{}", 202)],
)
async def test_running_a_function_on_request_is_refused_by_name(
    http: ClientSession, name: str, body: bytes, status: int
) -> None:
    """404 for an unknown one, 400 for a bad body, 501 for a trigger that cannot be made up."""
    assert (await http.post(f"/admin/functions/{name}", data=body)).status == status
