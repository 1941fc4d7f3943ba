"""Hold what one running stack holds alone: its data folder's lock, and the reaper that outlives it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import sys
from pathlib import Path
from typing import IO

from local.stack.places import Places

# What --fresh removes, by name: a mistyped --data must not cost anything else.
KEPT_BY_PARTS = ("azurite", "certificates", "cosmos", "host", "identity", "logs", "sample-data")
KEPT_BY_SUPERVISOR = ("stack.json", "mcpservers.json")


class AlreadyRunning(Exception):
    """Another stack took the data folder in the meantime."""


def take(places: Places, *, fresh: bool) -> IO[str]:
    """Lock the data folder for this process and prepare it; the lock lasts while the file is open.

    Raises:
        AlreadyRunning: another stack holds it.

    """
    places.data.mkdir(parents=True, exist_ok=True)
    lock = places.lock.open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as fault:
        raise AlreadyRunning(f"Another stack has just started from {places.data}.") from fault
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    if fresh:
        clear(places)
    places.manifest.unlink(missing_ok=True)
    places.logs.mkdir(exist_ok=True)
    return lock


def clear(places: Places) -> None:
    """Remove all that earlier stacks kept in this data folder."""
    for name in KEPT_BY_PARTS:
        shutil.rmtree(places.data / name, ignore_errors=True)
    for name in KEPT_BY_SUPERVISOR:
        (places.data / name).unlink(missing_ok=True)


class Reaper:
    """The process that ends the parts when the supervisor cannot any more (`reaper`)."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def begin(cls, lock: IO[str]) -> Reaper:
        """Start it; it shares the lock, so that no new stack starts before it has cleared the old one."""
        script = Path(__file__).with_name("reaper.py")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(script)),
            stdin=asyncio.subprocess.PIPE,
            pass_fds=(lock.fileno(),),
            start_new_session=True,
        )
        return cls(process)

    def note(self, group: int, *, lives: bool) -> None:
        """Tell it that a process group began or ended."""
        pipe = self._process.stdin
        if pipe is not None and not pipe.is_closing():
            pipe.write(f"{'+' if lives else '-'}{group}\n".encode())

    async def end(self) -> None:
        """Let it end what is left, if anything, and wait for it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()
