"""The documents of the stack say what is there, and all of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/local-stack.md", "docs/dependencies.md")


def text(name: str) -> str:
    """Read a file of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def named_packages() -> set[str]:
    """List every dependency that we name ourselves."""
    lines = [line for name in ("requirements.in", "requirements-dev.in") for line in text(name).splitlines()]
    python = {re.split(r"[<>=~ ]", line)[0] for line in lines if line and not line.startswith(("#", "-r"))}
    node = {
        name for file in ("web", "local/stack") for name in json.loads(text(f"{file}/package.json"))["dependencies"]
    }
    return python | node


def test_every_dependency_has_a_reason_and_every_reason_a_dependency() -> None:
    """docs/dependencies.md and the requirement files name the same packages."""
    explained = set(re.findall(r"^\| ([\w@/.-]+) \|", text("docs/dependencies.md"), re.MULTILINE)) - {"package"}

    assert explained == named_packages()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_somewhere(name: str) -> None:
    """A reader is not sent to a page that is not there."""
    links = re.findall(r"\]\(([^)#:]+)\)", text(name))

    assert [link for link in links if not (ROOT / name).parent.joinpath(link).exists()] == []


def test_the_readme_begins_with_the_two_commands() -> None:
    """The first lines are what a newcomer types, and both commands exist."""
    first = text("README.md").split("```")[1].split("\n")
    targets = set(re.findall(r"^(\w+):.*##", text("Makefile"), re.MULTILINE))

    assert [line.split("#")[0].strip() for line in first if line] == ["make run", "make test"]
    assert {"run", "test", "check", "e2e", "faults", "bench", "package", "lock", "setup", "help"} <= targets


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_make_target_that_is_named_exists(name: str) -> None:
    """No promise that a command does not keep."""
    targets = set(re.findall(r"^(\w+):.*##", text("Makefile"), re.MULTILINE))

    assert set(re.findall(r"`make (\w+)", text(name))) <= targets
