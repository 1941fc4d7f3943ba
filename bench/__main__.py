"""Measure what is named, or everything: `python -m bench [durable webpubsub ...]`; each prints its own figures."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def names() -> list[str]:
    """List the benches: the modules beside this one."""
    return sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))


def main(wanted: list[str]) -> int:
    """Run the benches one after the other, each in a process of its own; give the first exit code that is not 0."""
    unknown = [name for name in wanted if name not in names()]
    if unknown:
        print(f"There is no bench named {', '.join(unknown)}; there are {', '.join(names())}.")
        return 2
    for name in wanted or names():
        print(f"== {name}", flush=True)
        code = subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode  # noqa: S603  # our own
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
