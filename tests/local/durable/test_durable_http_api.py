"""The HTTP API answers with the extension's status codes and bodies, read by the real client and raw."""

from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from azure.durable_functions.models import OrchestrationRuntimeStatus
from durable_hub import WEBHOOK, Hub, OpenHub, until

from local.host.durable.faults import HoldActivity


async def test_a_start_without_id_returns_a_new_one(hub: Hub) -> None:
    """The id is 32 hex digits, as Guid.ToString("N")."""
    instance_id = await hub.client.start_new("echo", None, 1)

    assert len(instance_id) == 32
    assert int(instance_id, 16)


async def test_a_start_answers_202_with_links(hub: Hub) -> None:
    """The links lead to the webhook routes of the origin that was called."""
    async with aiohttp.request("POST", f"{hub.base_url}{WEBHOOK}/orchestrators/echo/my-id?code=key") as response:
        links = await response.json()

    instance = f"{hub.base_url}{WEBHOOK}/instances/my-id"
    query = "taskHub=TestHub&connection=Storage&code=key"
    assert response.status == 202
    assert response.headers["Location"] == f"{instance}?{query}"
    assert response.headers["Retry-After"] == "10"
    assert links["id"] == "my-id"
    assert links["terminatePostUri"] == f"{instance}/terminate?reason={{text}}&{query}"


async def test_an_unknown_orchestrator_is_refused_by_name(hub: Hub) -> None:
    """400 with an ExceptionMessage, which the client raises."""
    with pytest.raises(Exception, match="The function 'nobody' doesn't exist, is disabled, or is not an orchestrator"):
        await hub.client.start_new("nobody")


@pytest.mark.parametrize(
    ("instance_id", "message"),
    [
        ("@entity", "instance ids must not start with @"),
        ("a%23b", "must not contain /"),
        ("a%0Ab", "must not contain /"),
        ("x" * 101, "must not exceed 100 characters"),
    ],
)
async def test_a_bad_instance_id_is_refused(hub: Hub, instance_id: str, message: str) -> None:
    """400 with the extension's words."""
    status, body = await hub.request("POST", f"orchestrators/echo/{instance_id}")

    assert status == 400
    assert message in body


async def test_a_running_id_is_refused_with_500(hub: Hub) -> None:
    """Not 409: the client raises the whole body."""
    instance_id = await hub.waiting("one")

    with pytest.raises(Exception, match="An Orchestration instance with the status Running already exists") as raised:
        await hub.client.start_new("two_events", instance_id)

    assert raised.value.args[0]["ExceptionType"] == "DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException"


async def test_a_finished_id_is_started_again(hub: Hub) -> None:
    """Its old history is gone."""
    await hub.run("sequence", {"steps": 3}, "again")

    status = await hub.run("echo", "new", "again")

    assert status.output == "new"
    assert len(hub.engine.store.history("again")) == 4


async def test_a_start_with_broken_json_is_refused(hub: Hub) -> None:
    """400 and the extension's message."""
    status, body = await hub.request("POST", "orchestrators/echo", data="{")

    assert status == 400
    assert "Invalid JSON content" in body


async def test_an_event_for_nobody_is_404(hub: Hub) -> None:
    """The client names the instance."""
    with pytest.raises(Exception, match="No instance with ID gone found"):
        await hub.client.raise_event("gone", "first", 1)


async def test_an_event_for_a_finished_instance_is_410(hub: Hub) -> None:
    """The body is empty, so that the client can parse it."""
    await hub.run("echo", 1, "done")

    with pytest.raises(Exception, match="Instance with ID done is gone"):
        await hub.client.raise_event("done", "first", 1)
    assert await hub.request("POST", "instances/done/raiseEvent/x", json=1) == (410, "")


async def test_an_event_that_is_no_json_is_400(hub: Hub) -> None:
    """Both a wrong type and a broken body."""
    instance_id = await hub.waiting()
    path = f"instances/{instance_id}/raiseEvent/first"

    wrong_type = await hub.request("POST", path, data="1", headers={"Content-Type": "text/plain"})
    broken = await hub.request("POST", path, data="{", headers={"Content-Type": "application/json"})

    assert wrong_type == (400, '{"Message": "Only application/json request content is supported"}')
    assert broken[0] == 400


async def test_an_event_posted_as_raw_json_arrives_decoded(hub: Hub) -> None:
    """Only the client encodes twice."""
    instance_id = await hub.waiting()

    await hub.request("POST", f"instances/{instance_id}/raiseEvent/first", json='"raw"')
    await hub.client.raise_event(instance_id, "second", "client")

    assert (await hub.finished(instance_id)).output == ["raw", "client"]


async def test_termination_ends_an_instance_with_its_reason(hub: Hub) -> None:
    """A second one is silently accepted by the client (410), one for nobody is an error."""
    instance_id = await hub.waiting()

    await hub.client.terminate(instance_id, "no longer wanted")
    status = await hub.finished(instance_id)
    await hub.client.terminate(instance_id, "again")

    assert (status.runtime_status.name, status.output) == ("Terminated", "no longer wanted")
    with pytest.raises(Exception, match="No instance with ID 'gone' found"):
        await hub.client.terminate("gone", "x")


async def test_termination_does_not_stop_a_running_activity(hub: Hub) -> None:
    """It runs on; its result is dropped."""
    hub.worker.block("square")
    instance_id = await hub.client.start_new("fan_out", None, [2])
    await hub.worker.blocked()

    await hub.client.terminate(instance_id, "stop")
    status = await hub.finished(instance_id)
    hub.worker.release("square")
    await hub.worker.idle()

    assert status.runtime_status.name == "Terminated"
    assert hub.engine.store.inbox(instance_id) == []


async def test_a_suspended_instance_keeps_its_messages_until_it_is_resumed(hub: Hub) -> None:
    """Events are accepted and wait."""
    instance_id = await hub.waiting()

    await hub.client.suspend(instance_id, "lunch")
    await hub.wait_for(instance_id, lambda status: status.runtime_status.name == "Suspended")
    await hub.client.raise_event(instance_id, "first", 1)
    await hub.client.raise_event(instance_id, "second", 2)
    calls = hub.worker.orchestrator_calls
    await hub.client.resume(instance_id, "back")

    assert (await hub.finished(instance_id)).output == [1, 2]
    assert hub.worker.orchestrator_calls == calls + 1


async def test_purging_deletes_a_finished_instance(hub: Hub) -> None:
    """With all it had; nobody's purge deletes none."""
    await hub.run("echo", 1, "x")

    assert (await hub.client.purge_instance_history("x")).instances_deleted == 1
    assert (await hub.client.purge_instance_history("x")).instances_deleted == 0
    assert not await hub.client.get_status("x")
    assert hub.engine.store.history("x") == []


async def test_purging_a_running_instance_deletes_nothing(hub: Hub) -> None:
    """It goes on."""
    await hub.waiting("x")

    assert (await hub.client.purge_instance_history("x")).instances_deleted == 0
    assert await hub.client.get_status("x")


async def test_purging_by_filter_deletes_only_what_is_finished(hub: Hub) -> None:
    """404 when nothing matches, 400 without a time."""
    await hub.run("echo", 1, "a")
    await hub.run("failing", None, "b")
    await hub.waiting("c")
    since = datetime.now(UTC) - timedelta(hours=1)

    failed = await hub.client.purge_instance_history_by(since, None, [OrchestrationRuntimeStatus.Failed])
    rest = await hub.client.purge_instance_history_by(since)
    none = await hub.client.purge_instance_history_by(since)

    assert (failed.instances_deleted, rest.instances_deleted, none.instances_deleted) == (1, 1, 0)
    assert [one.instance_id for one in await hub.client.get_status_all()] == ["c"]
    assert (await hub.request("DELETE", "instances/"))[0] == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "instances/x/rewind?reason=r"),
        ("POST", "instances/x/restart?restartWithNewInstanceId=true"),
        ("GET", "entities/counter/a"),
        ("POST", "entities/counter/a?op=add"),
        ("POST", "makeprimary"),
        ("POST", "orchestrators/echo?timeout=1&pollingInterval=1"),
    ],
)
async def test_what_is_not_implemented_is_refused_by_name(hub: Hub, method: str, path: str) -> None:
    """501 with a JSON message."""
    status, body = await hub.request(method, path)

    assert status == 501
    assert "is not implemented by the local durable engine" in body


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "orchestrators/echo"), ("PUT", "instances/x"), ("GET", "nothing")]
)
async def test_an_unknown_route_or_method_is_404(hub: Hub, method: str, path: str) -> None:
    """Without a body, never 405."""
    assert await hub.request(method, path) == (404, "")


async def test_a_pending_instance_accepts_events(open_hub: OpenHub) -> None:
    """An event may come before the first episode has run."""
    hub = await open_hub(max_concurrent_orchestrators=1)
    hub.engine.faults.add(HoldActivity(activity="add_one", seconds=0.05))
    instance_id = await hub.client.start_new("two_events")

    await hub.client.raise_event(instance_id, "second", 2)
    await hub.client.raise_event(instance_id, "first", 1)

    assert (await hub.finished(instance_id)).output == [1, 2]


async def test_both_ports_serve_the_same_routes(hub: Hub) -> None:
    """The webhook path answers as the RPC path does."""
    await hub.run("echo", 1, "x")

    async def read() -> str:
        async with aiohttp.request("GET", f"{hub.base_url}{WEBHOOK}/instances/x") as response:
            return await response.text()

    assert await read() == (await hub.request("GET", "instances/x"))[1]
    assert await until(read, bool)
