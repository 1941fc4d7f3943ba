"""Status, lists and history are shown as the extension shows them, read by the real client and raw."""

from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from azure.durable_functions.models import OrchestrationRuntimeStatus
from durable_hub import RPC, Hub


async def test_the_status_of_nobody_is_false(hub: Hub) -> None:
    """404 without a body gives a status that is not true."""
    assert not await hub.client.get_status("gone")
    assert await hub.request("GET", "instances/gone") == (404, "")


async def test_the_status_is_202_while_running_and_200_when_finished(hub: Hub) -> None:
    """With the fields and the time format of the extension."""
    instance_id = await hub.waiting("x")

    async with aiohttp.request("GET", f"{hub.base_url}{RPC}/instances/{instance_id}") as running:
        shown = await running.json()
    await hub.client.raise_event(instance_id, "first", 1)
    await hub.client.raise_event(instance_id, "second", 2)
    await hub.finished(instance_id)

    assert (running.status, running.headers["Retry-After"]) == (202, "5")
    assert shown | {"createdTime": "", "lastUpdatedTime": ""} == {
        "name": "two_events",
        "instanceId": "x",
        "runtimeStatus": "Running",
        "input": None,
        "customStatus": None,
        "output": None,
        "createdTime": "",
        "lastUpdatedTime": "",
        "historyEvents": None,
    }
    assert datetime.strptime(shown["createdTime"], "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007 - the Z is in the format
    assert (await hub.request("GET", "instances/x"))[0] == 200


async def test_the_input_is_shown_unless_refused(hub: Hub) -> None:
    """It is the JSON text that the client sent."""
    await hub.run("echo", {"a": 1}, "x")

    assert '"input": "{\\"a\\": 1}"' in (await hub.request("GET", "instances/x"))[1]
    assert '"input": null' in (await hub.request("GET", "instances/x?showInput=false"))[1]


async def test_the_history_is_shown_as_people_read_it(hub: Hub) -> None:
    """Tasks are one item with name and times; episode marks are left out; outputs only when asked for."""
    await hub.run("sequence", {"steps": 1, "start": 4}, "x")

    short: Any = await hub.client.get_status("x", show_history=True)
    full: Any = await hub.client.get_status("x", show_history=True, show_history_output=True)

    names = [one["EventType"] for one in short.historyEvents]
    assert names == ["ExecutionStarted", "TaskCompleted", "ExecutionCompleted"]
    assert short.historyEvents[1]["FunctionName"] == "add_one"
    assert "Result" not in short.historyEvents[1]
    assert full.historyEvents[1]["Result"] == 5
    assert full.historyEvents[2]["OrchestrationStatus"] == "Completed"


async def test_instances_are_listed_by_status_prefix_and_time(hub: Hub) -> None:
    """Through the client's queries."""
    await hub.run("echo", 1, "a-done")
    await hub.waiting("a-open")
    await hub.waiting("b-open")

    async def ids(**query: Any) -> list[str]:
        return [str(one.instance_id) for one in await hub.client.get_status_by(**query)]

    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert [one.instance_id for one in await hub.client.get_status_all()] == ["a-done", "a-open", "b-open"]
    assert await ids(runtime_status=[OrchestrationRuntimeStatus.Running]) == ["a-open", "b-open"]
    assert await ids(instance_id_prefix="a-") == ["a-done", "a-open"]
    assert await ids(created_time_from=tomorrow) == []
    assert await ids(created_time_to=tomorrow, instance_id_prefix="b") == ["b-open"]


async def test_the_list_is_paged_by_top_and_token(hub: Hub) -> None:
    """The token of one page begins the next."""
    for name in ("a", "b", "c"):
        await hub.run("echo", name, name)

    seen: list[str] = []
    token = "first"
    while token:
        headers = {} if token == "first" else {"x-ms-continuation-token": token}
        url = f"{hub.base_url}{RPC}/instances/?top=2"
        async with aiohttp.request("GET", url, headers=headers) as page:
            seen += [one["instanceId"] for one in await page.json()]
            token = page.headers["x-ms-continuation-token"]

    assert seen == ["a", "b", "c"]
