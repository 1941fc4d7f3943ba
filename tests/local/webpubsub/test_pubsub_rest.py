"""The REST data plane through the official SDK, synchronous and asynchronous alike."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, cast

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.messaging.webpubsubservice import WebPubSubServiceClient
from azure.messaging.webpubsubservice.aio import WebPubSubServiceClient as AioClient

from local.webpubsub.server import WebPubSub

from .conftest import Connect
from .plain_client import EVERYTHING, HUB, PlainClient, client_url

Sdk = Callable[..., Awaitable[Any]]


@pytest.fixture(params=["sync", "aio"])
async def sdk(request: pytest.FixtureRequest, service: WebPubSub) -> AsyncGenerator[Sdk]:
    """Call operations of either official client by name."""
    if request.param == "aio":
        aio: AioClient = AioClient.from_connection_string(service.connection_string, hub=HUB, retry_total=0)

        async def call_aio(name: str, *args: Any, **kwargs: Any) -> Any:
            result = getattr(aio, name)(*args, **kwargs)
            return await result if inspect.isawaitable(result) else [one async for one in result]

        async with aio:
            yield call_aio
        return
    sync = WebPubSubServiceClient.from_connection_string(service.connection_string, hub=HUB, retry_total=0)

    async def call_sync(name: str, *args: Any, **kwargs: Any) -> Any:
        result = await asyncio.to_thread(getattr(sync, name), *args, **kwargs)
        return await asyncio.to_thread(list, result) if name == "list_connections" else result

    with sync:
        yield call_sync


async def _hears(client: PlainClient) -> Any:
    """Return the data of the next frame, "pong" when nothing was sent."""
    await client.say(type="ping")
    frame = await client.next()
    if frame["type"] == "pong":
        return "pong"
    assert (await client.next())["type"] == "pong"
    return frame["data"]


async def test_send_to_all_spares_who_is_excluded(sdk: Sdk, connect: Connect) -> None:
    """Each connection but those excluded hears it; several are excluded at once."""
    ann, ben, cat = await connect("ann"), await connect("ben"), await connect("cat")

    await sdk("send_to_all", {"n": 1}, excluded=[ann.connection_id, ben.connection_id])

    assert [await _hears(one) for one in (ann, ben, cat)] == ["pong", "pong", {"n": 1}]


async def test_send_to_all_obeys_the_filter(sdk: Sdk, connect: Connect) -> None:
    """Who does not match the filter hears nothing."""
    ann, ben = await connect("ann", groups=["red"]), await connect("ben", groups=["blue"])

    await sdk("send_to_all", {"n": 1}, filter="userId eq 'ann' and 'red' in groups")

    assert [await _hears(one) for one in (ann, ben)] == [{"n": 1}, "pong"]


async def test_send_to_group_comes_from_the_group(sdk: Sdk, connect: Connect) -> None:
    """Members hear it as a group message without sender."""
    ann, ben = await connect("ann", groups=["g"]), await connect("ben")

    await sdk("send_to_group", "g", {"n": 1}, filter="userId ne 'ben'")

    expected = {"type": "message", "from": "group", "group": "g", "fromUserId": None, "dataType": "json"}
    assert await ann.next() == expected | {"data": {"n": 1}}
    assert await _hears(ben) == "pong"


async def test_send_to_user_reaches_every_device(sdk: Sdk, connect: Connect) -> None:
    """All connections of the user hear it; a user who is away is no error."""
    one, two, ben = await connect("a:1"), await connect("a:1"), await connect("ben")

    await sdk("send_to_user", "a:1", {"n": 1})
    await sdk("send_to_user", "nobody", {"n": 2})

    assert [await _hears(client) for client in (one, two, ben)] == [{"n": 1}, {"n": 1}, "pong"]


async def test_send_to_connection_reaches_one(sdk: Sdk, connect: Connect) -> None:
    """One connection hears it; one that is gone is no error."""
    one, two = await connect("ann"), await connect("ann")

    await sdk("send_to_connection", one.connection_id, {"n": 1})
    await sdk("send_to_connection", "gone", {"n": 1})

    assert [await _hears(client) for client in (one, two)] == [{"n": 1}, "pong"]


@pytest.mark.parametrize(
    ("message", "content_type", "data_type", "data"),
    [
        ({"a": "ä"}, "application/json", "json", {"a": "ä"}),
        ("hello", "application/json", "json", "hello"),
        ("hello", "text/plain", "text", "hello"),
        (b"\x00\x01", "application/octet-stream", "binary", "AAE="),
    ],
)
async def test_a_body_arrives_as_its_content_type_says(
    sdk: Sdk, connect: Connect, message: Any, content_type: str, data_type: str, data: Any
) -> None:
    """JSON, text and bytes become the data type of the frame."""
    ann = await connect("ann")

    await sdk("send_to_all", message, content_type=content_type)

    frame = await ann.next()
    assert frame == {"type": "message", "from": "server", "dataType": data_type, "data": data}


async def test_a_raw_client_gets_the_bare_body(sdk: Sdk, connect: Connect) -> None:
    """Text frames for text and JSON, whose strings stay quoted; a binary frame for bytes."""
    ann = await connect("ann", protocol="")

    await sdk("send_to_all", "hello")
    await sdk("send_to_all", "hello", content_type="text/plain")
    await sdk("send_to_all", b"\x00", content_type="application/octet-stream")

    assert [(await ann.message()).data for _ in range(3)] == ['"hello"', "hello", b"\x00"]


async def test_a_time_to_live_is_accepted(sdk: Sdk, connect: Connect) -> None:
    """It goes by `params`, the way in which version 1.3.0 of the SDK can send it."""
    ann = await connect("ann")

    await sdk("send_to_all", {"n": 1}, params={"messageTtlSeconds": "7"})

    assert (await ann.next())["data"] == {"n": 1}


async def test_existence_is_told_for_connections_groups_and_users(sdk: Sdk, connect: Connect) -> None:
    """What has a connection exists, and nothing else."""
    ann = await connect("ann", groups=["g 1/é"])

    found = [
        await sdk("connection_exists", ann.connection_id),
        await sdk("connection_exists", "gone"),
        await sdk("user_exists", "ann"),
        await sdk("user_exists", "ben"),
        await sdk("group_exists", "g"),
    ]

    assert found == [True, False, True, False, False]


async def test_a_connection_joins_and_leaves_groups(sdk: Sdk, connect: Connect) -> None:
    """Membership by connection begins and ends; a connection that is gone is 404."""
    ann = await connect("ann")

    await sdk("add_connection_to_group", "g", ann.connection_id)
    joined = await sdk("group_exists", "g")
    await sdk("remove_connection_from_group", "g", ann.connection_id)
    left = await sdk("group_exists", "g")
    for group in ("g1", "g2"):
        await sdk("add_connection_to_group", group, ann.connection_id)
    await sdk("remove_connection_from_all_groups", ann.connection_id)

    assert (joined, left, await sdk("group_exists", "g1"), await sdk("group_exists", "g2")) == (True, *3 * [False])
    with pytest.raises(ResourceNotFoundError):
        await sdk("add_connection_to_group", "g", "gone")


async def test_a_user_joins_and_leaves_groups(sdk: Sdk, connect: Connect) -> None:
    """Membership by user is that of the present connections; a user who is away is 404."""
    for _ in range(2):
        await connect("ann")

    await sdk("add_user_to_group", "g", "ann")
    members = await sdk("list_connections", group="g")
    await sdk("remove_user_from_group", "g", "ann")
    left = await sdk("group_exists", "g")
    await sdk("add_user_to_group", "g", "ann")
    await sdk("remove_user_from_all_groups", "ann")

    assert [member.user_id for member in members] == ["ann", "ann"]
    assert (left, await sdk("group_exists", "g")) == (False, False)
    with pytest.raises(ResourceNotFoundError):
        await sdk("add_user_to_group", "g", "nobody")


@pytest.mark.parametrize(("top", "expected"), [(None, 5), (3, 3), (5, 5), (9, 5)])
async def test_members_are_listed_page_by_page(sdk: Sdk, connect: Connect, top: int | None, expected: int) -> None:
    """Every page is signed anew by the SDK; `top` ends the list early; an unknown group is empty."""
    clients = [await connect(None, groups=["g"]) for _ in range(5)]

    found = await sdk("list_connections", group="g", top=top, params={"maxpagesize": "2"})

    assert len(found) == expected
    assert {one.connection_id for one in found} <= {one.connection_id for one in clients}
    assert await sdk("list_connections", group="nobody") == []


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("close_all_connections", {}),
        ("close_group_connections", {"group": "g"}),
        ("close_user_connections", {"user_id": "ann"}),
    ],
)
async def test_closing_tells_the_reason(sdk: Sdk, connect: Connect, operation: str, arguments: dict[str, str]) -> None:
    """A JSON client gets the disconnected frame and close code 1000; who is excluded stays."""
    ann, kept = await connect("ann", groups=["g"]), await connect("ann", groups=["g"])

    await sdk(operation, **arguments, reason="enough", excluded=[kept.connection_id])

    assert await ann.closed() == (1000, "enough")
    assert ann.frames[-1] == {"type": "system", "event": "disconnected", "message": "enough"}
    assert await sdk("connection_exists", ann.connection_id) is False
    assert await sdk("connection_exists", kept.connection_id) is True


async def test_closing_one_connection_leaves_the_others(sdk: Sdk, connect: Connect) -> None:
    """Only the connection that is named is closed."""
    ann, ben = await connect("ann"), await connect("ben")

    await sdk("close_connection", ann.connection_id, reason="enough")

    assert await ann.closed() == (1000, "enough")
    assert await _hears(ben) == "pong"


async def test_permissions_are_granted_and_revoked_by_name(sdk: Sdk, connect: Connect) -> None:
    """A rule opens one group; a revocation closes it although a role allows it, and evicts nobody."""
    ann = await connect("ann", roles=["webpubsub.joinLeaveGroup"], groups=["g"])

    await sdk("grant_permission", "sendToGroup", ann.connection_id, target_name="g")
    await sdk("revoke_permission", "joinLeaveGroup", ann.connection_id, target_name="g")

    assert await sdk("has_permission", "sendToGroup", ann.connection_id, target_name="g") is True
    assert await sdk("has_permission", "sendToGroup", ann.connection_id, target_name="other") is False
    assert await sdk("has_permission", "joinLeaveGroup", ann.connection_id, target_name="g") is False
    assert await sdk("has_permission", "joinLeaveGroup", ann.connection_id, target_name="other") is True
    assert await sdk("group_exists", "g") is True
    assert (await ann.ask(type="sendToGroup", group="g", noEcho=True, data=1))["success"] is True
    assert (await ann.ask(type="leaveGroup", group="g"))["error"]["name"] == "Forbidden"


async def test_permission_without_target_is_for_every_group(sdk: Sdk, connect: Connect) -> None:
    """The published specification lets the target out; then the rule is for all groups."""
    ann = await connect("ann")

    await sdk("grant_permission", "joinLeaveGroup", ann.connection_id)

    assert (await ann.ask(type="joinGroup", group="any"))["success"] is True
    with pytest.raises(ResourceNotFoundError) as missing:
        await sdk("grant_permission", "joinLeaveGroup", "gone", target_name="g")
    assert cast("Any", missing.value).error.code == "Info.Connection.NotExisted"


async def test_the_sdks_own_token_opens_the_client_endpoint(sdk: Sdk, connect: Connect, service: WebPubSub) -> None:
    """User, roles and groups of the token are those of the connection."""
    url = client_url(service, "ann", roles=EVERYTHING, groups=["g"])

    ann = await connect(url=url)

    assert ann.frames[0]["userId"] == "ann"
    assert [one.connection_id for one in await sdk("list_connections", group="g")] == [ann.connection_id]
