"""End the stack's processes when their supervisor is gone, however it died.

Started as `python -I -S reaper.py` with the supervisor's pipe as standard input: a line "+17" means that
process group 17 lives, "-17" that it ended. The end of the pipe is the supervisor's end.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE_S = 2.0


def main() -> None:
    """Follow the supervisor until it is gone, then end what it left."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    groups = living(sys.stdin)
    end(groups, signal.SIGTERM)
    give_up = time.monotonic() + GRACE_S
    while groups and time.monotonic() < give_up:
        time.sleep(0.05)
        groups = end(groups, 0)
    end(groups, signal.SIGKILL)


def living(lines: Iterable[str]) -> set[int]:
    """Read the supervisor's notes to their end; what is left of them is still running."""
    groups: set[int] = set()
    for line in lines:
        group = int(line[1:])
        (groups.add if line[0] == "+" else groups.discard)(group)
    return groups


def end(groups: Iterable[int], number: int) -> set[int]:
    """Send a signal to each group; return those that were there to get it."""
    there: set[int] = set()
    for group in groups:
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            continue
        there.add(group)
    return there


if __name__ == "__main__":
    main()
