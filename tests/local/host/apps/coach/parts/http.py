"""HTTP functions that show what arrived."""

# ruff: noqa: ARG001 - apps look like this: triggers must be declared, under names the extensions know
# pyright: basic, reportMissingImports=false, reportReturnType=false, reportArgumentType=false

import asyncio
import json
import os

import azure.durable_functions as df
import azure.functions as func

bp = df.Blueprint()


def _json(content: object, status: int = 200) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(content), status_code=status, mimetype="application/json")


@bp.route(route="echo/{name}/{number:int?}", methods=["GET", "POST"], auth_level=func.AuthLevel.ANONYMOUS)
def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Show the request as the function sees it."""
    return _json(
        {
            "method": req.method,
            "url": req.url,
            "headers": dict(req.headers),
            "params": dict(req.params),
            "route": dict(req.route_params),
            "body": req.get_body().decode(),
            "invocation": context.invocation_id,
            "function": context.function_name,
            "trace": context.trace_context.trace_parent,
            "setting": os.environ.get("FROM_FILE"),
        }
    )


@bp.route(route="files/{*rest}", auth_level=func.AuthLevel.ANONYMOUS)
def files(req: func.HttpRequest) -> str:
    """Answer with the rest of the path."""
    return req.route_params.get("rest", "nothing")


@bp.route(auth_level=func.AuthLevel.FUNCTION)
async def secret(req: func.HttpRequest) -> func.HttpResponse:
    """Answer when a key was given, with a cookie."""
    response = func.HttpResponse(status_code=204)
    response.headers.add("Set-Cookie", "one=1; HttpOnly")
    response.headers.add("Set-Cookie", "two=2; Path=/x; Max-Age=5")
    return response


@bp.route(auth_level=func.AuthLevel.ADMIN)
async def master(req: func.HttpRequest) -> func.HttpResponse:
    """Answer to the master key only."""
    return func.HttpResponse("master")


@bp.route(route="fail/{how}", auth_level=func.AuthLevel.ANONYMOUS)
async def fail(req: func.HttpRequest) -> func.HttpResponse:
    """Fail in one of the ways that end as 500."""
    match req.route_params["how"]:
        case "raise":
            raise RuntimeError("secret text of the app")
        case "none":
            return None
        case "dict":
            return {"a": 1}
        case _:
            return func.HttpResponse(json.dumps(req.get_json()))


@bp.route(route="text/{what}", auth_level=func.AuthLevel.ANONYMOUS)
def text(req: func.HttpRequest) -> str:
    """Return a str, which the host parses first."""
    return {"plain": "hello", "object": '{"a":[1]}', "response": '{"body": 1}', "list": "[1]"}[req.route_params["what"]]


@bp.route(route="slow/{seconds:int}", auth_level=func.AuthLevel.ANONYMOUS)
async def slow(req: func.HttpRequest) -> func.HttpResponse:
    """Answer late."""
    await asyncio.sleep(int(req.route_params["seconds"]))
    return func.HttpResponse("late")
