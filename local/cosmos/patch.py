"""Partial updates: the six operations of the Patch API applied to a document, all or none.

Meaning of each as in learn.microsoft.com/azure/cosmos-db/partial-document-update.
"""

import copy
from collections.abc import Callable
from typing import Any, cast

from local.cosmos.documents import SYSTEM
from local.cosmos.errors import CosmosError, bad_request, refuse
from local.cosmos.wire import Json

# learn.microsoft.com/azure/cosmos-db/partial-document-update-faq
OPERATION_LIMIT = 10
_Node = dict[str, Any] | list[Any]


def apply(document: Json, operations: Any, pk_path: tuple[str, ...]) -> Json:
    """Return a changed copy of the document.

    Raises CosmosError 400 for operations that are malformed or do not fit the document, 501 for unknown ones.
    """
    if not isinstance(operations, list) or not operations:
        raise bad_request("A patch needs a list of operations.")
    listed = cast("list[Any]", operations)
    if len(listed) > OPERATION_LIMIT:
        raise bad_request(f"The number of patch operations can't exceed '{OPERATION_LIMIT}'.")
    changed = copy.deepcopy(document)
    for operation in listed:
        _apply_one(changed, operation, pk_path)
    return changed


def _apply_one(document: Json, operation: Any, pk_path: tuple[str, ...]) -> None:
    if not isinstance(operation, dict):
        raise bad_request("A patch operation must be an object.")
    known = cast("Json", operation)
    name = str(known.get("op", "")).lower()
    path = _pointer(known.get("path"), pk_path)
    if name == "move":
        _move(document, _pointer(known.get("from"), pk_path), path)
    elif name == "remove":
        _remove(document, path)
    elif name in _WRITES:
        if "value" not in known:
            raise bad_request(f"The patch operation {name} needs a value.")
        _WRITES[name](document, path, copy.deepcopy(known["value"]))
    else:
        refuse(f"the patch operation {name!r}")


def _pointer(text: Any, pk_path: tuple[str, ...]) -> list[str]:
    if not isinstance(text, str) or not text.startswith("/") or text == "/":
        raise bad_request(f"The patch path {text!r} must begin with / and name a property.")
    steps = [step.replace("~1", "/").replace("~0", "~") for step in text[1:].split("/")]
    protected = steps[0] in SYSTEM or steps == ["id"] or tuple(steps) == pk_path[: len(steps)]
    if protected:
        raise bad_request(f"The patch path {text!r} names a property that cannot be patched.")
    return steps


def _missing(path: list[str]) -> CosmosError:
    return bad_request(f"The patch path /{'/'.join(path)} does not exist in the item.")


def _parent(document: Json, path: list[str]) -> _Node:
    node: Any = document
    for step in path[:-1]:
        node = _child(node, step, path)
    if not isinstance(node, dict | list):
        raise _missing(path)
    return cast("_Node", node)


def _child(node: Any, step: str, path: list[str]) -> Any:
    if isinstance(node, dict) and step in node:
        return cast("Json", node)[step]
    if isinstance(node, list):
        listed = cast("list[Any]", node)
        return listed[_index(step, len(listed) - 1, path)]
    raise _missing(path)


def _index(step: str, last: int, path: list[str]) -> int:
    if not (step.isascii() and step.isdigit()) or int(step) > last:
        raise _missing(path)
    return int(step)


def _add(document: Json, path: list[str], value: Any) -> None:
    parent = _parent(document, path)
    if isinstance(parent, dict):
        parent[path[-1]] = value
    elif path[-1] == "-":
        parent.append(value)
    else:
        parent.insert(_index(path[-1], len(parent), path), value)


def _set(document: Json, path: list[str], value: Any) -> None:
    parent = _parent(document, path)
    if isinstance(parent, dict):
        parent[path[-1]] = value
    elif path[-1] == "-":
        parent.append(value)
    else:
        parent[_index(path[-1], len(parent) - 1, path)] = value


def _replace(document: Json, path: list[str], value: Any) -> None:
    parent = _parent(document, path)
    _child(parent, path[-1], path)
    if isinstance(parent, dict):
        parent[path[-1]] = value
    else:
        parent[int(path[-1])] = value


def _increment(document: Json, path: list[str], value: Any) -> None:
    if not _is_number(value):
        raise bad_request("The value of the patch operation incr must be a number.")
    parent = _parent(document, path)
    if isinstance(parent, dict) and path[-1] not in parent:
        parent[path[-1]] = value
        return
    old = _child(parent, path[-1], path)
    if not _is_number(old):
        raise bad_request(f"The patch path /{'/'.join(path)} is not a number.")
    _replace(document, path, old + value)


def _remove(document: Json, path: list[str]) -> Any:
    parent = _parent(document, path)
    old = _child(parent, path[-1], path)
    if isinstance(parent, dict):
        del parent[path[-1]]
    else:
        del parent[int(path[-1])]
    return old


def _move(document: Json, source: list[str], target: list[str]) -> None:
    if target[: len(source)] == source:
        raise bad_request("The path of the patch operation move cannot lie in its from.")
    _add(document, target, _remove(document, source))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_WRITES: dict[str, Callable[[Json, list[str], Any], None]] = {
    "add": _add,
    "set": _set,
    "replace": _replace,
    "incr": _increment,
}
