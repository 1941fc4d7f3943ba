"""Turn what a webPubSubTrigger function returned into the answer to the service.

Only a JSON object is honoured; a str is dropped with a warning, as the extension does. Source:
Microsoft.Azure.WebJobs.Extensions.WebPubSub 1.9, Utilities.BuildValidResponse.
"""

import json
import logging
from typing import Any

from aiohttp import web

from local.host.web_pubsub_states import States, encode_states, merge_states

_log = logging.getLogger("local.host.web_pubsub")

_ERROR_STATUS = {"unauthorized": 401, "usererror": 400, "servererror": 500}
_CONTENT_TYPES = {"text": "text/plain", "json": "application/json", "binary": "application/octet-stream"}


def build_response(returned: Any, kind: str, states: States | None) -> web.Response:
    """Answer a connect (`kind` is connect) or a user event."""
    if returned is None:
        return web.Response(status=200)
    if not isinstance(returned, (dict, list)):
        _log.warning("Invalid response type %s regarding current request: %s", type(returned).__name__, kind)
        return web.Response(status=200)
    try:
        if not isinstance(returned, dict):
            msg = "Response should be a JObject."
            raise TypeError(msg)  # noqa: TRY301 - one way out for every fault of the response
        return _answer(returned, kind, states)  # type: ignore[arg-type]
    except (TypeError, ValueError) as fault:
        return server_error(str(fault))


def server_error(text: str) -> web.Response:
    """Answer 500 with a sentence."""
    return web.Response(status=500, text=text)


def _answer(returned: dict[str, Any], kind: str, states: States | None) -> web.Response:
    code = returned.get("code")
    if code is not None and str(code).lower() != "success":
        return _error(str(code), returned.get("errorMessage"))
    merged = merge_states(states, returned.get("states"))
    response = _connect(returned) if kind == "connect" else _user(returned)
    if merged:
        response.headers["ce-connectionState"] = encode_states(merged)
    return response


def _error(code: str, message: object) -> web.Response:
    status = _ERROR_STATUS.get(code.lower())
    if status is None:
        msg = f"'{code}' is no code; known are {', '.join(_ERROR_STATUS)}"
        raise ValueError(msg)
    if message is None:
        # new StringContent(null) throws, which turns a meant 401 into 500.
        msg = "Value cannot be null. (Parameter 'content')"
        raise ValueError(msg)
    return web.Response(status=status, text=str(message))


def _connect(returned: dict[str, Any]) -> web.Response:
    content = {
        "userId": _text(returned, "userId"),
        "groups": _texts(returned, "groups"),
        "subprotocol": _text(returned, "subprotocol"),
        "roles": _texts(returned, "roles"),
    }
    return web.Response(body=json.dumps(content).encode(), content_type="application/json")


def _user(returned: dict[str, Any]) -> web.Response:
    # The enum's first member is Binary: an absent dataType means bytes.
    data_type = str(returned.get("dataType") or "binary").lower()
    content_type = _CONTENT_TYPES.get(data_type)
    if content_type is None:
        msg = f"'{data_type}' is no dataType; known are {', '.join(_CONTENT_TYPES)}"
        raise ValueError(msg)
    return web.Response(body=message_bytes(returned.get("data")), headers={"Content-Type": content_type})


def message_bytes(data: object) -> bytes:
    """Return a message's bytes from a text or the JSON form of a Node buffer.

    Raises:
        TypeError: it is neither; the words are the extension's.
    """
    if data is None:
        return b""
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, dict) and "type" in data:
        return bytes(data.get("data") or [])  # type: ignore[arg-type]
    msg = "Message data should be string, please stringify object."
    raise TypeError(msg)


def _text(returned: dict[str, Any], key: str) -> str | None:
    value = returned.get(key)
    if value is not None and not isinstance(value, str):
        msg = f"'{key}' must be text"
        raise TypeError(msg)
    return value


def _texts(returned: dict[str, Any], key: str) -> list[str] | None:
    value = returned.get(key)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):  # type: ignore[union-attr]
        msg = f"'{key}' must be a list of texts"
        raise TypeError(msg)
    return value  # type: ignore[return-value]
