"""The client's own tests, run by Node: the reducer over the golden streams, its law, the words."""

from __future__ import annotations

import subprocess
from pathlib import Path

WEB_FOLDER = Path(__file__).resolve().parents[2] / "web"


def test_the_clients_node_tests_pass(npm: str) -> None:
    """One line in pytest for what `npm test` says at length."""
    command = [npm, "test", "--silent"]
    ran = subprocess.run(command, cwd=WEB_FOLDER, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603

    assert ran.returncode == 0, ran.stdout + ran.stderr
