"""Start, stop and wake turns through the Durable Functions client of one invocation."""

from azure.durable_functions import DurableOrchestrationClient

from shared.domain.errors import EngineUnavailable
from shared.domain.turn_events import TurnLimits
from shared.domain.turns import TurnRef
from shared.wire.durable_history import orchestration_input

ORCHESTRATOR = "process"


class DurableTurns:
    """Meet TurnEngine. The 1.x client raises bare Exceptions, so that their texts are all there is to go by."""

    def __init__(self, client: DurableOrchestrationClient, limits: TurnLimits) -> None:
        self._client = client
        self._limits = limits

    async def start(self, ref: TurnRef) -> None:
        """Start the orchestration of this execution; one that exists already is left alone."""
        try:
            await self._client.start_new(ORCHESTRATOR, ref.instance_id, orchestration_input(ref, self._limits))
        except Exception as fault:
            if "already exists" not in str(fault):
                raise EngineUnavailable(str(fault)) from fault

    async def stop(self, ref: TurnRef, reason: str) -> None:
        """Terminate an older execution if it exists."""
        try:
            await self._client.terminate(ref.instance_id, reason)
        except Exception as fault:
            if "No instance with ID" not in str(fault):
                raise EngineUnavailable(str(fault)) from fault

    async def wake(self, ref: TurnRef, event: str) -> None:
        """Raise an event; for one that is missing or finished nobody waits any more."""
        try:
            await self._client.raise_event(ref.instance_id, event)
        except Exception as fault:
            if "No instance with ID" not in str(fault) and "is gone" not in str(fault):
                raise EngineUnavailable(str(fault)) from fault
