"""Output and input bindings."""

# ruff: noqa: ARG001 - apps look like this: triggers must be declared, under names the extensions know
# pyright: basic, reportMissingImports=false, reportReturnType=false, reportArgumentType=false

import json

import azure.durable_functions as df
import azure.functions as func

bp = df.Blueprint()


@bp.route(route="save/{kind}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.cosmos_db_output(arg_name="doc", connection="COSMOS", database_name="coach", container_name="{kind}")
def save(req: func.HttpRequest, doc: func.Out[func.DocumentList]) -> func.HttpResponse:
    """Store the documents of the body."""
    doc.set(func.DocumentList([func.Document.from_dict(item) for item in req.get_json()]))
    return func.HttpResponse("saved", status_code=201)


@bp.route(route="load/{id}/{pk}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.cosmos_db_input(
    arg_name="found",
    connection="COSMOS",
    database_name="coach",
    container_name="items",
    id="{id}",
    partition_key="{pk}",
)
def load(req: func.HttpRequest, found: func.DocumentList) -> func.HttpResponse:
    """Show what was found."""
    return func.HttpResponse(json.dumps(None if found is None else [dict(item) for item in found]))


@bp.route(route="query/{pk}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.cosmos_db_input(
    arg_name="found",
    connection="COSMOS",
    database_name="coach",
    container_name="items",
    partition_key="{pk}",
    sql_query="SELECT * FROM c WHERE c.colour = {query.colour}",
)
def query(req: func.HttpRequest, found: func.DocumentList) -> func.HttpResponse:
    """Show the ids of what was found."""
    return func.HttpResponse(json.dumps(sorted(item["id"] for item in found)))


@bp.route(route="push", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.generic_output_binding(arg_name="actions", type="webPubSub", hub="coach")
def push(req: func.HttpRequest, actions: func.Out[str]) -> func.HttpResponse:
    """Run the actions of the body."""
    actions.set(req.get_body().decode())
    return func.HttpResponse("pushed", status_code=202)


@bp.activity_trigger(input_name="items")
@bp.cosmos_db_output(arg_name="doc", connection="COSMOS", database_name="coach", container_name="items")
def persist(items: list, doc: func.Out[func.DocumentList]) -> dict:
    """Store items and return one more under the binding's name, which the host stores instead."""
    doc.set(func.DocumentList([func.Document.from_dict(item) for item in items]))
    return {"doc": {"id": "quirk", "pk": "a"}}


@bp.route(route="both", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.cosmos_db_output(arg_name="doc", connection="COSMOS", database_name="coach", container_name="items")
@bp.generic_output_binding(arg_name="actions", type="webPubSub", hub="coach")
def both(req: func.HttpRequest, doc: func.Out[func.Document], actions: func.Out[str]) -> func.HttpResponse:
    """Set two outputs, then fail when asked to."""
    doc.set(func.Document.from_dict(req.get_json()))
    actions.set(json.dumps({"actionName": req.params["action"], "data": "x"}))
    if "fail" in req.params:
        raise RuntimeError("after the outputs were set")
    return func.HttpResponse("both")


@bp.generic_input_binding(arg_name="token", type="webPubSubConnection", hub="coach", userId="{query.user}")
@bp.route(route="negotiate", auth_level=func.AuthLevel.ANONYMOUS)
def negotiate(req: func.HttpRequest, token: str) -> func.HttpResponse:
    """Hand a client its URL."""
    return func.HttpResponse(token, mimetype="application/json")
