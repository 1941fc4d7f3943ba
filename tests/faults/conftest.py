"""How big the runs of this folder are, and from which seed.

`FAULTS_SIZE` and `FAULTS_SEED` set both (`make faults SIZE=50 SEED=7`); without them a sample runs, from another seed
each day.
"""

import logging
import os
from collections.abc import Generator
from datetime import UTC, datetime

import pytest

from tests.e2e.stack import Stack


@pytest.fixture
def quiet() -> Generator[None]:
    """Leave out the warnings that bad weather and attacks are made of."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


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
def fault_stack(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stack]:
    """Run one stack for all whose parts fail on order; a test leaves it whole and its faults cleared."""
    running = Stack(tmp_path_factory.mktemp("faults") / "data", "--faults", "--tokens-per-second", "300")
    running.start()
    yield running
    running.stop()
