"""Run the supervisor in the virtual environment; `python3 -m local up` ends here."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from local.stack import doors, environment
from local.stack.command import parser, ports_of
from local.stack.life import AlreadyRunning, take
from local.stack.parts import Wishes
from local.stack.places import ROOT, Places
from local.stack.plan import plan_for
from local.stack.supervisor import Stack, tell


def main(arguments: list[str]) -> int:
    """Take the data folder and run a stack in it until it is told to end."""
    options = parser().parse_args(arguments)
    places = Places(Path(options.data).resolve())
    wishes = Wishes(
        host=options.host,
        tokens_per_second=options.tokens_per_second,
        faults=options.faults,
        watch=options.watch,
        model_url=options.model_url,
        door=options.door,
        certificates=options.certificates,
    )
    ports = ports_of(options)
    if options.host == "func" and environment.write_local_settings(ROOT / "local.settings.json", ports):
        tell("local.settings.json written from its template")
    try:
        lock = take(places, fresh=options.fresh)
    except AlreadyRunning as fault:
        print(fault, file=sys.stderr)
        return 1
    if options.door == doors.HTTP:
        doors.trust(options.certificates or places.of("certificates"))
    with lock:
        return asyncio.run(Stack(plan_for(ports, places, wishes, os.environ)).run(lock))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
