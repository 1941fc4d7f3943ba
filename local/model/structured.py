"""Fill a wanted JSON schema from a text with a table or a list of figures, for charts and the like."""

from __future__ import annotations

import re
from typing import Any

from local.model import schemas
from local.model.words import is_known, meanings, words

Schema = dict[str, Any]
Pairs = list[tuple[str, list[float]]]

_RULE = re.compile(r"^\|[\s:|-]+\|$")
_LISTED = re.compile(r"^\s*[-*\d.]+\s+(.+?)[:\s-]+\**([\d.,]+)\s*(?:%|EUR|USD|k|K|M)?\**\s*$")
_SAID = re.compile(r"(?:^|[.,;] )([A-ZÄÖÜ][\w /&-]{0,60}?) (?:has|hat) (-?[\d.,]*\d)", re.MULTILINE)
_TITLE_WORDS = 6


def structured(schema: Schema, text: str) -> Any:
    """Return a value that fits `schema`, with the labels and figures of `text`."""
    return _value("", schema, text, figures(text), schema)


def figures(text: str) -> Pairs:
    """Return the labelled figures of a text: of its first markdown table, else of a list, else of its sentences."""
    rows = [line.strip() for line in text.splitlines() if line.strip().startswith("|")]
    pairs: Pairs = []
    for row in [one for one in rows if not _RULE.match(one)][1:]:
        label, *cells = [cell.strip() for cell in row.strip("|").split("|")]
        numbers = [number for number in (_number(cell) for cell in cells) if number is not None]
        if numbers:
            pairs.append((label, numbers))
    if not pairs:
        for line in text.splitlines():
            listed = _LISTED.match(line)
            number = _number(listed[2]) if listed else None
            if listed and number is not None:
                pairs.append((listed[1].strip("* "), [number]))
    return pairs or [(label, [number]) for label, said in _SAID.findall(text) if (number := _number(said)) is not None]


def _number(cell: str) -> float | None:
    """Return the number in a cell, written in English or German; nothing for other cells."""
    plain = re.sub(r"[^\d.,-]", "", cell)
    if not re.fullmatch(r"-?\d[\d.,]*", plain):
        return None
    plain = re.sub(r"[.,](?=\d{3}(?:\D|$))", "", plain).replace(",", ".")
    return float(plain) if plain.count(".") <= 1 else None


def _value(name: str, schema: Schema, text: str, pairs: Pairs, root: Schema) -> Any:
    schema = _resolved(schema, root)
    if "const" in schema or schema.get("enum"):
        return _choice(schema.get("enum") or [schema["const"]], text)
    kind = schema["type"]
    if kind == "object":
        properties = schemas.properties(schema)
        return {key: _value(key, one, text, pairs, root) for key, one in properties.items()}
    if kind == "array":
        return _items(name, _resolved(schemas.plain(schema.get("items")), root), pairs, root)
    number = pairs[0][1][0] if pairs else schema.get("minimum", 0)
    plain = {"integer": int(number), "number": number, "boolean": bool(pairs), "null": None}
    return plain.get(kind, _heading(text))


def _resolved(schema: Schema, root: Schema) -> Schema:
    reference = str(schema.get("$ref", ""))
    if reference.startswith("#/$defs/"):
        return schemas.plain(root["$defs"][reference.removeprefix("#/$defs/")])
    return schemas.plain(schema)


def _choice(choices: list[Any], text: str) -> Any:
    said = set(words(text))
    return next((one for one in choices if isinstance(one, str) and one.lower() in said), choices[0])


def _items(name: str, item: Schema, pairs: Pairs, root: Schema) -> list[Any]:
    kind = item.get("type")
    if kind in {"number", "integer"}:
        return [numbers[0] for _, numbers in pairs]
    if kind == "string":
        return [label for label, _ in pairs] if name in {"labels", "categories", "names"} else []
    if kind != "object":
        return []
    made: list[Any] = []
    for label, numbers in pairs:
        left = list(numbers)
        row: dict[str, Any] = {}
        for key, one in schemas.properties(item).items():
            numeric = _resolved(one, root)["type"] in {"number", "integer"}
            row[key] = (left.pop(0) if left else 0) if numeric else label
        made.append(row)
    return made


def _heading(text: str) -> str:
    """Return a few words that say what a text is about."""
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("|")), "")
    kept = [word for word in re.findall(r"[\w'-]+", first) if meanings(word) or not is_known(word)]
    return " ".join(kept[:_TITLE_WORDS])
