"""Know how Python's and Node's packages are installed, and when they are up to date."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from local.stack.places import NODE_PROJECTS, PYTHON, ROOT, VENV

LOCK = ROOT / "requirements-dev.txt"
INSTALLER = ROOT / "local" / "stack" / "installer.txt"
# A stamp lies inside what it vouches for, so that deleting the folder deletes it too.
PYTHON_STAMP = VENV / "salescoach.stamp"
NODE_STAMP = Path("node_modules/salescoach.stamp")
BUILD_STAMP = Path("node_modules/salescoach-build.stamp")
NPM_CI = ("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")


class InstallFailed(Exception):
    """An installer ended badly; the message holds the end of what it said."""


class Run(Protocol):
    """Run a command in a folder; raise InstallFailed if it fails."""

    def __call__(self, command: list[str], *, cwd: Path = ROOT) -> None:
        """Run the command to its end."""
        ...


def python_is_current() -> bool:
    """Tell whether the virtual environment holds what the lock file says."""
    return os.access(PYTHON, os.X_OK) and matches(PYTHON_STAMP, [LOCK, INSTALLER])


def install_python(run: Run) -> None:
    """Make the virtual environment if needed and install the locked packages, by uv or else by pip."""
    if not os.access(PYTHON, os.X_OK):
        shutil.rmtree(VENV, ignore_errors=True)
        run([sys.executable, "-m", "venv", str(VENV)])
    python = str(PYTHON)
    try:
        run([python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(INSTALLER)])
        run([python, "-m", "uv", "pip", "install", "--python", python, "--require-hashes", "-r", str(LOCK)])
    except InstallFailed:
        # uv does not read pip's configuration, such as a company's own index; pip does.
        run([python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(LOCK)])
    stamp(PYTHON_STAMP, [LOCK, INSTALLER])


def node_projects() -> list[tuple[str, Path]]:
    """List the folders with a package.json that the stack needs."""
    return [(title, folder) for title, folder in NODE_PROJECTS.items() if (folder / "package.json").exists()]


def node_is_current(project: Path) -> bool:
    """Tell whether a folder's node_modules hold what its lock file says, and its build is of today."""
    built = build_sources(project)
    return matches(project / NODE_STAMP, node_lock(project)) and (not built or matches(project / BUILD_STAMP, built))


def install_node(project: Path, run: Run) -> None:
    """Install a folder's locked packages without running their scripts; build it if it has a build."""
    if not matches(project / NODE_STAMP, node_lock(project)):
        run(list(NPM_CI), cwd=project)
        stamp(project / NODE_STAMP, node_lock(project))
    if build_sources(project):
        run(["node", "build.mjs"], cwd=project)
        stamp(project / BUILD_STAMP, build_sources(project))


def node_lock(project: Path) -> list[Path]:
    """List the files that decide what is installed."""
    return [project / "package.json", project / "package-lock.json"]


def build_sources(project: Path) -> list[Path]:
    """List the files that the built page is made from; none means that nothing is built."""
    if not (project / "build.mjs").exists():
        return []
    own = [path for pattern in ("*", "src/**/*") for path in project.glob(pattern) if path.is_file()]
    return sorted(own)


def matches(stamped: Path, sources: Iterable[Path]) -> bool:
    """Tell whether the stamp was made from these very sources."""
    return stamped.exists() and stamped.read_text(encoding="utf-8") == digest(sources)


def stamp(stamped: Path, sources: Iterable[Path]) -> None:
    """Note the sources; written last, so that an interrupted installation is begun again."""
    stamped.write_text(digest(sources), encoding="utf-8")


def digest(sources: Iterable[Path]) -> str:
    """Digest the sources' bytes."""
    together = hashlib.sha256()
    for source in sources:
        together.update(source.read_bytes())
    return together.hexdigest()
