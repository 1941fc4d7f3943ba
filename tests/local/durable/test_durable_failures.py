"""Failures carry the extension's words."""

import json
from typing import Any

import pytest
from durable_hub import Hub

from local.host.durable.replay import ActionType


async def test_a_failed_activity_reaches_the_orchestrator_as_text(hub: Hub) -> None:
    """Reason with two spaces, then the details; types are lost."""
    status = await hub.run("failing_activity")

    reason, details = status.output.split(" \n ", 1)
    assert reason == "Activity function 'explode' failed:  RuntimeError: boom"
    assert json.loads(details)["Message"] == " RuntimeError: boom"


async def test_a_failed_orchestrator_fails_its_instance(hub: Hub) -> None:
    """The actions before the failure were carried out."""
    status = await hub.run("failing")

    assert status.runtime_status.name == "Failed"
    assert status.output == "Orchestrator function 'failing' failed: no way on"
    assert hub.worker.activity_calls == [("add_one", 1)]


async def test_an_unknown_activity_fails_the_instance(hub: Hub) -> None:
    """It is refused by name, not waited for."""
    status = await hub.run("unknown_activity")

    expected = "The function 'nowhere' doesn't exist, is disabled, or is not an activity function."
    assert status.output == f"Orchestrator function 'unknown_activity' failed: {expected}"


@pytest.mark.parametrize("action", ["retry", "sub", "entity", "signal", "http", "again"])
async def test_an_action_that_is_not_known_fails_the_instance_by_name(hub: Hub, action: str) -> None:
    """Retries, sub-orchestrations, entities, HTTP calls and continue-as-new say so at once."""
    names = {
        "retry": ActionType.CallActivityWithRetry,
        "sub": ActionType.CallSubOrchestrator,
        "entity": ActionType.CallEntity,
        "signal": ActionType.SignalEntity,
        "http": ActionType.CallHttp,
        "again": ActionType.ContinueAsNew,
    }

    status = await hub.run("unsupported", action)

    assert status.runtime_status.name == "Failed"
    assert f"The action {names[action].name} is not implemented (501)" in status.output


async def test_an_orchestrator_that_is_gone_fails_its_instances(hub: Hub) -> None:
    """As after a deployment that removed it."""
    instance_id = await hub.client.start_new("two_events")
    await hub.wait_for(instance_id, lambda status: status.runtime_status.name == "Running")
    del hub.worker.functions["orchestration", "two_events"]

    await hub.client.raise_event(instance_id, "first", 1)

    output = (await hub.finished(instance_id)).output
    assert output.startswith("Orchestrator function 'two_events' failed: The function 'two_events' doesn't exist")


async def test_changed_orchestrator_code_is_detected(hub: Hub) -> None:
    """History and actions contradict each other: the instance fails as in the Durable Task Framework."""
    hub.worker.block("add_one")
    instance_id = await hub.client.start_new("sequence", None, {"steps": 2})
    await hub.worker.blocked()
    hub.worker.functions["orchestration", "sequence"] = hub.worker.functions["orchestration", "changed"]

    hub.worker.release("add_one")

    output = (await hub.finished(instance_id)).output
    assert output.startswith("Non-Deterministic workflow detected: A previous execution of this orchestration")
    assert (
        "named 'add_one', but the current orchestration replay instead scheduled an activity task named 'square'"
        in output
    )


async def test_an_output_that_is_no_json_fails_the_instance(hub: Hub) -> None:
    """The SDK refuses it, the state travels in the exception's text."""
    status = await hub.run("bad_output")

    assert status.output == "Orchestrator function 'bad_output' failed: Object of type set is not JSON serializable"


async def test_an_uncancelled_timer_keeps_the_instance_running(hub: Hub) -> None:
    """The framework completes no orchestration while a task is open."""
    instance_id = await hub.client.start_new("left_timer", None, {"wait_ms": 200})

    def closed_once(status: Any) -> bool:
        return len(hub.engine.store.history(status.instance_id)) >= 7

    early = await hub.wait_for(instance_id, closed_once)

    assert early.runtime_status.name == "Running"
    assert (await hub.finished(instance_id)).output == "returned"


@pytest.mark.parametrize(
    "answer", ["[]", "no json", '{"schemaVersion":2,"actions":[7]}', '{"isDone":true,"schemaVersion":2,"actions":[]}']
)
async def test_an_answer_of_another_form_fails_the_instance(hub: Hub, answer: str) -> None:
    """The extension demands its schema."""
    hub.worker.functions["orchestration", "echo"] = lambda _context: answer

    status = await hub.run("echo", 1)

    words = "Out of proc orchestrators must return a valid JSON schema"
    assert status.output == f"Orchestrator function 'echo' failed: {words}"


async def test_a_crash_of_the_sdk_itself_fails_the_instance(hub: Hub) -> None:
    """Without the SDK's state the whole worker text is passed on."""

    def broken(_context: str) -> str:
        raise TypeError("broken")

    hub.worker.functions["orchestration", "echo"] = broken

    output = (await hub.run("echo", 1)).output
    words = "One or more errors occurred. (Result: Failure\nException: TypeError: broken"
    assert output.startswith(f"Orchestrator function 'echo' failed: {words}")
