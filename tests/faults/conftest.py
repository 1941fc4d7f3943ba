"""How big the runs of this folder are, from which seed, and the figures that they print at the end.

`FAULTS_SIZE` and `FAULTS_SEED` set both (`make faults SIZE=50 SEED=7`); without them a sample runs, from another seed
each day.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

_FIGURES: list[str] = []

Figure = Callable[[str, str], None]


@pytest.fixture(scope="session")
def big() -> int | None:
    """The size that was asked for; None for a sample."""
    size = os.environ.get("FAULTS_SIZE")
    return int(size) if size else None


@pytest.fixture(scope="session")
def first_seed() -> int:
    """The seed to begin with; it changes with the day unless it is set."""
    given = os.environ.get("FAULTS_SEED")
    return int(given) * 100_000 if given else int(f"{datetime.now(UTC):%Y%m%d}") * 1000


@pytest.fixture(scope="session")
def figure() -> Figure:
    """Print a line when all is done: the claim, and what was counted."""

    def add(claim: str, counted: str) -> None:
        _FIGURES.append(f"{claim}: {counted}")

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures of this run."""
    if _FIGURES:
        terminalreporter.section("figures")
    for line in _FIGURES:
        terminalreporter.write_line(line)
