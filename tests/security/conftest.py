"""One running deployment for all proofs of this folder, behind the HTTP door, and how big the runs are."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Generator
from datetime import UTC, datetime

import pytest

from tests.e2e.stack import Stack
from tests.security.deployment import Deployment


@pytest.fixture(scope="session")
def door(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stack]:
    """A stack whose events come over HTTP, proved by identity."""
    running = Stack(tmp_path_factory.mktemp("door") / "data", "--door", "http", "--tokens-per-second", "0")
    running.start()
    yield running
    running.stop()


@pytest.fixture
async def deployment(door: Stack) -> AsyncGenerator[Deployment]:
    """What an attacker can reach of it."""
    reached = Deployment(door)
    yield reached
    await reached.lines.close()


@pytest.fixture(scope="session")
def volume() -> int:
    """How many mutated inputs each route and event gets: `FAULTS_SIZE` times 40, or a sample."""
    size = os.environ.get("FAULTS_SIZE")
    return int(size) * 40 if size else 40


@pytest.fixture(scope="session")
def first_seed() -> int:
    """The seed to begin with; it changes with the day unless it is set."""
    given = os.environ.get("FAULTS_SEED")
    return int(given) * 100_000 if given else int(f"{datetime.now(UTC):%Y%m%d}") * 1000
