"""Find a Python that SalesCoach runs on, and hand it the command: `python3 -m local up`.

Written for any Python 3.8+, so that an unfit one answers in a sentence and not with a syntax error.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SUPPORTED = ((3, 11), (3, 12))
NAMES = ("python3.12", "python3.11", "python3")
ROOT = Path(__file__).resolve().parent.parent


def version_of(python: str) -> tuple[int, ...] | None:
    """Run a candidate to learn its version: a shim on the PATH may exist and still start nothing."""
    question = "import sys; print(*sys.version_info[:2])"
    command = [python, "-c", question]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return tuple(int(number) for number in asked.stdout.split())


def fitting_python() -> str | None:
    """Name the first Python of a supported version that really starts."""
    folders = os.get_exec_path()
    candidates = [str(ROOT / ".venv" / "bin" / "python")]
    # A shim may stand before the real one on the PATH, so every folder is asked.
    candidates += [str(Path(folder) / name) for name in NAMES for folder in folders]
    existing = (python for python in candidates if os.access(python, os.X_OK))
    return next((python for python in existing if version_of(python) in SUPPORTED), None)


def main() -> int:
    """Run the command in this Python if it fits, else in the first one that does."""
    if sys.version_info[:2] in SUPPORTED:
        # Imported only here: the rest of the stack is written for Python 3.11.
        from local.stack.command import run  # noqa: PLC0415

        return run(sys.argv[1:])
    python = fitting_python()
    if python is None:
        found = ".".join(str(number) for number in sys.version_info[:3])
        print(
            "SalesCoach runs on Python 3.11 or 3.12; this is " + found + " and neither python3.12 nor"
            " python3.11 starts here. On Debian: apt-get install python3 python3-venv",
            file=sys.stderr,
        )
        return 1
    return os.execvp(python, [python, "-m", "local", *sys.argv[1:]])  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    sys.exit(main())
