"""The real flow and the real turn machine in bad weather, seed by seed, judged by their history.

A seed that fails is named; `FAULTS_SEED` and `python -m tests.faults.simulation SEED` play it again.
"""

from dataclasses import replace
from typing import Any

import pytest

from shared.adapters.memory.conversations import MemoryConversations
from shared.domain import conversation
from shared.domain.tools import ToolSpec
from shared.flow import query, upkeep
from tests.faults.simulation.checks import faults_of, first_told
from tests.faults.simulation.run import Deployment, run

SAMPLE = 120
SEEDS_PER_SIZE = 40
TURN_MOST_S = 150.0
"""A lease of 30 s, upkeep every 15 s, an approval of 20 s, pauses of up to 30 s; each word that woke nobody costs lease
and upkeep. A turn that waits in vain takes the 300 s of a patient world."""


pytestmark = pytest.mark.usefixtures("quiet")


@pytest.mark.timeout(7200)
@pytest.mark.requirement("query:every-turn-ends-once")
def test_every_accepted_message_is_answered_once_and_in_order(big: int | None, first_seed: int, figure: Any) -> None:
    """Crashes, zombies, repeats, delays, conflicts, lost frames and events; the history must be without fault."""
    seeds = big * SEEDS_PER_SIZE if big else SAMPLE
    turns = anew = kills = refusals = 0
    slowest = 0.0
    for seed in range(first_seed, first_seed + seeds):
        ran = run(seed)

        assert faults_of(ran) == [], f"seed {seed}"
        assert ran.slowest_s <= TURN_MOST_S, f"seed {seed}: a turn took {ran.slowest_s:.0f} s"
        turns += sum(len(person.turns()) for person in ran.people)
        anew += sum(len(person.again) for person in ran.people)
        kills += ran.world.kills
        refusals += ran.world.faults
        slowest = max(slowest, ran.slowest_s)
    figure(
        "simulation",
        f"{seeds} seeds from {first_seed}, {turns} turns ({anew} of them another answer), {kills} crashes, "
        f"{refusals} failed operations: 0 faults; "
        f"no turn took longer than {slowest:.0f} virtual seconds without new faults",
    )


def test_a_seed_plays_the_same_again(first_seed: int) -> None:
    """Without that a fault could not be found by its number."""
    first, second = run(first_seed), run(first_seed)

    assert repr(first.world.history) == repr(second.world.history)


async def do_nothing(*_: Any) -> Any:
    """A step that was forgotten."""


def place_at_once(head: conversation.Head, question: Any, now: Any, *_: Any) -> Any:
    """Start every turn, whoever has the slot."""
    return _PLACE(replace(head, active_turn=None), question, now)


def is_safe(_: ToolSpec) -> bool:
    """Take every tool as safe to repeat."""
    return True


def is_fresh(*_: object) -> bool:
    """Take every head as the one that was read."""
    return True


_PLACE = conversation.place
SAFE = property(is_safe)

MUTANTS: dict[str, tuple[Any, str, Any, str]] = {
    "nobody restarts what stalled": (upkeep, "restart_expired", do_nothing, "for ever"),
    "every tool is taken as safe": (ToolSpec, "safe_to_repeat", SAFE, "took effect"),
    "every head is taken as fresh": (MemoryConversations, "_is_head", is_fresh, "seq"),
    "the slot is not exclusive": (query, "place", place_at_once, "began while"),
    "nothing is bound": (Deployment, "_persist", do_nothing, "stored"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_checker_finds_what_is_broken_on_purpose(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checker that finds nothing proves nothing."""
    where, what, broken, told = MUTANTS[name]
    monkeypatch.setattr(where, what, broken)

    assert first_told(run, 60, told)
