"""Faults happen as they were set, and orchestrations still end right."""

import time
from typing import Any

import aiohttp
import pytest
from durable_hub import RPC, Hub, OpenHub, until

from local.host.durable.faults import DeliverEvent, HoldActivity, Latency


async def set_fault(hub: Hub, fault: Any, method: str = "POST") -> tuple[int, Any]:
    """Send a fault to the engine."""
    async with aiohttp.request(method, f"{hub.base_url}{RPC}/_faults", json=fault) as response:
        return response.status, await response.json()


@pytest.mark.parametrize("side_by_side", [False, True])
async def test_an_activity_runs_twice_and_counts_once(hub: Hub, side_by_side: bool) -> None:
    """At least once: one of two results is used."""
    await set_fault(hub, {"kind": "repeat_activity", "activity": "square", "side_by_side": side_by_side})

    status = await hub.run("fan_out", [3, 4])
    await hub.worker.idle()

    assert status.output == 25
    assert len(hub.worker.activity_calls) == 3
    assert hub.engine.faults.faults == []


async def test_a_lost_event_leaves_the_instance_waiting(hub: Hub) -> None:
    """The client sees 202; the next event of that name arrives."""
    hub.engine.faults.add(DeliverEvent(event="first", copies=0))
    instance_id = await hub.client.start_new("two_events")

    await hub.client.raise_event(instance_id, "first", "lost")
    await hub.client.raise_event(instance_id, "first", 1)
    await hub.client.raise_event(instance_id, "second", 2)

    assert (await hub.finished(instance_id)).output == [1, 2]


async def test_a_doubled_event_is_in_history_twice(hub: Hub) -> None:
    """An orchestrator that waits once is not disturbed."""
    hub.engine.faults.add(DeliverEvent(event="first", copies=2))
    instance_id = await hub.client.start_new("two_events")

    await hub.client.raise_event(instance_id, "first", 1)
    await hub.client.raise_event(instance_id, "second", 2)

    assert (await hub.finished(instance_id)).output == [1, 2]
    raised = [one["Name"] for one in hub.engine.store.history(instance_id) if one["EventType"] == 15]
    assert raised == ["first", "first", "second"]


async def test_a_full_disk_refuses_what_is_new_and_loses_nothing_of_the_rest(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    """A start is 500; a timer that is due and a result that has come are stored once there is room."""
    waiting = await hub.client.start_new("deadline", client_input={"wait_ms": 300})
    await hub.wait_for(waiting, lambda status: status.runtime_status.name == "Running")
    working = await hub.client.start_new("fan_out", client_input=[3, 4])
    await set_fault(hub, {"kind": "disk_full"})

    with pytest.raises(Exception, match="database or disk is full"):
        await hub.client.start_new("fan_out", client_input=[1])
    await hub.wait_for(waiting, lambda _: "will fire again" in caplog.text)
    hub.engine.faults.clear()

    assert (await hub.finished(working)).output == 25
    assert (await hub.finished(waiting)).runtime_status.name == "Completed"


async def test_a_held_work_item_runs_late(hub: Hub) -> None:
    """It is lost for a while and not for good."""
    hub.engine.faults.add(HoldActivity(activity="add_one", seconds=0.15))
    began = time.monotonic()

    status = await hub.run("sequence", {"steps": 2})

    assert status.output == 2
    assert time.monotonic() - began >= 0.15


async def test_latency_is_added_to_every_hop(hub: Hub) -> None:
    """As on Azure Storage, only shorter here: the start and two activities."""
    hub.engine.faults.add(Latency(milliseconds=500))
    hub.engine.faults.add(Latency(milliseconds=40))
    began = time.monotonic()

    await hub.run("sequence", {"steps": 2})

    assert 0.12 <= time.monotonic() - began < 1


async def test_faults_are_shown_and_cleared(hub: Hub) -> None:
    """With the number of the last step, from which crashes are counted."""
    await set_fault(hub, {"kind": "crash", "step": 900, "when": "after"})

    status, shown = await set_fault(hub, None, "GET")
    _, cleared = await set_fault(hub, None, "DELETE")

    assert (status, shown) == (
        200,
        {"step": 0, "faults": [{"kind": "crash", "step": 900, "when": "after", "what": ""}]},
    )
    assert cleared["faults"] == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({}, "kind must be one of repeat_activity"),
        ([], "kind must be one of repeat_activity"),
        ({"kind": "crash", "step": 1, "when": "later"}, "crash.when must be before or after"),
        ({"kind": "crash", "stop": 1}, "crash has no field 'stop'; it has step, what, when"),
        ({"kind": "latency", "milliseconds": "1"}, "latency.milliseconds must be a number"),
        ({"kind": "hold_activity", "activity": "x"}, "seconds"),
    ],
)
async def test_a_fault_that_is_not_understood_is_refused(hub: Hub, fault: Any, words: str) -> None:
    """400 with the field's name."""
    status, body = await set_fault(hub, fault)

    assert status == 400
    assert words in body["Message"]


async def test_an_aborted_episode_is_repeated(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    """A fault of the host itself is logged and costs no instance."""
    hub.worker.abort_next = OSError("the worker is gone")

    status = await hub.run("echo", 1)

    assert status.output == 1
    assert "was aborted and will be repeated" in caplog.text


async def test_without_permission_there_are_no_faults(open_hub: OpenHub) -> None:
    """The route does not exist."""
    hub = await open_hub(faults=False)

    async def read() -> int:
        async with aiohttp.request("GET", f"{hub.base_url}{RPC}/_faults") as response:
            return response.status

    assert await until(read, bool) == 404
