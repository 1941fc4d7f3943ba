"""The few forms of HTTP answer that the durable client can read: empty, or JSON."""

from typing import Any

from aiohttp import web


def empty(status: int) -> web.Response:
    """Answer without a body; the client parses every body as JSON, so plain text would break it."""
    return web.Response(status=status)


def error(status: int, message: str) -> web.Response:
    """Answer with a message alone."""
    return web.json_response({"Message": message}, status=status)


def exception(status: int, message: str, *, text: str, kind: str) -> web.Response:
    """Answer with a .NET exception, as HttpRequestMessageExtensions.CreateErrorResponse forms it."""
    body: dict[str, Any] = {
        "Message": message,
        "ExceptionMessage": text,
        "ExceptionType": kind,
        "StackTrace": None,
    }
    return web.json_response(body, status=status)


def bad_argument(text: str) -> web.Response:
    """Answer 400 as to a .NET ArgumentException."""
    return exception(
        400, "One or more of the arguments submitted is incorrect", text=text, kind="System.ArgumentException"
    )


def not_implemented(what: str) -> web.Response:
    """Refuse by name what the local engine does not do."""
    return error(501, f"{what} is not implemented by the local durable engine.")
