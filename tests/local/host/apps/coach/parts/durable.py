"""Durable functions: a chain, a failure, a timer against an event."""

# ruff: noqa: ANN201, ARG001, BLE001 - apps look like this: triggers must be declared, under names the extensions know
# pyright: basic, reportMissingImports=false, reportReturnType=false, reportArgumentType=false

import json

import azure.durable_functions as df
import azure.functions as func

bp = df.Blueprint()


@bp.route(route="start/{name}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Start an orchestration with the body as its input."""
    instance_id = await client.start_new(
        req.route_params["name"], req.params.get("id"), json.loads(req.get_body() or b"null")
    )
    return func.HttpResponse(instance_id)


@bp.route(route="instances/{id}", auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
async def status(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Show an instance."""
    found = await client.get_status(req.route_params["id"])
    return func.HttpResponse(json.dumps(found.to_json()), status_code=200 if found else 404)


@bp.orchestration_trigger(context_name="context")
def chain(context: df.DurableOrchestrationContext):
    """Add one three times."""
    value = context.get_input()
    for _ in range(3):
        value = yield context.call_activity("Add_One", value)
    return value


@bp.orchestration_trigger(context_name="context")
def failing(context: df.DurableOrchestrationContext):
    """Return the text of an activity's failure."""
    try:
        yield context.call_activity("explode", None)
    except Exception as fault:
        return str(fault)


@bp.activity_trigger(input_name="value")
def add_one(value: int) -> int:
    """Add one."""
    return value + 1


@bp.activity_trigger(input_name="nothing")
async def explode(nothing: str) -> None:
    """Fail."""
    raise RuntimeError("boom")
