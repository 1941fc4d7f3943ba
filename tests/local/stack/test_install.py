"""Something is installed when it is missing or old, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.stack import life, packages
from local.stack.places import ROOT, Places


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a Node project with a lock file and nothing installed."""
    (tmp_path / "package.json").write_text("{}", encoding="utf-8")
    (tmp_path / "package-lock.json").write_text('{"lockfileVersion": 3}', encoding="utf-8")
    return tmp_path


class Installer:
    """Note commands; `npm ci` leaves a node_modules folder, as the real one does."""

    def __init__(self) -> None:
        self.commands: list[str] = []

    def __call__(self, command: list[str], *, cwd: Path = ROOT) -> None:
        """Take one command."""
        self.commands.append(" ".join(command[:2]))
        (cwd / "node_modules").mkdir(exist_ok=True)


def test_node_packages_are_installed_once_and_again_after_the_lock_changed(project: Path) -> None:
    """The stamp lies in node_modules, so deleting that folder counts as missing."""
    assert not packages.node_is_current(project)

    packages.install_node(project, Installer())
    assert packages.node_is_current(project)
    (project / "package-lock.json").write_text('{"lockfileVersion": 4}', encoding="utf-8")

    assert not packages.node_is_current(project)


def test_a_changed_page_is_built_anew_without_installing(project: Path) -> None:
    """What the browser gets is never older than its sources."""
    (project / "build.mjs").write_text("", encoding="utf-8")
    (project / "src").mkdir()
    (project / "src" / "main.js").write_text("1", encoding="utf-8")
    packages.install_node(project, Installer())
    assert packages.node_is_current(project)

    (project / "src" / "main.js").write_text("2", encoding="utf-8")
    again = Installer()
    assert not packages.node_is_current(project)
    packages.install_node(project, again)

    assert again.commands == ["node build.mjs"]
    assert packages.node_is_current(project)


def test_the_lock_files_name_no_registry() -> None:
    """A clone installs from whatever registry its machine is set up for."""
    for folder in (ROOT / "web", ROOT / "local" / "stack"):
        assert '"resolved"' not in (folder / "package-lock.json").read_text(encoding="utf-8")
    for lock in (ROOT / "requirements.txt", ROOT / "requirements-dev.txt", packages.INSTALLER):
        assert "://" not in lock.read_text(encoding="utf-8")


def test_every_lock_entry_has_a_hash() -> None:
    """A registry cannot slip in other bytes."""
    for lock in (ROOT / "requirements.txt", ROOT / "requirements-dev.txt", packages.INSTALLER):
        text = lock.read_text(encoding="utf-8").replace("\\\n", "")
        entries = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]

        assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_fresh_clears_only_what_the_stack_made(tmp_path: Path) -> None:
    """A mistyped --data costs nobody their files."""
    places = Places(tmp_path)
    (tmp_path / "cosmos").mkdir()
    (tmp_path / "cosmos" / "data.sqlite").touch()
    (tmp_path / "thesis.tex").touch()

    with life.take(places, fresh=True):
        assert not (tmp_path / "cosmos").exists()
        assert (tmp_path / "thesis.tex").exists()
