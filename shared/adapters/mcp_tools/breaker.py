"""Leave a server alone for a while that failed several times in a row, and then let one call try it."""

from typing import Literal

from shared.ports import Clock

FAULTS_MOST = 5
OPEN_S = 15.0


class Breaker:
    """Count a server's own faults; refusals and errors of tools are answers, and close it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._faults = 0
        self._until = 0.0

    @property
    def state(self) -> Literal["closed", "open", "half_open"]:
        """Tell whether calls pass, none passes, or the next one is a trial."""
        if self._faults < FAULTS_MOST:
            return "closed"
        return "open" if self._clock.monotonic() < self._until else "half_open"

    def admit(self) -> bool:
        """Let a call pass or not; the one that tries keeps the others out until its outcome is known."""
        state = self.state
        if state == "half_open":
            self._until = self._clock.monotonic() + OPEN_S
        return state != "open"

    def failed(self) -> None:
        """Count a fault."""
        self._faults += 1
        if self._faults >= FAULTS_MOST:
            self._until = self._clock.monotonic() + OPEN_S

    def answered(self) -> None:
        """Forget the faults."""
        self._faults = 0
