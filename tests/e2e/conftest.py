"""One local stack for all end-to-end tests, and fresh ones for tests that need theirs alone."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.e2e.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stack]:
    """Share one running stack; a test may kill its parts but leaves it whole."""
    running = Stack(tmp_path_factory.mktemp("stack") / "data")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def new_stack(tmp_path: Path) -> Generator[Callable[..., Stack]]:
    """Start a stack with options of its own: `new_stack("--tokens-per-second", "20")`."""
    started: list[Stack] = []

    def start(*options: str) -> Stack:
        started.append(Stack(tmp_path / f"data{len(started)}", *options))
        started[-1].start()
        return started[-1]

    yield start
    for running in started:
        running.stop()
