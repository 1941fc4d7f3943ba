"""What would make a start fail late is said early, in one sentence."""

from __future__ import annotations

import ast
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def taken_port(base: int) -> Generator[int]:
    """Listen on the port that --port-base would give to Cosmos."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", base + 3))
        listener.listen()
        yield base


def local(
    *arguments: str, path: str | None = None, python: str = sys.executable, cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run `python -m local` with another PATH."""
    environment = os.environ if path is None else {**os.environ, "PATH": path}
    return subprocess.run(  # noqa: S603
        [python, "-m", "local", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def program(folder: Path, name: str, script: str) -> None:
    """Put a small shell program on a PATH of its own."""
    target = folder / name
    target.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    target.chmod(0o755)


def test_a_taken_port_is_named_with_its_part_and_the_way_out(taken_port: int, tmp_path: Path) -> None:
    """One sentence: port, part, option."""
    said = local("up", "--port-base", str(taken_port), "--data", str(tmp_path))

    assert said.returncode == 1
    assert said.stderr == (
        f"Port {taken_port + 3}, which the part cosmos needs, is in use: free it,"
        " or move all ports with --port-base, for instance --port-base 5100.\n"
    )


def test_a_missing_node_gets_one_sentence(tmp_path: Path) -> None:
    """It says what needs Node and how Debian installs it."""
    said = local("setup", path=str(tmp_path))

    assert said.returncode == 1
    assert said.stderr.startswith("node is missing: SalesCoach needs Node 20 or later")
    assert said.stderr.count("\n") == 1


def test_an_old_node_gets_one_sentence(tmp_path: Path) -> None:
    """It says which version was found."""
    program(tmp_path, "node", "echo v18.19.0")
    program(tmp_path, "npm", "exit 0")

    said = local("setup", path=str(tmp_path))

    assert said.returncode == 1
    assert said.stderr == "Node 20 or later is needed, and this one is v18.19.0.\n"


def test_missing_core_tools_end_with_exit_code_2(tmp_path: Path) -> None:
    """--host func says what to install."""
    said = local("up", "--host", "func", path=str(tmp_path))

    assert said.returncode == 2
    assert said.stderr.startswith("func is missing: --host func needs Azure Functions Core Tools 4")
    assert said.stderr.count("\n") == 1


def test_a_port_base_without_room_is_refused() -> None:
    """The last part would have no port."""
    said = local("up", "--port-base", "65530")

    assert said.returncode == 2
    assert "must be from 1024 to" in said.stderr


def test_the_entry_is_readable_for_python_3_8() -> None:
    """An old Python must get as far as the sentence that refuses it."""
    source = (ROOT / "local" / "__main__.py").read_text(encoding="utf-8")

    ast.parse(source, feature_version=(3, 8))


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Give a checkout without a virtual environment."""
    shutil.copytree(ROOT / "local", tmp_path / "clone" / "local", ignore=shutil.ignore_patterns("node_modules"))
    return tmp_path / "clone"


def entry_under(version: tuple[int, int, int], clone: Path, path: str) -> subprocess.CompletedProcess[str]:
    """Run the entry in a Python that calls itself another version."""
    script = f"import sys, runpy; sys.version_info = {version}; sys.argv = ['local', 'status']; "
    script += "runpy.run_module('local', run_name='__main__')"
    return subprocess.run(  # noqa: S603
        [sys.executable, "-c", script],
        cwd=clone,
        env={"PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("version", [(3, 8, 1), (3, 10, 13), (3, 13, 0)])
def test_an_unfit_python_gets_one_sentence_when_there_is_no_other(
    version: tuple[int, int, int], clone: Path, tmp_path: Path
) -> None:
    """A shim that starts nothing does not count as another one."""
    program(tmp_path, "python3.12", "echo 'command not found' >&2; exit 127")

    said = entry_under(version, clone, str(tmp_path))

    assert said.returncode == 1
    assert said.stderr.startswith(f"SalesCoach runs on Python 3.11 or 3.12; this is {version[0]}.{version[1]}.")
    assert said.stderr.count("\n") == 1


def test_an_unfit_python_hands_over_to_a_fit_one(clone: Path, tmp_path: Path) -> None:
    """The first of the PATH that really starts carries the command out."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    program(first, "python3.12", "exit 127")
    program(second, "python3.12", f'exec {sys.executable} "$@"')

    said = entry_under((3, 13, 0), clone, f"{first}:{second}")

    assert "No stack runs from" in said.stderr


def test_a_missing_venv_module_gets_one_sentence(clone: Path) -> None:
    """Debian keeps it in a package of its own."""
    script = "import sys, runpy; sys.modules['ensurepip'] = None; sys.argv = ['local', 'setup']; "
    script += "runpy.run_module('local', run_name='__main__')"
    hide = "import importlib.util as u; real = u.find_spec; "
    hide += "u.find_spec = lambda name, *more: None if name == 'ensurepip' else real(name, *more); "

    said = subprocess.run(  # noqa: S603
        [sys.executable, "-c", hide + script], cwd=clone, capture_output=True, text=True, timeout=60, check=False
    )

    assert said.returncode == 1
    assert said.stderr == "This Python lacks its venv module. On Debian: apt-get install python3-venv\n"
