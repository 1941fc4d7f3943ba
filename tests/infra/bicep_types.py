"""Compare what the templates say of each resource with Azure's published types, as far as literals go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from tree_sitter import Node

from tests.infra.bicep_text import BicepFile, Declaration, body, properties, text

Types = list[dict[str, Any]]

# Flags of a property (Azure/bicep-types, ObjectTypePropertyFlags).
REQUIRED, READ_ONLY = 1, 2
# Bicep's own words in a resource; the type of the resource does not have them.
BICEPS = {"parent", "scope", "dependsOn"}
GIVEN_BY_BICEP = {"id", "type", "apiVersion"}
KINDS = {"StringType": "string", "IntegerType": "number", "BooleanType": "boolean"}
LITERALS = set(KINDS.values())


@lru_cache
def index(root: Path) -> dict[str, dict[str, Path]]:
    """List every resource type below a folder of `types.json` files: name in lower case → version → file."""
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(root.rglob("types.json")):
        for one in read(path):
            if one["$type"] == "ResourceType":
                name, version = one["name"].split("@")
                found.setdefault(name.lower(), {})[version] = path
    return found


@lru_cache
def read(path: Path) -> Types:
    """Read one file of types."""
    return json.loads(path.read_text(encoding="utf-8"))


def newest(root: Path, name: str) -> str | None:
    """Name the newest version of a type that is no preview; the newest preview where there is no other."""
    versions = sorted(index(root).get(name.lower(), {}))
    return next((one for one in reversed(versions) if "preview" not in one), versions[-1] if versions else None)


def faults(file: BicepFile, root: Path) -> list[str]:
    """Name what the published types do not know, want, or let nobody write."""
    found: list[str] = []
    for resource in file.of("resource"):
        name, _, version = resource.target.partition("@")
        path = index(root).get(name.lower(), {}).get(version)
        if path is None:
            found.append(f"{resource.name}: there is no {resource.target}")
        elif not resource.existing:
            found += [
                f"{resource.name}{fault}" for fault in _Reader(file, read(path)).resource(resource, name, version)
            ]
    return [f"{file.path.name}: {fault}" for fault in found]


class _Reader:
    def __init__(self, file: BicepFile, types: Types) -> None:
        self._file = file
        self._types = types

    def resource(self, declared: Declaration, name: str, version: str) -> Iterator[str]:
        wanted = f"{name}@{version}".lower()
        kind = next(one for one in self._types if one["$type"] == "ResourceType" and one["name"].lower() == wanted)
        given = {key: node for key, node in properties(body(declared)).items() if key not in BICEPS}
        yield from self._fields(given, self._at(kind["body"]), "")

    def _at(self, reference: dict[str, str]) -> dict[str, Any]:
        return self._types[int(reference["$ref"].removeprefix("#/"))]

    def _fields(self, given: dict[str, Node], kind: dict[str, Any], where: str) -> Iterator[str]:
        if kind["$type"] == "DiscriminatedObjectType":
            kind = self._chosen(given, kind)
        known: dict[str, Any] = kind["properties"]
        for name, node in given.items():
            if name not in known:
                if "additionalProperties" not in kind:
                    yield f"{where}.{name} is unknown"
                else:
                    yield from self._value(node, self._at(kind["additionalProperties"]), f"{where}.{name}")
                continue
            if known[name]["flags"] & READ_ONLY:
                yield f"{where}.{name} is read-only"
            yield from self._value(node, self._at(known[name]["type"]), f"{where}.{name}")
        for name, field in known.items():
            if field["flags"] & REQUIRED and name not in given and not (where == "" and name in GIVEN_BY_BICEP):
                yield f"{where}.{name} is missing"

    def _chosen(self, given: dict[str, Node], kind: dict[str, Any]) -> dict[str, Any]:
        chosen = given.get(kind["discriminator"])
        key = text(chosen).strip("'") if chosen is not None else ""
        fields = dict(kind["baseProperties"])
        if key in kind["elements"]:
            fields |= self._at(kind["elements"][key])["properties"]
        return {"properties": fields}

    def _value(self, node: Node, kind: dict[str, Any], where: str) -> Iterator[str]:
        for one in self._meant(node):
            yield from self._literal(one, kind, where)

    def _meant(self, node: Node) -> Iterator[Node]:
        """Visit the values that an expression may take, as far as the file itself tells."""
        if node.type == "ternary_expression":
            for branch in node.named_children[1:3]:
                yield from self._meant(branch)
        elif node.type == "identifier":
            declared = self._file.declared.get(text(node))
            if declared is not None and declared.kind == "variable" and declared.value is not None:
                yield from self._meant(declared.value)
        else:
            yield node

    def _literal(self, node: Node, kind: dict[str, Any], where: str) -> Iterator[str]:
        form = kind["$type"]
        if text(node) == "null" or form == "AnyType":
            return
        if node.type == "object":
            if form in ("ObjectType", "DiscriminatedObjectType"):
                yield from self._fields(properties(node), kind, where)
            elif form != "UnionType":
                yield f"{where} must be {form}, not an object"
        elif node.type == "array":
            yield from self._items(node, kind, where)
        elif node.type in LITERALS:
            yield from self._scalar(node, kind, where)

    def _items(self, node: Node, kind: dict[str, Any], where: str) -> Iterator[str]:
        if kind["$type"] != "ArrayType":
            yield f"{where} must be {kind['$type']}, not an array"
            return
        for child in node.named_children:
            if child.type != "comment":
                yield from self._value(child, self._at(kind["itemType"]), f"{where}[]")

    def _scalar(self, node: Node, kind: dict[str, Any], where: str) -> Iterator[str]:
        form, source = kind["$type"], text(node)
        value = source.strip("'")
        choices = [self._at(one) for one in kind["elements"]] if form == "UnionType" else [kind]
        open_ended = "${" in source
        fits = any(
            (one["$type"] == "StringLiteralType" and node.type == "string" and (open_ended or one["value"] == value))
            or KINDS.get(one["$type"]) == node.type
            for one in choices
        )
        if not fits:
            yield f"{where} cannot be {source}"
