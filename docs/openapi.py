"""Write docs/openapi.json from the app's own routes and the models of the wire: `python docs/openapi.py`."""

import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
# The app refuses to be loaded without its settings; any that are valid will do to read its routes.
for name, value in json.loads((ROOT / "local.settings.json.template").read_text(encoding="utf-8"))["Values"].items():
    os.environ.setdefault(name, value)

import function_app  # noqa: E402  # the repository is no installed package
from shared.domain.conversation import Message  # noqa: E402
from shared.domain.errors import ErrorCode  # noqa: E402
from shared.domain.servers import ListedServer  # noqa: E402
from shared.flow.history import SessionItem, SessionPage  # noqa: E402
from shared.flow.people import FoundPeople  # noqa: E402
from shared.flow.pinning import Accepted  # noqa: E402
from shared.flow.roster import GroupItem, GroupPage  # noqa: E402
from shared.wire.rest import AcceptedTool, Bounds, NewTitle, Posted  # noqa: E402
from shared.wire.rest_groups import GroupChanges, NewGroup  # noqa: E402

TARGET = ROOT / "docs" / "openapi.json"
_OPEN = ("/api/health", "/api/health/ready")
_NOT_FOR_CLIENTS = ("/api/events",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a route takes and gives, as far as a model says so; `data` is what stands in the envelope."""

    query: tuple[str, ...] = ()
    body: Any = None
    data: Any = None


@dataclass(frozen=True)
class MessageList:
    """Messages in order, and the conversation's last number."""

    items: list[Message]
    last_seq: int


@dataclass(frozen=True)
class ServerList:
    """The tool servers that somebody may use."""

    items: list[ListedServer]


_PAGE = ("limit", "cursor")
SHAPES: dict[tuple[str, str], Shape] = {
    ("get", "/api/sessions"): Shape(query=(*_PAGE, "search"), data=SessionPage),
    ("get", "/api/sessions/{id}"): Shape(data=SessionItem),
    ("patch", "/api/sessions/{id}"): Shape(body=NewTitle),
    ("get", "/api/sessions/{id}/messages"): Shape(query=("after_seq", "before_seq", "limit"), data=MessageList),
    ("post", "/api/sessions/{id}/messages"): Shape(body=Posted),
    ("get", "/api/sessions/{id}/export"): Shape(query=("format",)),
    ("get", "/api/groups"): Shape(query=_PAGE, data=GroupPage),
    ("post", "/api/groups"): Shape(body=NewGroup, data=GroupItem),
    ("get", "/api/groups/{id}"): Shape(data=GroupItem),
    ("patch", "/api/groups/{id}"): Shape(body=GroupChanges, data=GroupItem),
    ("get", "/api/groups/{id}/messages"): Shape(query=("after_seq", "before_seq", "limit"), data=MessageList),
    ("post", "/api/groups/{id}/messages"): Shape(body=Posted),
    ("get", "/api/groups/{id}/export"): Shape(query=("format",)),
    ("get", "/api/people"): Shape(query=("query", *_PAGE), data=FoundPeople),
    ("get", "/api/servers"): Shape(data=ServerList),
    ("put", "/api/admin/servers/{server}/tools/{tool}"): Shape(body=AcceptedTool, data=Accepted),
    ("get", "/api/prompt"): Shape(query=("role",)),
    ("get", "/api/questions"): Shape(query=("category", "limit")),
    ("get", "/api/admin/security-events"): Shape(query=("day", *_PAGE)),
}


def document() -> dict[str, Any]:
    """Describe every HTTP route of the app that clients call."""
    definitions: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    for path, method, name, text in sorted(_routes()):
        paths.setdefault(path, {})[method] = _operation(path, method, name, text, definitions)
    return {
        "openapi": "3.1.0",
        "info": {"title": "SalesCoach", "version": "1", "description": "The words are explained in docs/protocol.md."},
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "schemas": dict(sorted((definitions | {"Failure": _failure()}).items())),
        },
    }


def _routes() -> list[tuple[str, str, str, str]]:
    found: list[tuple[str, str, str, str]] = []
    for function in function_app.app.get_functions():
        trigger: Any = function.get_trigger()
        if trigger is None or trigger.type != "httpTrigger":
            continue
        path = f"/api/{trigger.route}"
        text = (getattr(function.get_user_function(), "__doc__", None) or "").strip().splitlines()
        for method in trigger.methods:
            if path not in _NOT_FOR_CLIENTS:
                verb = getattr(method, "value", method).lower()
                found.append((path, verb, str(function.get_function_name()), text[0] if text else ""))
    return found


def _operation(path: str, method: str, name: str, text: str, definitions: dict[str, Any]) -> dict[str, Any]:
    shape = SHAPES.get((method, path), Shape())
    bounds: dict[str, Any] = Bounds.model_json_schema()["properties"]
    parameters = [
        {"name": part, "in": "path", "required": True, "schema": {"type": "string"}}
        for part in re.findall(r"\{(\w+)\}", path)
    ]
    for part in shape.query:
        known = {key: value for key, value in bounds.get(part, {"type": "string"}).items() if key != "title"}
        parameters.append({"name": part, "in": "query", "required": False, "schema": known})
    operation: dict[str, Any] = {"operationId": name, "summary": text, "responses": _responses(shape, definitions)}
    if parameters:
        operation["parameters"] = parameters
    if shape.body is not None:
        schema = _schema(shape.body, definitions)
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if path not in _OPEN:
        operation["security"] = [{"bearer": []}]
    return operation


def _responses(shape: Shape, definitions: dict[str, Any]) -> dict[str, Any]:
    data = _schema(shape.data, definitions) if shape.data is not None else {}
    envelope = {
        "type": "object",
        "required": ["success", "data"],
        "properties": {"success": {"const": True}, "data": data},
    }
    failed = {"$ref": "#/components/schemas/Failure"}
    return {
        "2XX": {"description": "Done", "content": {"application/json": {"schema": envelope}}},
        "default": {"description": "Refused", "content": {"application/json": {"schema": failed}}},
    }


def _schema(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    schema = adapter.json_schema(ref_template="#/components/schemas/{model}")
    definitions |= schema.pop("$defs", {})
    title = schema.get("title")
    if not title:
        return schema
    definitions[title] = schema
    return {"$ref": f"#/components/schemas/{title}"}


def _failure() -> dict[str, Any]:
    error = {
        "type": "object",
        "required": ["code", "message", "correlation_id"],
        "properties": {
            "code": {"enum": sorted(code.value for code in ErrorCode)},
            "message": {"type": "string"},
            "correlation_id": {"type": "string"},
        },
    }
    return {
        "type": "object",
        "required": ["success", "error"],
        "properties": {"success": {"const": False}, "error": error},
    }


def text() -> str:
    """Write the document as it is kept in the repository."""
    return json.dumps(document(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
