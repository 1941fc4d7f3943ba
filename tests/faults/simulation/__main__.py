"""Play one seed again and print its history: `python -m tests.faults.simulation SEED [part of an id]`."""

import logging
import sys

from tests.faults.simulation.checks import faults_of
from tests.faults.simulation.run import run


def main(seed: str, part: str = "") -> int:
    """Print what happened, then what was wrong."""
    logging.disable(logging.CRITICAL)
    ran = run(int(seed))
    for at, what, data in ran.world.history:
        if part in (told := repr(data)):
            sys.stdout.write(f"{at:8.2f} {what:9} {told[:400]}\n")
    faults = faults_of(ran)
    sys.stdout.write("\n".join(faults or ["no fault"]) + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
