"""The templates say of each resource what Azure's published types know; those are read where BICEP_TYPES names them.

`BICEP_TYPES=<folder>`: any folder with the `types.json` files of github.com/Azure/bicep-types-az (and of
microsoftgraph/msgraph-bicep-types) somewhere below it. They are too large to keep here.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.infra import bicep_text, bicep_types
from tests.infra.bicep_text import BicepFile, files, load
from tests.infra.test_bicep_parses import PINNED

TYPES = os.environ.get("BICEP_TYPES")
published = pytest.mark.skipif(TYPES is None, reason="BICEP_TYPES names no folder of published types")


@published
@pytest.mark.requirement("infra:types")
@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_every_resource_is_as_its_published_type(path: Path) -> None:
    """Names that exist, values that are allowed, nothing needed left out, nothing read-only written."""
    assert bicep_types.faults(load(path), Path(TYPES or "")) == []


@published
@pytest.mark.parametrize("name", sorted(PINNED))
def test_every_pinned_version_is_the_newest(name: str) -> None:
    """The newest that is no preview."""
    newest = bicep_types.newest(Path(TYPES or ""), name)

    assert PINNED[name] == newest or (name, PINNED[name]) == (
        "Microsoft.Insights/diagnosticSettings",
        "2021-05-01-preview",
    )


def of(reference: int, flags: int = 0) -> dict[str, Any]:
    """Describe a property."""
    return {"type": {"$ref": f"#/{reference}"}, "flags": flags}


EXAMPLE: list[dict[str, Any]] = [
    {"$type": "ResourceType", "name": "Example/shops@2026-01-01", "body": {"$ref": "#/1"}},
    {
        "$type": "ObjectType",
        "name": "shop",
        "properties": {
            "id": of(2, 2),
            "name": of(2, 1),
            "properties": of(5, 1),
            "tags": of(6),
        },
    },
    {"$type": "StringType"},
    {"$type": "StringLiteralType", "value": "open"},
    {"$type": "UnionType", "elements": [{"$ref": "#/3"}, {"$ref": "#/8"}]},
    {
        "$type": "ObjectType",
        "name": "shopProperties",
        "properties": {"state": of(4, 1), "seats": of(7), "since": of(2, 2), "doors": of(9)},
    },
    {"$type": "ObjectType", "name": "tags", "properties": {}, "additionalProperties": {"$ref": "#/2"}},
    {"$type": "IntegerType"},
    {"$type": "StringLiteralType", "value": "closed"},
    {"$type": "ArrayType", "itemType": {"$ref": "#/4"}},
]
GOOD = """
param shut bool
var seats = 3
resource shop 'Example/shops@2026-01-01' = {
  name: 'shop'
  tags: {
    colour: 'red'
  }
  properties: {
    state: shut ? 'closed' : 'open'
    seats: seats
    doors: [
      'open'
    ]
  }
}
"""


def template(folder: Path, source: str) -> BicepFile:
    """Read a template beside its own published types."""
    (folder / "types.json").write_text(json.dumps(EXAMPLE), encoding="utf-8")
    path = folder / "example.bicep"
    return bicep_text.read(path, bicep_text.parse_by_tree_sitter(source))


def test_what_fits_its_type_is_let_through(tmp_path: Path) -> None:
    """Choices, variables, lists and free names."""
    assert bicep_types.faults(template(tmp_path, GOOD), tmp_path) == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("@2026-01-01", "@2025-01-01", "there is no Example/shops@2025-01-01"),
        ("    seats: seats", "    chairs: seats", "shop.properties.chairs is unknown"),
        ("  name: 'shop'\n", "", "shop.name is missing"),
        ("'closed'", "'ajar'", "shop.properties.state cannot be 'ajar'"),
        ("var seats = 3", "var seats = 'three'", "shop.properties.seats cannot be 'three'"),
        ("    seats: seats", "    since: 'today'", "shop.properties.since is read-only"),
        ("      'open'\n", "      true\n", "shop.properties.doors[] cannot be true"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, before: str, after: str, said: str) -> None:
    """One seeded fault each."""
    assert before in GOOD

    assert said in "\n".join(bicep_types.faults(template(tmp_path, GOOD.replace(before, after, 1)), tmp_path))
