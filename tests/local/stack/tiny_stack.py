"""A stack of small parts under the real supervisor, run as a program: tiny_stack.py DATA PORT HABIT..."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from local.stack.life import take
from local.stack.parts import Part
from local.stack.places import Places
from local.stack.plan import Plan
from local.stack.ports import plan as plan_ports
from local.stack.supervisor import Stack

TINY_PART = Path(__file__).with_name("tiny_part.py")


async def nothing_to_open() -> None:
    """Stand where the app's own readiness is awaited."""


def part(name: str, port: int, *habits: str) -> Part:
    """Describe one small part."""
    return Part(
        name=name,
        command=(sys.executable, str(TINY_PART), "--port", str(port), *habits),
        answers=f"http://127.0.0.1:{port}/",
    )


def main() -> int:
    """Run a host with the given habits, and a web part without."""
    data, base, *habits = sys.argv[1:]
    ports = plan_ports(int(base))
    places = Places(Path(data))
    parts = [part("host", ports["app"], *habits), part("web", ports["web"])]
    with take(places, fresh=False) as lock:
        stack = Plan(
            ports=ports, places=places, parts=parts, open_app=nothing_to_open, servers={"sfdc": "http://127.0.0.1/"}
        )
        return asyncio.run(Stack(stack).run(lock))


if __name__ == "__main__":
    sys.exit(main())
