"""Persist (step 7): the output binding writes the sealed turn; a later activity frees the slot."""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions._activity import turn_of
from shared.bootstrap import engine, services, settings
from shared.flow.persist import release as free_slot
from shared.flow.persist import sealed_turn
from shared.wire.bound_documents import conversation_documents, usage_document
from shared.wire.retention import kept_for

bp = df.Blueprint()


@bp.activity_trigger(input_name="work")
@bp.cosmos_db_output(
    arg_name="conversation_items",
    connection="COSMOS",
    database_name="%COSMOS_DATABASE%",
    container_name="conversations",
)
@bp.cosmos_db_output(
    arg_name="user_items", connection="COSMOS", database_name="%COSMOS_DATABASE%", container_name="users"
)
async def persist(
    work: Any,
    conversation_items: func.Out[func.DocumentList],
    user_items: func.Out[func.DocumentList],
) -> None:
    """Bind the answer, its tool records and its usage; nothing else happens here (decision 10)."""
    found = await sealed_turn(services(), turn_of(work))
    if found is None:
        return
    turn, calls = found
    days = settings().history_retention_days
    conversation_items.set(_documents([kept_for(days, item) for item in conversation_documents(turn, calls)]))
    user_items.set(_documents([usage_document(turn)]))


def _documents(items: list[dict[str, Any]]) -> func.DocumentList:
    return func.DocumentList([func.Document.from_dict(item) for item in items])


@bp.activity_trigger(input_name="work")
@bp.durable_client_input(client_name="client")
async def release(work: Any, client: df.DurableOrchestrationClient) -> bool:
    """Free the slot, start the next turn, report the end; the host has applied the bindings by now."""
    return await free_slot(services(), engine(client), turn_of(work))
