"""Run all parts of one stack from start to end, and carry out what `local stop` and the like ask for."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import IO

from local.stack import control, manifest
from local.stack.life import Reaper
from local.stack.parts import Part, url
from local.stack.plan import Plan
from local.stack.worker import PartFailed, Worker

# The host first, so that it can still say to the others what it must.
LAST_TO_STOP = ("cosmos", "blob", "webpubsub")


class Stack:
    """One running stack."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._workers: dict[str, Worker] = {}
        self._reaper: Reaper | None = None
        self._ended = asyncio.Event()
        self._is_open = False
        self._one_command = asyncio.Lock()

    async def run(self, lock: IO[str]) -> int:
        """Start everything, say when it is ready, and stay until told to end; return the exit code."""
        began = time.monotonic()
        self._reaper = await Reaper.begin(lock)
        self._workers = {part.name: self._worker(part) for part in self._plan.parts}
        self._heed_signals()
        door = await control.serve(self._plan.places.control, self._carry)
        starting = asyncio.create_task(self._open(began))
        waiting = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done() and not starting.result():
                return 1
            await waiting
            return 0
        finally:
            starting.cancel()
            waiting.cancel()
            await asyncio.gather(starting, waiting, return_exceptions=True)
            door.close()
            await self._close()

    def _worker(self, part: Part) -> Worker:
        log = self._plan.places.log(part.name)
        log.write_bytes(b"")
        prompts = self._plan.prompts
        fill = prompts.fill if prompts is not None and part.name == "blob" else None
        return Worker(part, log, self, fill)

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._ended.set)

    def tell(self, line: str) -> None:
        """Print a line about a part."""
        tell(line)

    def began(self, group: int) -> None:
        """Have the new process ended with the supervisor, and list it."""
        self._note(group, lives=True)

    def ended(self, group: int) -> None:
        """Forget a process that ended."""
        self._note(group, lives=False)

    def _note(self, group: int, *, lives: bool) -> None:
        if self._reaper is not None:
            self._reaper.note(group, lives=lives)
        if self._is_open:
            self._write_manifest()

    def _write_manifest(self) -> None:
        pids = {part.name: self._workers[part.name].pid for part in self._plan.parts}
        manifest.write(
            self._plan.places.manifest,
            self._plan.ports,
            servers=self._plan.servers,
            pids=pids,
            real_model=self._plan.real_model,
            door=self._plan.door,
        )

    async def _open(self, began: float) -> bool:
        tell(f"Starting {len(self._workers)} parts; their logs are in {self._plan.places.logs}")
        try:
            await self._start_all()
            await self._plan.open_app()
        except PartFailed as fault:
            tell(str(fault))
            return False
        self._is_open = True
        self._write_manifest()
        if self._plan.real_model:
            tell(f"The model is the one at {self._plan.real_model}")
        tell(f"Started in {time.monotonic() - began:.1f} s; Ctrl-C stops everything")
        web, app = url(self._plan.ports, "web"), url(self._plan.ports, "app")
        tell(f"SalesCoach is ready: {web}/ (API {app}/)", plain=True)
        return True

    async def _start_all(self) -> None:
        try:
            async with asyncio.TaskGroup() as together:
                for name in self._workers:
                    together.create_task(self._first_start(name))
        except ExceptionGroup as faults:
            # The first is the cause; the others are often its consequences.
            raise faults.exceptions[0] from faults

    async def _first_start(self, name: str) -> None:
        took = await self._workers[name].start()
        tell(f"{name:10} ready ({took:.1f} s)")

    async def _close(self) -> None:
        tell("Stopping")
        last = [worker for name, worker in self._workers.items() if name in LAST_TO_STOP]
        first = [worker for worker in self._workers.values() if worker not in last]
        for group in (first, last):
            await asyncio.gather(*(worker.stop() for worker in group))
        if self._is_open and self._plan.prompts is not None:
            self._plan.prompts.keep()
        self._is_open = False
        if self._reaper is not None:
            await self._reaper.end()
        self._plan.places.manifest.unlink(missing_ok=True)
        self._plan.places.control.unlink(missing_ok=True)

    async def _carry(self, do: str, part: str | None) -> str:
        if do == "down":
            self._ended.set()
            return "The stack is ending."
        if do == "status":
            return self._status()
        worker = self._workers.get(part or "")
        if worker is None:
            raise control.Refused(f"{part} is no part of this stack; it has {', '.join(self._workers)}.")
        async with self._one_command:
            return await change(worker, do)

    def _status(self) -> str:
        lines = [
            f"{name:10} {worker.state:9} {worker.pid or '-':>8}  {worker.part.answers}  restarts: {worker.restarts}"
            for name, worker in self._workers.items()
        ]
        return "\n".join(lines)


async def change(worker: Worker, do: str) -> str:
    """Stop, start or restart one part.

    Raises:
        control.Refused: it did not come up.

    """
    if do in ("stop", "restart"):
        await worker.stop()
    if do in ("start", "restart"):
        try:
            await worker.start()
        except PartFailed as fault:
            raise control.Refused(str(fault)) from fault
    return f"{worker.part.name} is {worker.state}."


def tell(line: str, *, plain: bool = False) -> None:
    """Print one line for the person; the ready line stands alone, so that programs find it."""
    print(line if plain else f"  {line}", flush=True)
