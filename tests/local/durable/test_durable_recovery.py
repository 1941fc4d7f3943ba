"""What was unfinished when the engine went down is finished after its next start."""

from durable_hub import OpenHub


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
