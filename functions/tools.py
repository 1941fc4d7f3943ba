"""Tools (step 5): one activity per tool call; those of one round run side by side."""

from typing import Any

import azure.durable_functions as df

from functions._activity import turn_of
from shared.bootstrap import turn_services
from shared.domain.ids import CallId
from shared.flow.tools import run_tool as run

bp = df.Blueprint()


@bp.activity_trigger(input_name="work")
async def run_tool(work: Any) -> str:
    """Bring one call to a settled outcome; arguments and result live in the ledger, not here."""
    return await run(turn_services(), turn_of(work), CallId(work["call_id"]))
