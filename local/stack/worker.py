"""Keep one part running: start it, wait until it answers, start it again when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from local.stack.parts import Part
from local.stack.places import ROOT
from local.stack.probe import answering

READY_S = 60.0
GRACE_S = 4.0
# A part that ran this long was well; its next end is not counted as one of a row.
WELL_S = 10.0
# The host must be back within 10 s of any death, so even a crashing one is tried often.
LONGEST_PAUSE_S = 4.0
TAIL_LINES = 20


class PartFailed(Exception):
    """A part did not come up; the message holds the reason and the end of its log."""


class Audience(Protocol):
    """Who wants to know what becomes of a part."""

    def tell(self, line: str) -> None:
        """Take a line for the person at the terminal."""
        ...

    def began(self, group: int) -> None:
        """Take note of a new process group."""
        ...

    def ended(self, group: int) -> None:
        """Take note of a process group's end."""
        ...


class Worker:
    """The process of one part."""

    def __init__(self, part: Part, log: Path, audience: Audience, fill: Callable[[], None] | None = None) -> None:
        """Take the part, its log, who follows it, and what is to be done each time it has come up."""
        self.part = part
        self.restarts = 0
        self.state = "stopped"
        self._log = log
        self._audience = audience
        self._fill = fill
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The id of the living process, which also leads a process group of its own."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> float:
        """Start the part, wait until it answers, and from then on keep it running.

        Returns the seconds it took.

        Raises:
            PartFailed: it ended or stayed silent.

        """
        if self._keeper is not None:
            return 0.0
        began = time.monotonic()
        await self._bring_up()
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.part.name}")
        return time.monotonic() - began

    async def stop(self) -> None:
        """End the part and leave it ended; a part that does not end when asked is killed."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        await self._end()
        self.state = "stopped"

    async def _bring_up(self) -> None:
        self.state = "starting"
        process = await self._spawn()
        ended = asyncio.create_task(process.wait())
        ready = asyncio.create_task(answering(self.part.answers, strictly=self.part.strictly))
        try:
            await asyncio.wait({ended, ready}, timeout=READY_S, return_when=asyncio.FIRST_COMPLETED)
            if ready.done() and process.returncode is None:
                if self._fill is not None:
                    await asyncio.to_thread(self._fill)
                self.state = "ready"
                return
        finally:
            ended.cancel()
            ready.cancel()
        reason = f"did not answer on {self.part.answers} within {READY_S:.0f} s"
        if process.returncode is not None:
            reason = f"{ending(process.returncode)} before it was ready"
        await self._end()
        self.state = "failed"
        raise PartFailed(f"The part {self.part.name} {reason}. The end of {self._log}:\n{tail(self._log)}")

    async def _spawn(self) -> asyncio.subprocess.Process:
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *self.part.command,
                cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self.part.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A group of its own: Ctrl-C reaches the supervisor only, and what the part starts ends with it.
                start_new_session=True,
            )
        self._process = process
        self._audience.began(process.pid)
        return process

    async def _keep(self) -> None:
        falls = 0
        while True:
            falls = 1 if await self._outlived() else falls + 1
            while not await self._try_again(pause_s(falls)):
                falls += 1

    async def _outlived(self) -> bool:
        """Wait for the end of the part; tell whether it had been well: somebody killed it, or it ran for long."""
        process, born = self._process, time.monotonic()
        if process is None:
            return False
        code = await process.wait()
        self.state = "fallen"
        # What the dead part had started would keep its port.
        signal_group(process.pid, signal.SIGKILL)
        self._audience.ended(process.pid)
        self._audience.tell(f"{self.part.name} {ending(code)}; starting it again")
        return code in (-signal.SIGKILL, -signal.SIGTERM) or time.monotonic() - born > WELL_S

    async def _try_again(self, pause: float) -> bool:
        if pause:
            self._audience.tell(f"the next try to start {self.part.name} is in {pause:.1f} s")
        await asyncio.sleep(pause)
        began = time.monotonic()
        self.restarts += 1
        try:
            await self._bring_up()
        except PartFailed as fault:
            self._audience.tell(str(fault))
            return False
        self._audience.tell(f"{self.part.name} is back ({time.monotonic() - began:.1f} s)")
        return True

    async def _end(self) -> None:
        process = self._process
        if process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            # Sent to the group even when its leader is gone: what it started must go, too.
            signal_group(process.pid, number)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), GRACE_S)
                break
        self._audience.ended(process.pid)
        self._process = None


def signal_group(group: int, number: signal.Signals) -> None:
    """Signal a process group if it is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


def pause_s(falls: int) -> float:
    """Say how long to wait after this many ends in a row: the first time not at all, then ever longer."""
    return 0.0 if falls <= 1 else min(LONGEST_PAUSE_S, 0.5 * 2.0 ** (falls - 2))


def ending(code: int) -> str:
    """Say in words how a process ended."""
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def tail(log: Path) -> str:
    """Give the last lines of a log, indented."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
    return "\n".join(f"    {line}" for line in lines) or "    (empty)"
