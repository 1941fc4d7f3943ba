"""The simulation with reads out of a copy that is behind, as of a region that took over or a replica that lags.

Even who wrote is not shown what they wrote: harder than Cosmos DB is with session tokens, which the SDK takes from no
batch.
"""

from dataclasses import replace
from typing import Any

import pytest

from shared.flow import persist
from shared.wire import documents
from tests.faults.simulation.checks import faults_of, first_told
from tests.faults.simulation.run import Ran, run
from tests.faults.simulation.world import WEATHERS

OLD_READS = 0.25
SAMPLE = 40
SEEDS_PER_SIZE = 10
TURN_MOST_S = 240.0
"""As in the simulation; what was read too early is tried again after pauses of up to 30 s, or found by upkeep."""


pytestmark = pytest.mark.usefixtures("quiet")


def behind(seed: int) -> Ran:
    """Run a seed in which one read of four is up to three seconds old."""
    return run(seed, replace(WEATHERS[seed % len(WEATHERS)], old_read=OLD_READS))


@pytest.mark.timeout(3600)
@pytest.mark.requirement("query:failure-matrix")
def test_old_reads_lose_nothing_and_bring_nothing_back(big: int | None, first_seed: int, figure: Any) -> None:
    """Each turn ends once, with all that was said, stored before it is reported; none that ended runs again."""
    seeds, turns, slowest = big * SEEDS_PER_SIZE if big else SAMPLE, 0, 0.0
    for seed in range(first_seed, first_seed + seeds):
        ran = behind(seed)

        assert faults_of(ran) == [], f"seed {seed}"
        assert ran.slowest_s <= TURN_MOST_S, f"seed {seed}: a turn took {ran.slowest_s:.0f} s"
        turns += sum(len(person.turns()) for person in ran.people)
        slowest = max(slowest, ran.slowest_s)
    figure("old reads", f"{seeds} seeds from {first_seed}, {turns} turns, slowest {slowest:.0f} virtual s: 0 faults")


def believe(turn: Any, _ref: Any) -> Any:
    """Take what was read as it is."""
    return turn


def is_as_seen(*_: Any) -> bool:
    """Take every turn as the one that was read."""
    return True


MUTANTS: dict[str, tuple[Any, str, Any, str]] = {
    "an old seal is believed absent": (persist, "_not_behind", believe, "without a stored answer"),
    "an old turn is sealed": (documents, "is_as_seen", is_as_seen, "than was said"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_checker_finds_what_believes_old_reads(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checker that finds nothing proves nothing."""
    where, what, broken, told = MUTANTS[name]
    monkeypatch.setattr(where, what, broken)

    assert first_told(behind, 120, told)
