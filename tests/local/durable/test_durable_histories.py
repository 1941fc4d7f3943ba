"""Every kind of history replays to the same actions, ids and end."""

import pytest
from durable_hub import Hub
from durable_replays import assert_replays

RUNS = {
    "sequence": {"steps": 3},
    "fan_out": [1, 2, 3],
    "turn": None,
    "deadline": {"wait_ms": 10},
    "left_timer": {"wait_ms": 10},
    "failing": None,
    "failing_activity": None,
    "unknown_activity": None,
    "bad_output": None,
    "unsupported": "retry",
    "echo": 1,
}


@pytest.mark.parametrize("name", RUNS)
async def test_a_history_replays_to_itself(hub: Hub, name: str) -> None:
    """The orchestrator is run again over every prefix."""
    status = await hub.run(name, RUNS[name])

    assert await assert_replays(hub.worker, hub.engine.store.history(status.instance_id)) >= 1


async def test_a_history_with_events_pauses_and_an_end_by_force_replays_to_itself(hub: Hub) -> None:
    """Suspension, resumption and termination are episodes without the orchestrator."""
    instance_id = await hub.waiting()
    await hub.client.raise_event(instance_id, "first", 1)
    await hub.client.suspend(instance_id, "lunch")
    await hub.client.resume(instance_id, "back")
    await hub.client.terminate(instance_id, "enough")
    await hub.finished(instance_id)

    assert await assert_replays(hub.worker, hub.engine.store.history(instance_id)) >= 2
