"""Look at JSON schemas of any style through one shape: a dict with a single type."""

from __future__ import annotations

from typing import Any, cast

Schema = dict[str, Any]


def plain(schema: Any) -> Schema:
    """Return a schema with one type: the first alternative that is not null, with the description of the whole."""
    if not isinstance(schema, dict):
        # `true` allows anything.
        return {"type": "string"}
    one = cast("Schema", schema)
    for alternative in cast("list[Any]", one.get("anyOf") or one.get("oneOf") or []):
        inner = plain(alternative)
        if inner["type"] != "null":
            return {**one, **inner}
    kinds: Any = one.get("type", "string")
    if isinstance(kinds, list):
        kinds = next((kind for kind in cast("list[Any]", kinds) if kind != "null"), "null")
    return {**one, "type": str(kinds)}


def properties(schema: Schema) -> dict[str, Schema]:
    """Return the properties of an object's schema."""
    return {name: plain(one) for name, one in cast("Schema", schema.get("properties") or {}).items()}


def choices(schema: Schema) -> list[Any]:
    """Return the values that a schema lists, as all that there are or as examples."""
    return schema.get("enum") or schema.get("examples") or []
