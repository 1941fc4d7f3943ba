"""Take operations at once, and connect meanwhile: nobody waits for telemetry, and what cannot be sent is dropped."""

import logging
from collections import deque
from collections.abc import Callable
from threading import Lock, Thread
from typing import Protocol

from shared.domain.telemetry import Operation

WAITING_MOST = 2048
"""Operations that wait for the connection; the oldest are dropped (the size of the SDK's own queue of spans)."""

_log = logging.getLogger("salescoach.telemetry")


class Recorder(Protocol):
    """Turns operations into spans and metrics; does not wait for the network."""

    def record(self, done: Operation) -> None:
        """Take one."""
        ...


class WaitingTelemetry:
    """Meets Telemetry; what sends is imported and connected at the first operation, on a thread of its own."""

    def __init__(self, connect: Callable[[], Recorder]) -> None:
        self._connect = connect
        self._waiting: deque[Operation] = deque(maxlen=WAITING_MOST)
        self._recorder: Recorder | None = None
        self._connecting = False
        self._lock = Lock()

    def record(self, done: Operation) -> None:
        """Take an operation; the first one begins the connection."""
        try:
            self._take(done)
        except Exception:  # noqa: BLE001 - logged with its traceback
            # A turn's end is recorded in the step that ends it: no turn may fail for its telemetry.
            _log.exception("telemetry.unavailable")

    def _take(self, done: Operation) -> None:
        with self._lock:
            if self._recorder is None:
                self._waiting.append(done)
                begin, self._connecting = not self._connecting, True
                if begin:
                    Thread(target=self._begin, name="telemetry", daemon=True).start()
                return
        self._recorder.record(done)

    def _begin(self) -> None:
        try:
            recorder = self._connect()
        except Exception:  # noqa: BLE001 - logged with its traceback
            # Nothing else depends on it: the app answers without telemetry, and this line says so.
            _log.exception("telemetry.unavailable")
            return
        with self._lock:
            self._recorder = recorder
            waiting = list(self._waiting)
            self._waiting.clear()
        for done in waiting:
            self.record(done)
