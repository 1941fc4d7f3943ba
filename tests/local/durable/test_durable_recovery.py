"""What was unfinished when the engine went down is finished after its next start."""

import asyncio
from pathlib import Path

import pytest
from durable_hub import OpenHub

from local.host.durable.store import StoreInUse


async def test_an_activity_that_was_running_is_run_again(open_hub: OpenHub) -> None:
    """The result of the first run is lost with the host; the instance still completes."""
    first = await open_hub()
    first.worker.block("square")
    instance_id = await first.client.start_new("fan_out", None, [2, 3])
    await first.worker.blocked()

    second = await open_hub(after=first)

    assert (await second.finished(instance_id)).output == 13
    assert sorted(second.worker.activity_calls) == [("square", 2), ("square", 3)]


async def test_a_timer_is_armed_again(open_hub: OpenHub) -> None:
    """A deadline that passes while the host is down is due at its next start."""
    first = await open_hub()
    instance_id = await first.client.start_new("deadline", None, {"wait_ms": 150})
    await first.wait_for(instance_id, lambda status: status.runtime_status.name == "Running")

    second = await open_hub(after=first)

    assert (await second.finished(instance_id)).output == "timed out"


async def test_an_event_that_came_early_is_still_there(open_hub: OpenHub) -> None:
    """An event for which nothing waits yet is kept across a restart."""
    first = await open_hub()
    instance_id = await first.client.start_new("two_events")
    await first.client.raise_event(instance_id, "second", 2)

    second = await open_hub(after=first)
    await second.client.raise_event(instance_id, "first", 1)

    assert (await second.finished(instance_id)).output == [1, 2]


async def test_a_second_host_on_the_same_hub_is_refused(open_hub: OpenHub, tmp_path: Path) -> None:
    """Two engines on one file would run everything twice."""
    first = await open_hub()

    with pytest.raises(StoreInUse, match="is in use by another process"):
        await open_hub()

    assert (await first.run("echo", 1)).output == 1
    assert (tmp_path / "durable-TestHub.sqlite3").exists()


async def test_a_stop_waits_for_running_work(open_hub: OpenHub) -> None:
    """Within its time limit an activity finishes and its result is kept."""
    hub = await open_hub()
    hub.worker.block("square")
    instance_id = await hub.client.start_new("fan_out", None, [2])
    await hub.worker.blocked()

    stopping = asyncio.create_task(hub.engine.stop(timeout_s=5))
    await asyncio.sleep(0)
    hub.worker.release("square")
    await stopping

    second = await open_hub(after=hub)
    assert (await second.finished(instance_id)).output == 4
    assert second.worker.activity_calls == []


async def test_a_stopped_engine_does_not_start_again(open_hub: OpenHub) -> None:
    """A host makes a new one."""
    hub = await open_hub()
    await hub.close()

    with pytest.raises(RuntimeError, match="make a new one"):
        await hub.engine.start()


async def test_the_version_of_a_start_reaches_the_orchestrator(open_hub: OpenHub) -> None:
    """It is part of the first event."""
    hub = await open_hub()

    instance_id = await hub.client.start_new("echo", None, 1, version="2.1")
    await hub.finished(instance_id)

    assert hub.engine.store.history(instance_id)[1]["Version"] == "2.1"


async def test_an_activity_that_is_gone_fails_and_does_not_hang(open_hub: OpenHub) -> None:
    """As after a deployment that removed it while its work item waited."""
    first = await open_hub()
    first.worker.block("explode")
    instance_id = await first.client.start_new("failing_activity")
    await first.worker.blocked()

    second = await open_hub(after=first, without=("activity", "explode"))

    output = (await second.finished(instance_id)).output
    reasons = [one.get("Reason") for one in second.engine.store.history(instance_id)]
    assert output.startswith("Orchestrator function 'failing_activity' failed: The function 'explode' doesn't exist")
    assert "Activity function 'explode' failed: Activity function 'explode' does not exist." in reasons
