"""Traces and metrics as Microsoft's exporter sends them, to a collector on a real socket."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest

from shared.adapters.telemetry.azure_monitor import OpenTelemetryRecorder, connect
from shared.adapters.telemetry.waiting import WAITING_MOST, WaitingTelemetry
from shared.domain.telemetry import Measured, Operation
from tests.collector import Collector, collecting

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
TRACE, TURN, CALL = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "00f067aa0ba902b7"


@pytest.fixture
async def collector(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Collector]:
    """A collector; what the exporter's switches are set to does not outlive the test."""
    for switch in ("STATSBEAT_DISABLED_ALL", "SDKSTATS_DISABLED", "CONTROLPLANE_DISABLED"):
        monkeypatch.setenv(f"APPLICATIONINSIGHTS_{switch}", "true")
    async with collecting() as found:
        yield found


def sender(collector: Collector) -> OpenTelemetryRecorder:
    """A process that sends to it."""
    return connect(collector.connection_string, provider="azure.ai.openai", version="1.2.3", client_id=None)


def operation(name: str = "chat gpt-4.1-mini", **wish: Any) -> Operation:
    """A second of work."""
    values: dict[str, Any] = {
        "name": name,
        "trace_id": TRACE,
        "parent_id": TURN,
        "began": NOW,
        "ended": NOW + timedelta(seconds=1),
        "attributes": {"gen_ai.operation.name": name.split(maxsplit=1)[0]},
    }
    return Operation(**{**values, **wish})


@pytest.mark.requirement("observability:trace")
async def test_operations_of_several_processes_meet_in_one_trace(collector: Collector) -> None:
    """Each process names the trace, the turn's span and the call's span as the others do."""
    here, there = sender(collector), sender(collector)
    spent = Measured(name="gen_ai.client.token.usage", value=42, attributes={"gen_ai.token.type": "input"})
    here.record(operation(measured=(spent,)))
    here.record(operation("execute_tool pipeline", span_id=CALL, error="failed"))
    there.record(operation("invoke_agent salescoach", span_id=TURN, parent_id=None))

    await asyncio.gather(asyncio.to_thread(here.close), asyncio.to_thread(there.close))

    (turn,) = collector.of("Request")
    assert (turn["id"], turn["tags"]["ai.operation.id"], turn["duration"]) == (TURN, TRACE, "0.00:00:01.000")
    assert "ai.operation.parentId" not in turn["tags"]
    parts = {part["name"]: part for part in collector.of("RemoteDependency")}
    assert {part["tags"]["ai.operation.parentId"] for part in parts.values()} == {TURN}
    assert {part["tags"]["ai.operation.id"] for part in parts.values()} == {TRACE}
    assert parts["execute_tool pipeline"]["id"] == CALL
    assert parts["execute_tool pipeline"]["success"] is False
    assert parts["chat gpt-4.1-mini"]["properties"]["gen_ai.provider.name"] == "azure.ai.openai"
    values = {point["name"]: point for metric in collector.of("Metric") for point in metric["metrics"]}
    assert values["gen_ai.client.token.usage"]["value"] == 42


@pytest.mark.requirement("observability:dropped")
async def test_nobody_waits_for_a_collector_that_holds_its_answer(collector: Collector) -> None:
    """More is recorded than the queue holds while the collector holds on; the app goes on, and the rest is dropped."""
    collector.answering.clear()
    recorder = sender(collector)
    for _ in range(3 * WAITING_MOST):
        recorder.record(operation())
    await asyncio.wait_for(collector.asked.wait(), 30)
    assert collector.items == []

    collector.answering.set()
    await asyncio.to_thread(recorder.close)

    assert 0 < len(collector.of("RemoteDependency")) < 3 * WAITING_MOST


@pytest.mark.requirement("observability:dropped")
async def test_what_is_recorded_before_the_connection_is_kept_up_to_a_bound() -> None:
    """The newest are kept; the import of the exporter runs beside the app."""
    ready, taken = Event(), list[Operation]()

    class Kept:
        """Keeps what it is given."""

        def record(self, done: Operation) -> None:
            """Keep it."""
            taken.append(done)

    def connecting() -> Kept:
        ready.wait(30)
        return Kept()

    telemetry = WaitingTelemetry(connecting)
    for number in range(WAITING_MOST + 10):
        telemetry.record(operation(f"chat {number}"))
    ready.set()
    async with asyncio.timeout(30):
        while len(taken) < WAITING_MOST:
            await asyncio.sleep(0)
    telemetry.record(operation("chat last"))

    assert [taken[0].name, taken[-1].name] == ["chat 10", "chat last"]
    assert len(taken) == WAITING_MOST + 1


@pytest.mark.requirement("observability:dropped")
async def test_a_connection_that_cannot_be_made_is_logged_and_costs_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A connection string that cannot be read, for example."""
    telemetry = WaitingTelemetry(lambda: connect("no such", provider="openai", version="1", client_id=None))
    telemetry.record(operation())
    async with asyncio.timeout(30):
        while not caplog.records:
            await asyncio.sleep(0)
    telemetry.record(operation())

    assert [record.message for record in caplog.records if record.name == "salescoach.telemetry"] == [
        "telemetry.unavailable"
    ]


@pytest.mark.requirement("observability:dropped")
async def test_a_recorder_that_raises_is_logged_and_fails_nobodys_work(caplog: pytest.LogCaptureFixture) -> None:
    """A turn's end is recorded in the very step that ends it."""

    class Broken:
        """Cannot take anything."""

        def record(self, done: Operation) -> None:
            """Refuse."""
            raise RuntimeError(done.name)

    telemetry = WaitingTelemetry(Broken)
    async with asyncio.timeout(30):
        while not caplog.records:
            telemetry.record(operation())
            await asyncio.sleep(0)

    assert {record.message for record in caplog.records if record.name == "salescoach.telemetry"} == {
        "telemetry.unavailable"
    }
