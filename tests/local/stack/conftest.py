"""Small stacks for the tests of the supervisor."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.e2e.stack import free_port_base, wait_for

ROOT = Path(__file__).resolve().parents[3]
TINY_STACK = Path(__file__).with_name("tiny_stack.py")
BOUND_S = 20.0

T = TypeVar("T")
WaitFor = Callable[[Callable[[], T | None], str], T]


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be reaped does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


class TinyStack:
    """A running stack of small parts, seen from outside."""

    def __init__(self, data: Path, base: int, habits: tuple[str, ...]) -> None:
        self.data = data
        self.base = base
        self.output = data.parent / f"{data.name}.out"
        with self.output.open("w", encoding="utf-8") as out:
            self.process = subprocess.Popen(  # noqa: S603
                [sys.executable, str(TINY_STACK), str(data), str(base), *habits],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def said(self, words: str) -> str:
        """Wait until the supervisor has said these words; return all that it said."""
        try:
            return wait_for(lambda: self.text() if words in self.text() else None, repr(words))
        except AssertionError as fault:
            raise AssertionError(f"{fault}; it said: {self.text()}") from None

    def text(self) -> str:
        """Give all that the supervisor said so far."""
        return self.output.read_text(encoding="utf-8")

    def manifest(self) -> dict[str, Any]:
        """Read stack.json."""
        return json.loads((self.data / "stack.json").read_text(encoding="utf-8"))

    def pid(self, part: str) -> int:
        """Wait until the part has a process and name it."""
        return wait_for(lambda: self.manifest()["pids"][part], f"a process of {part}")


@pytest.fixture
def patience() -> WaitFor[Any]:
    """Wait for a condition, with a bound."""
    return wait_for


@pytest.fixture
def alive() -> Callable[[int], bool]:
    """Tell whether a process runs."""
    return is_alive


@pytest.fixture
def base() -> int:
    """Pick a run of free ports below those that outgoing connections take."""
    return free_port_base()


@pytest.fixture
def tiny_stack(tmp_path: Path, base: int) -> Generator[Callable[..., TinyStack]]:
    """Start a small stack whose host part has the given habits; end it after the test."""
    started: list[TinyStack] = []

    def start(*habits: str) -> TinyStack:
        started.append(TinyStack(tmp_path / "data", base, habits))
        return started[-1]

    yield start
    for stack in started:
        stack.process.send_signal(signal.SIGTERM)
        stack.process.wait(BOUND_S)
