"""Hosts whose clocks are ten minutes ahead or behind: who gets in, and what becomes of order, fences and leases."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import pytest

from functions._cloud_parts import FRESH_S, require_fresh
from shared.adapters.entra import LEEWAY_S, EntraVerifier
from shared.domain.errors import ChatError, ErrorCode
from shared.flow import upkeep
from tests.faults.simulation.checks import faults_of
from tests.faults.simulation.run import run
from tests.faults.simulation.world import WEATHERS
from tests.unit.auth.conftest import signed, tokens
from tests.unit.flow.conftest import Room

SKEW_S = 600.0
SAMPLE = 40
SEEDS_PER_SIZE = 10
LATE_MOST_S = 2 * SKEW_S + 150.0
"""A lease that the fastest clock wrote, seen by the slowest; then as in the simulation."""


@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("quiet")
@pytest.mark.requirement("query:failure-matrix")
def test_clocks_ten_minutes_apart_break_neither_order_nor_fence(big: int | None, first_seed: int, figure: Any) -> None:
    """Each process, and each episode of the engine, has a clock of its own; the history must be without fault."""
    seeds, turns, slowest = big * SEEDS_PER_SIZE if big else SAMPLE, 0, 0.0
    for seed in range(first_seed, first_seed + seeds):
        ran = run(seed, replace(WEATHERS[seed % len(WEATHERS)], skew_s=SKEW_S))

        assert faults_of(ran) == [], f"seed {seed}"
        assert ran.slowest_s <= LATE_MOST_S, f"seed {seed}: a turn took {ran.slowest_s:.0f} s"
        turns += sum(len(person.turns()) for person in ran.people)
        slowest = max(slowest, ran.slowest_s)
    figure(
        "clocks", f"{seeds} seeds from {first_seed} with clocks 10 minutes ahead and behind, {turns} turns: 0 faults"
    )


class WrongClock:
    """Meets Clock: the room's, ahead of it or behind."""

    def __init__(self, room: Room, by_s: float = SKEW_S) -> None:
        self._clock, self._by = room.clock, timedelta(seconds=by_s)
        self.monotonic, self.sleep, self.jitter = room.clock.monotonic, room.clock.sleep, room.clock.jitter

    def now(self) -> datetime:
        """Give the wrong present."""
        return self._clock.now() + self._by


async def test_a_clock_ahead_does_not_take_over_what_is_still_written() -> None:
    """To it every lease of the others has run out; the store's own clock says which turns nobody works on."""
    room = Room()
    await room.sign_in()
    await room.ask()
    ahead = replace(room.services, clock=WrongClock(room))

    assert await upkeep.restart_expired(ahead, room.engine) == 0
    room.clock.advance(29)
    assert await upkeep.restart_expired(ahead, room.engine) == 0
    room.clock.advance(1)
    assert await upkeep.restart_expired(ahead, room.engine) == 1
    assert room.started().epoch == 2


async def test_a_clock_behind_takes_over_later() -> None:
    """At worst a stalled turn waits as much longer as the clocks differ."""
    room = Room()
    await room.sign_in()
    await room.ask()
    behind = replace(room.services, clock=WrongClock(room, -SKEW_S))

    room.clock.advance(SKEW_S)
    assert await upkeep.restart_expired(behind, room.engine) == 0
    room.clock.advance(31)
    assert await upkeep.restart_expired(behind, room.engine) == 1


def wrong_clock(by_s: float) -> type[datetime]:
    """Make the class of times that a host with such a clock has."""

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(seconds=by_s)

    return Shifted


@pytest.mark.parametrize(
    ("skew_s", "issued_s", "left_s", "lets_in"),
    [
        (-SKEW_S, 0, 3600, False),
        (-SKEW_S, 300, 3600, False),
        (-SKEW_S, SKEW_S - LEEWAY_S + 5, 3600, True),
        (-SKEW_S, 3600, -SKEW_S + LEEWAY_S, True),
        (SKEW_S, 0, 3600, True),
        (SKEW_S, 3000, SKEW_S - LEEWAY_S + 5, True),
        (SKEW_S, 3000, SKEW_S - LEEWAY_S - 5, False),
        (-LEEWAY_S + 5, 0, 3600, True),
        (LEEWAY_S - 5, 3600, 0, True),
    ],
)
async def test_a_wrong_clock_lets_in_who_is_within_a_minute_of_its_time(
    monkeypatch: pytest.MonkeyPatch, skew_s: float, issued_s: float, left_s: float, *, lets_in: bool
) -> None:
    """A host ten minutes behind refuses tokens issued since; one ahead, those that end within nine minutes."""
    now = int(time.time())
    token = signed(iat=now - int(issued_s), nbf=now - int(issued_s), exp=now + int(left_s))
    monkeypatch.setattr("jwt.api_jwt.datetime", wrong_clock(skew_s))

    refused = None
    try:
        await EntraVerifier(tokens(), "access_as_user").verify(token)
    except ChatError as refusal:
        refused = refusal.code
    assert refused is (None if lets_in else ErrorCode.UNAUTHENTICATED)


@pytest.mark.parametrize("skew_s", [-SKEW_S, SKEW_S])
def test_a_wrong_clock_refuses_every_event_that_comes_over_http(monkeypatch: pytest.MonkeyPatch, skew_s: float) -> None:
    """Five minutes either way: nothing is accepted that could have been captured, so that nothing is half done."""
    time_of_event = datetime.now(UTC).isoformat()
    require_fresh(time_of_event)
    monkeypatch.setattr("functions._cloud_parts.datetime", wrong_clock(skew_s))

    assert abs(skew_s) > FRESH_S
    with pytest.raises(ChatError, match="too old, or from the future") as refused:
        require_fresh(time_of_event)
    assert refused.value.code is ErrorCode.UNAUTHENTICATED
