"""The zip for Azure holds the app and nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path

from local.stack import package

ROOT = Path(__file__).resolve().parents[3]


def top_level() -> set[str]:
    """List what the repository tracks at its top."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    return {line.split("/")[0] for line in listed.stdout.splitlines()}


def test_everything_at_the_top_is_either_shipped_or_ignored() -> None:
    """A new folder must be decided about; Core Tools and `make package` then agree."""
    patterns = (ROOT / ".funcignore").read_text(encoding="utf-8").split()
    kept = {name for name in top_level() if not any(Path(name).match(pattern) for pattern in patterns)}

    assert kept == set(package.SHIPPED) & top_level()
    assert kept <= set(package.SHIPPED)


def test_only_files_of_the_app_are_shipped() -> None:
    """No settings, no tests, no stand-in, no compiled leftovers of this machine."""
    shipped = [file.as_posix() for file in package.shipped_files(ROOT)]

    assert "host.json" in shipped
    assert [name for name in shipped if name.split("/")[0] not in package.SHIPPED] == []
    assert [name for name in shipped if name.endswith(".pyc") or "settings.json" in name] == []
