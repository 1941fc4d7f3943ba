"""A sample of the kill matrix; `durable_kill_matrix.py` itself runs any size of it."""

import subprocess
import sys
from pathlib import Path

MATRIX = Path(__file__).with_name("durable_kill_matrix.py")


def test_no_orchestration_is_lost_or_stuck_when_the_process_is_killed() -> None:
    """Killed at random steps and moments, under two seeds; every history replays to itself."""
    sample = ["--seed", "7", "--seeds", "2", "--steps", "5", "--storms", "3"]

    ran = subprocess.run(  # noqa: S603 - this interpreter on a file next to this one
        [sys.executable, str(MATRIX), *sample], capture_output=True, text=True, check=False, timeout=110
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("13 scenarios"), ran.stdout
    assert ran.stdout.endswith("0 lost, 0 stuck\n")
