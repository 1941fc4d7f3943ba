"""The host dies before and after each durable step and side effect, under load: nothing is lost, nothing is doubled.

`killing.py` does it and is a program as well; `points.py` lists the points. A sample takes a few, others each day.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from tests.e2e.stack import Stack
from tests.faults.killing import OPTIONS, kill_at, ordered
from tests.faults.points import all_points

SAMPLE = 3
POINTS_PER_SIZE = 4
POINTS_LEAST = 40
MET_LEAST = 0.8
"""So many of the points must be met; a chance of timing decides whether a turn comes by some of them."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stack]:
    """Run a stack whose parts fail on order."""
    running = Stack(tmp_path_factory.mktemp("kill") / "data", *OPTIONS)
    running.start()
    yield running
    running.stop()


def test_there_are_points_enough() -> None:
    """Before and after every durable transaction, write, frame, call and token; each has a name of its own."""
    names = [point.name for point in all_points()]

    assert len(set(names)) == len(names) > POINTS_LEAST


@pytest.mark.timeout(7200)
@pytest.mark.requirement("stack:host-killed")
async def test_a_kill_at_any_step_loses_and_doubles_nothing(
    stack: Stack, big: int | None, first_seed: int, figure: Any
) -> None:
    """Turns that read and turns that write, of several people at once; each seed takes the points in its own order."""
    wanted = big * POINTS_PER_SIZE if big else SAMPLE
    kills, seed = 0, first_seed
    while wanted > 0:
        points = ordered(seed)[:wanted]
        figures = await kill_at(stack, points, seed)
        figure("kill", f"seed {seed}: {figures.line()}")
        kills += figures.kills
        wanted -= len(points)
        seed += 1

    assert kills >= MET_LEAST * (big * POINTS_PER_SIZE if big else SAMPLE) - 1
