"""How the host reads an output's value as a list of JSON objects."""

import json
from typing import Any


def items_of(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a value: a list, one object, or a text holding either.

    Raises:
        ValueError: an item is no object (azure-functions-host 4.1037, FunctionBinding.ReadAsEnumerable).
    """
    if isinstance(value, bytes):
        value = value.decode()
    if isinstance(value, str) and _looks_like_json(value):
        value = json.loads(value)
    items: list[Any] = list(value) if isinstance(value, list) else [value]  # type: ignore[arg-type]
    for item in items:
        if not isinstance(item, dict):
            msg = f"an output item must be a JSON object, not {type(item).__name__}"
            raise ValueError(msg)  # noqa: TRY004 - one kind of fault for all bad values
    return items


def _looks_like_json(text: str) -> bool:
    stripped = text.strip()
    return (stripped[:1], stripped[-1:]) in {("{", "}"), ("[", "]")}
