"""The stack heals from kills of any parts in any order.

`make faults` runs it big; FAULTS_SIZE and FAULTS_SEED say how many kills and in which order.
"""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Generator
from random import Random

import pytest

from tests.e2e.stack import Stack, wait_for

SIZE = int(os.environ.get("FAULTS_SIZE", "4"))
SEED = int(os.environ.get("FAULTS_SEED", "1"))
MOST_AT_ONCE = 3
HEALED_S = 15.0


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stack]:
    """Run a stack for the kills alone."""
    running = Stack(tmp_path_factory.mktemp("faults") / "data")
    running.start()
    yield running
    running.stop()


def is_whole(stack: Stack, killed: dict[str, int]) -> bool:
    """Tell whether killed parts have other processes, all parts listen, and the app calls itself ready."""
    pids = stack.manifest["pids"]
    if any(pids[part] in (None, old) for part, old in killed.items()) or not stack.accepts_connections():
        return False
    try:
        with urllib.request.urlopen(f"{stack.url('app')}/api/health/ready", timeout=5) as answer:  # noqa: S310
            return answer.status == 200
    except OSError:
        return False


def test_the_stack_heals_after_every_kill(stack: Stack) -> None:
    """Whatever dies, all parts are back and the app is ready within 15 s."""
    random = Random(SEED)
    parts = sorted(stack.manifest["pids"])

    for turn in range(SIZE):
        chosen = random.sample(parts, random.randint(1, MOST_AT_ONCE))
        killed = {part: stack.kill(part) for part in chosen}

        told = f"kill {turn} of seed {SEED}: {', '.join(chosen)}"
        wait_for(lambda killed=killed: is_whole(stack, killed), f"a whole stack after {told}", bound_s=HEALED_S)
