"""Twin: what to do when the engine runs one activity twice and the other one is at work."""

from collections.abc import Awaitable, Callable

from shared.domain.turns import Turn, TurnRef
from shared.flow.services import Services

LOOK_S = 1.0
SILENT_S = 5.0
"""Whoever works on a turn renews its lease every second; one that is silent so long is dead."""


async def wait_for_twin(
    services: Services, ref: TurnRef, has_done: Callable[[Turn], Awaitable[bool]]
) -> tuple[Turn | None, bool]:
    """Wait until the other execution has done its work, lost the turn, or shows no life; say whether it is silent.

    The engine takes whichever result comes first: an execution that lost to its twin must not report an end that
    the twin has not reached, else nobody would go on with the turn.
    """
    lease, since = None, services.clock.monotonic()
    while True:
        turn = await services.conversations.turn(ref.key, ref.turn_id)
        if turn is None or turn.epoch != ref.epoch or turn.status.ended or turn.sealed is not None:
            return turn, False
        if turn.cancel_requested or await has_done(turn):
            return turn, False
        now = services.clock.monotonic()
        if turn.lease_until != lease:
            lease, since = turn.lease_until, now
        elif now - since >= SILENT_S:
            return turn, True
        await services.clock.sleep(LOOK_S)
