"""Ledger: read what a turn called; one whose rounds called nothing has no ledger, and none is asked for."""

from shared.domain.tools import ToolCall
from shared.domain.turns import Turn
from shared.flow.services import Services


async def calls_of(services: Services, turn: Turn) -> list[ToolCall]:
    """Read a turn's calls; their intents are stored together with the round that asked for them."""
    if not any(record.calls for record in turn.rounds):
        return []
    return await services.conversations.calls(turn.conversation.key, turn.turn_id)
