"""The kill matrix, as big as FAULTS_SIZE says; `durable_kill_matrix.py` is the program itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MATRIX = Path(__file__).with_name("durable_kill_matrix.py")
SIZE = int(os.environ.get("FAULTS_SIZE", "4"))
SEED = os.environ.get("FAULTS_SEED", "7")
EVERY_STEP_FROM = 50


@pytest.mark.timeout(120 + 10 * SIZE)
def test_no_orchestration_is_lost_or_stuck_when_the_process_is_killed() -> None:
    """Killed at random steps (from size 50 at every one) and moments; every history replays to itself."""
    seeds, steps = (SIZE // EVERY_STEP_FROM, 0) if SIZE >= EVERY_STEP_FROM else (2, SIZE)
    size = ["--seed", SEED, "--seeds", str(seeds), "--steps", str(steps), "--storms", str(SIZE)]

    ran = subprocess.run(  # noqa: S603 - this interpreter on a file next to this one
        [sys.executable, str(MATRIX), *size], capture_output=True, text=True, check=False, timeout=100 + 10 * SIZE
    )

    print(ran.stdout)  # noqa: T201 - the figures of the claim
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.endswith("0 lost, 0 stuck\n")
