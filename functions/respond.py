"""Respond (step 6): seal the turn and show the final message."""

from typing import Any

import azure.durable_functions as df

from functions._activity import turn_of
from shared.bootstrap import turn_services
from shared.domain.turn_events import End
from shared.flow.afterwards import tidy as tidy_up
from shared.flow.respond import seal

bp = df.Blueprint()


@bp.activity_trigger(input_name="work")
async def respond(work: Any) -> bool:
    """Freeze the turn's end; False when another execution owns the turn."""
    return await seal(turn_services(), turn_of(work), End(work["end"]), work["error"])


@bp.activity_trigger(input_name="work")
async def tidy(work: Any) -> None:
    """Name the conversation and summarise its older part; the turn has ended by now."""
    await tidy_up(turn_services(), turn_of(work))
