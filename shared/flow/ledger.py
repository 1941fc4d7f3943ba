"""Ledger: read what a turn called; one whose rounds called nothing has no ledger, and none is asked for."""

from shared.domain.errors import StoreUnavailable
from shared.domain.tools import ToolCall
from shared.domain.turns import Turn
from shared.flow.services import Services


async def calls_of(services: Services, turn: Turn) -> list[ToolCall]:
    """Read a turn's calls; their intents are stored together with the round that asked for them.

    Raises:
        StoreUnavailable: some are not there; the store answered out of a copy that is behind the one of the turn.
    """
    asked = {call_id for record in turn.rounds for call_id in record.calls}
    if not asked:
        return []
    calls = await services.conversations.calls(turn.conversation.key, turn.turn_id)
    if not asked <= {call.call_id for call in calls}:
        raise StoreUnavailable("the ledger is behind its turn")
    return calls
