"""Refuse early, in one sentence each, what would make a start fail late."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from local.stack import ports
from local.stack.places import PYTHON, Places

NODE_MAJOR = 20
# A stack whose supervisor was killed needs this long at most to end its parts (see `reaper`).
CLEARING_S = 10


class Unfit(Exception):
    """The machine lacks something that the stack needs; the message says what and how to get it."""


class CoreToolsMissing(Unfit):
    """The real Functions host was asked for and is not installed."""


def need_venv() -> None:
    """Make sure that a virtual environment can be made, or is there already.

    Raises:
        Unfit: Debian's Python comes without the package that makes them.

    """
    if os.access(PYTHON, os.X_OK):
        return
    if any(importlib.util.find_spec(module) is None for module in ("venv", "ensurepip")):
        raise Unfit("This Python lacks its venv module. On Debian: apt-get install python3-venv")


def need_node() -> None:
    """Make sure that Node and npm start and are new enough.

    Raises:
        Unfit: one of them is missing or too old.

    """
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise Unfit(
                f"{program} is missing: SalesCoach needs Node {NODE_MAJOR} or later, with npm,"
                " for the Blob stand-in and the web client. On Debian: apt-get install nodejs npm",
            )
    try:
        asked = subprocess.run(["node", "--version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError) as fault:
        raise Unfit(f"node is on the PATH but does not start: {fault}") from fault
    version = re.match(r"v(\d+)\.", asked.stdout)
    if version is None or int(version[1]) < NODE_MAJOR:
        raise Unfit(f"Node {NODE_MAJOR} or later is needed, and this one is {asked.stdout.strip()}.")


def need_core_tools() -> None:
    """Make sure that the real Functions host is installed.

    Raises:
        CoreToolsMissing: `func` is not on the PATH.

    """
    if shutil.which("func") is None:
        raise CoreToolsMissing(
            "func is missing: --host func needs Azure Functions Core Tools 4"
            " (npm install -g azure-functions-core-tools@4); without it leave --host out.",
        )


def need_free_ports(plan: dict[str, int]) -> None:
    """Make sure that nobody listens where the parts will.

    Raises:
        Unfit: names the first taken port, the part that wants it and the way out.

    """
    taken = ports.taken(plan)
    if taken:
        part, port = taken[0]
        others = f" (and {len(taken) - 1} more)" if len(taken) > 1 else ""
        raise Unfit(
            f"Port {port}, which the part {part} needs, is in use{others}: free it,"
            " or move all ports with --port-base, for instance --port-base 5100.",
        )


def need_idle(places: Places) -> None:
    """Make sure that no stack runs from this data folder; wait for one that is just ending.

    Raises:
        Unfit: a stack runs there, and the message says how to stop it.

    """
    give_up = time.monotonic() + CLEARING_S
    while is_locked(places.lock):
        owner = places.lock.read_text(encoding="utf-8").strip()
        if is_alive(owner) or time.monotonic() > give_up:
            raise Unfit(
                f"A stack runs from {places.data} already (process {owner});"
                f" stop it with: python3 -m local down --data {places.data}",
            )
        time.sleep(0.1)


def is_locked(lock: Path) -> bool:
    """Tell whether a supervisor, or what cleans up behind it, holds the lock."""
    if not lock.exists():
        return False
    with lock.open(encoding="utf-8") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def is_alive(process: str) -> bool:
    """Tell whether a process of this id exists."""
    if not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
