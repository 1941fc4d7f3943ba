"""Lives of the engine: forked processes that serve real HTTP over one folder until they are killed."""

import asyncio
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from durable_hub import open_engine

from local.host.durable.faults import Crash


@dataclass
class Life:
    """One process of the engine."""

    pid: int
    port: int
    exit_code: int | None = None

    def alive(self) -> bool:
        """Tell whether the process still runs; reap it if not."""
        if self.exit_code is None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                self.exit_code = os.waitstatus_to_exitcode(status)
        return self.exit_code is None

    def kill(self) -> None:
        """Send SIGKILL and wait for the end."""
        if self.alive():
            os.kill(self.pid, signal.SIGKILL)
            self.exit_code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def begin_life(folder: Path, crash: Crash | None, kill_after_s: float | None) -> Life:
    """Fork a process that serves an engine over this folder until it is killed."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        try:
            asyncio.run(_serve(folder, crash, kill_after_s, writer))
        finally:
            os._exit(1)  # only by a fault of this program: a life ends by a kill
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    # Without a port the process died while it started, which is a step like others.
    return Life(pid, int(text) if text else 0)


async def _serve(folder: Path, crash: Crash | None, kill_after_s: float | None, port_to: int) -> None:
    if kill_after_s is not None:
        signal.setitimer(signal.ITIMER_REAL, kill_after_s)
        signal.signal(signal.SIGALRM, lambda _number, _frame: os.kill(os.getpid(), signal.SIGKILL))
    hub = await open_engine(folder, crash=crash, journal=folder / "activities.log")
    os.write(port_to, hub.base_url.rpartition(":")[2].encode())
    os.close(port_to)
    await asyncio.Event().wait()
