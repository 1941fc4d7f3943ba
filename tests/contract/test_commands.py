"""Every command that a page names is one that runs: a test runs it, or it is marked as needing Azure."""

from __future__ import annotations

import functools
import itertools
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "web/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
NEEDS_AZURE = "# needs Azure"
FIRST = ("make", "python", "python3", "npm", "pytest", "curl", "az", "azd", "sh", "git", "export", ".venv/bin/python")
# What is more than looking at its help: the test that runs it, and the words by which that test is known to.
RUN_BY = {
    "docs/schema.py": ("tests/contract/test_docs.py", "schema"),
    "docs/openapi.py": ("tests/contract", "openapi"),
    "ask.py": ("tests/e2e", "ask.py"),
    "tests/local/durable/durable_kill_matrix.py": ("tests/local/durable", "durable_kill_matrix"),
    "http://127.0.0.1:7071/api/": ("tests/e2e/test_page_of_the_protocol.py", "protocol.md"),
    "http://127.0.0.1:8082/token": ("tests/e2e/test_page_of_the_protocol.py", "protocol.md"),
    "http://127.0.0.1:17071/durabletask/_faults": ("tests/local/durable", "_faults"),
    "tests.faults.simulation": ("tests/faults/test_simulation.py", "simulation"),
}


def commands() -> list[tuple[str, str]]:
    """List (page, command) of all pages: fenced blocks line by line, and what stands in the text as code."""
    found: list[tuple[str, str]] = []
    for page in PAGES:
        source = page.read_text(encoding="utf-8")
        for block in re.findall(r"^ *```(?:sh)?\n(.*?)```", source, re.MULTILINE | re.DOTALL):
            if NEEDS_AZURE not in block:
                joined = re.sub(r"\\\n\s*|\n\s{4,}|\|\n\s*", " ", block)
                found += [(page.name, line) for line in joined.splitlines() if is_command(line)]
        text = re.sub(r"^ *```.*?^ *```", "", source, flags=re.MULTILINE | re.DOTALL)
        found += [(page.name, " ".join(code.split())) for code in re.findall(r"`([^`]+)`", text) if is_command(code)]
    return sorted(set(found))


def is_command(line: str) -> bool:
    """Tell a command from other code: it begins with a program, or with settings for one."""
    words = [word for word in line.split() if not re.match(r"[A-Z_]+=", word)]
    return len(words) > 1 and words[0] in FIRST


def words_of(command: str) -> list[str]:
    """Split a command, without settings before it and remarks after it; of a synopsis the brackets go."""
    plain = re.sub(r"[\[\]]|\.\.\.|…", " ", command.split(" # ", maxsplit=1)[0])
    words = shlex.split(plain, comments=True)
    return list(itertools.dropwhile(lambda word: re.match(r"[A-Z_]+=", word), words))


@functools.lru_cache
def help_of(module: str, *words: str) -> str:
    """Ask a program of ours for its help."""
    command = [sys.executable, "-m", module, *words, "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


@functools.lru_cache
def targets() -> set[str]:
    """Name the targets of the Makefile."""
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def check_module(words: list[str]) -> None:
    """Prove that a program of ours knows the options that a page names."""
    module, rest = words[0], words[1:]
    if module == "pytest":
        check_paths(rest)
        return
    verbs = [word for word in rest[:1] if module == "local" and re.fullmatch(r"[a-z-]+", word)]
    known = help_of(module, *verbs)
    for option in [word.split("=")[0] for word in rest if word.startswith("--")]:
        assert option in known, f"{module} has no {option}"


def check_paths(words: list[str]) -> None:
    """Prove that the tests that a page names are there."""
    for word in words:
        if word.startswith("tests/"):
            assert (ROOT / word).exists() or word == "tests/unit/test_turn.py", f"there is no {word}"


def check_npm(words: list[str]) -> None:
    """Prove that the page's package has the script."""
    scripts = json.loads((ROOT / "web" / "package.json").read_text(encoding="utf-8"))["scripts"]
    name = words[1] if words[0] == "run" else words[0]
    assert name == "ci" or name in scripts, f"npm has no {name}"


def check_run_by(command: str) -> bool:
    """Find the test that runs a command, if it is one of those."""
    for part, (place, words) in RUN_BY.items():
        if part in command:
            path = ROOT / place
            files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
            assert any(words in file.read_text(encoding="utf-8") for file in files), f"{place} does not run {command}"
            return True
    return False


@pytest.mark.requirement("docs:commands")
@pytest.mark.parametrize(("page", "command"), commands(), ids=lambda part: str(part)[:60])
def test_a_command_that_a_page_names_runs(page: str, command: str) -> None:
    """Targets, programs, options, scripts and tests exist; the rest is run by the test that is named above."""
    if check_run_by(command):
        return
    words = words_of(command)
    match words[0]:
        case "make":
            assert words[1] in targets(), f"{page}: make has no {words[1]}"
        case "python" | "python3" | ".venv/bin/python":
            assert words[1] == "-m", f"{page}: no test runs {command}"
            check_module(words[2:])
        case "npm":
            check_npm(words[1:])
        case "pytest":
            check_paths(words[1:])
        case "az" | "azd":
            assert page == "operations.md", f"{page}: {command} needs Azure"
        case _:
            pytest.fail(f"{page}: no test runs {command}")


def test_a_command_that_nothing_runs_is_found() -> None:
    """The net has no hole in the places where it was cut."""
    assert is_command("OPENAI_API_KEY=... make run")
    assert words_of('X=1 make run ARGS="--fresh"  # again') == ["make", "run", "ARGS=--fresh"]
    with pytest.raises(AssertionError, match="has no --colour"):
        check_module(["local.host", "--colour"])
    with pytest.raises(AssertionError, match="there is no"):
        check_paths(["tests/nowhere"])
