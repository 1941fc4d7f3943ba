"""Web PubSub events, each answered in another way."""

# ruff: noqa: ARG001, N803, ANN202 - apps look like this: triggers must be declared, under names the extensions know
# pyright: basic, reportMissingImports=false, reportReturnType=false, reportArgumentType=false

import json

import azure.durable_functions as df
import azure.functions as func

bp = df.Blueprint()


def _on(kind: str, name: str, arg: str = "request", **more: object):
    return bp.generic_trigger(
        arg_name=arg, type="webPubSubTrigger", hub="coach", eventType=kind, eventName=name, **more
    )


@_on("system", "connect")
def on_connect(request: str) -> dict:
    """Admit by the query, keep a state."""
    event = json.loads(request)
    mode = (event["query"] or {}).get("mode", ["ok"])[0]
    if mode == "refuse":
        return {"code": "unauthorized", "errorMessage": "no"}
    if mode == "silent":
        return {"code": "unauthorized"}
    if mode == "raise":
        raise RuntimeError("connect failed")
    if mode == "none":
        return None
    if mode == "text":
        return json.dumps({"userId": "lost"})
    return {
        "userId": "u1",
        "groups": ["g"],
        "roles": ["webpubsub.sendToGroup"],
        "states": {"seen": {"n": 1}},
    }


@_on("system", "connected", "connectionContext")
async def on_connected(connectionContext: str) -> None:
    """Fail; nobody waits."""
    raise RuntimeError(json.loads(connectionContext)["connectionId"])


@_on("system", "disconnected")
async def on_disconnected(request: str) -> None:
    """Read the reason."""
    json.loads(request)["reason"]


@_on("user", "query")
async def on_query(request: str) -> dict:
    """Echo the event with a counter in the state."""
    event = json.loads(request)
    states = event["connectionContext"]["states"]
    return {
        "data": json.dumps({"seen": event, "states": states}),
        "dataType": "json",
        "states": {"count": states.get("count", 0) + 1},
    }


@_on("user", "bytes", "data", data_type=func.DataType.BINARY)
def on_bytes(data: bytes) -> dict:
    """Answer with the hex of the bytes."""
    return {"data": data.hex(), "dataType": "text"}


@_on("user", "stringless")
def on_stringless(request: str) -> dict:
    """Return data that is no string."""
    return {"data": {"a": 1}, "dataType": "json"}


@_on("user", "list")
def on_list(request: str) -> list:
    """Return a list."""
    return [1]


@_on("user", "unnamed", "anything")
def on_unnamed(anything: str) -> dict:
    """Show that an unknown parameter name receives nothing."""
    return {"data": repr(anything), "dataType": "text"}


@_on("user", "nodata")
def on_nodata(request: str) -> dict:
    """Return a dict without data."""
    return {"dataType": "text"}
