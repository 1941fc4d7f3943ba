"""How big the runs of this folder are, and from which seed.

`FAULTS_SIZE` and `FAULTS_SEED` set both (`make faults SIZE=50 SEED=7`); without them a sample runs, from another seed
each day.
"""

import os
from datetime import UTC, datetime

import pytest


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
