"""Orchestrations of the real SDK run to their ends on the engine."""

from datetime import datetime

from durable_hub import Hub

from local.host.durable.faults import HoldActivity


async def test_a_sequence_of_activities_returns_the_last_value(hub: Hub) -> None:
    """Each activity gets the result of the one before."""
    status = await hub.run("sequence", {"steps": 3, "start": 4})

    assert status.output == 7
    assert [name for name, _ in hub.worker.activity_calls] == ["add_one"] * 3


async def test_a_fan_out_returns_all_results(hub: Hub) -> None:
    """Activities side by side are joined in the order of their calls."""
    status = await hub.run("fan_out", [1, 2, 3])

    assert status.output == 14


async def test_an_event_before_its_deadline_wins_over_the_timer(hub: Hub) -> None:
    """The event ends the wait; the cancelled timer does not hold the instance."""
    instance_id = await hub.client.start_new("deadline", None, {"wait_ms": 60_000})

    await hub.client.raise_event(instance_id, "approval", {"by": "ada"})

    assert (await hub.finished(instance_id)).output == {"approved": {"by": "ada"}}


async def test_a_timer_wins_when_no_event_comes(hub: Hub) -> None:
    """The deadline ends the wait."""
    assert (await hub.run("deadline", {"wait_ms": 20})).output == "timed out"


async def test_events_are_kept_until_they_are_waited_for(hub: Hub) -> None:
    """The second event may come first."""
    instance_id = await hub.client.start_new("two_events")

    await hub.client.raise_event(instance_id, "second", 2)
    await hub.client.raise_event(instance_id, "first", 1)

    assert (await hub.finished(instance_id)).output == [1, 2]


async def test_nested_waits_end_when_the_work_is_done_first(hub: Hub) -> None:
    """When-any over when-all, an event and a timer: the work wins."""
    status = await hub.run("turn")

    assert status.output == {"results": [2, 9], "closed": 12, "cancelled": False}
    assert status.custom_status == {"phase": "close"}


async def test_nested_waits_end_when_the_event_comes_first(hub: Hub) -> None:
    """When-any over when-all, an event and a timer: the event wins, the work's rest is waited for."""
    hub.engine.faults.add(HoldActivity(activity="square", seconds=0.2))
    instance_id = await hub.client.start_new("turn")

    await hub.client.raise_event(instance_id, "cancel")

    assert (await hub.finished(instance_id)).output == {"results": [], "closed": 1, "cancelled": True}


async def test_an_orchestration_without_work_completes_at_once(hub: Hub) -> None:
    """The input comes back as it was given; the status shows it as JSON text."""
    status = await hub.run("echo", {"x": [1, "ä"]})

    assert status.output == {"x": [1, "ä"]}
    assert status.input_ == '{"x": [1, "\\u00e4"]}'


async def test_the_clock_of_an_orchestrator_has_microseconds(hub: Hub) -> None:
    """It is the time of the episode, to the digit, on every replay."""
    status = await hub.run("clock")

    marks = [one for one in hub.engine.store.history(status.instance_id) if one["EventType"] == 12]
    assert status.output == [datetime.fromisoformat(one["Timestamp"]).isoformat() for one in marks]
