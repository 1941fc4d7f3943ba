"""The durable engine under kill -9, as big as FAULTS_SIZE says; `durable_kill_matrix.py` is the program itself."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Figure = Callable[[str, str], None]

MATRIX = Path(__file__).parents[1] / "local" / "durable" / "durable_kill_matrix.py"
SAMPLE = 4
SAMPLE_SEEDS = 2
EVERY_STEP_FROM = 50


@pytest.mark.timeout(7200)
def test_no_orchestration_is_lost_or_stuck_when_the_process_is_killed(
    big: int | None, first_seed: int, figure: Figure
) -> None:
    """Killed at random steps (from size 50 at every one) and moments; every history replays to itself."""
    size = big or SAMPLE
    every_step = size >= EVERY_STEP_FROM
    seeds, steps = (max(size // EVERY_STEP_FROM, 1), 0) if every_step else (SAMPLE_SEEDS, size)
    matrix = ["--seed", str(first_seed), "--seeds", str(seeds), "--steps", str(steps), "--storms", str(size)]

    ran = subprocess.run(  # noqa: S603 - this interpreter on a program of ours
        [sys.executable, str(MATRIX), *matrix], capture_output=True, text=True, check=False, timeout=100 + 20 * size
    )

    figure("durable engine killed at its transactions", ran.stdout.strip().splitlines()[-1] if ran.stdout else "")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.endswith("0 lost, 0 stuck\n")
