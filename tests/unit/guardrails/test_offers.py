"""What a server offers, before anybody is offered it: names that models take, and nothing that people cannot see."""

from datetime import UTC, datetime
from typing import Any

import pytest
from mcp_types import Tool

from shared.adapters.mcp_tools.offers import DESCRIPTION_MOST_CHARS, SCHEMA_MOST_CHARS, manifest_of
from shared.domain.tools import ToolSpec

NOW = datetime(2026, 1, 5, tzinfo=UTC)
HIDDEN = "\u200b\u202e\U000e0063\u2063\ufeff"


def offered(**change: Any) -> tuple[ToolSpec, ...]:
    """What becomes of one tool."""
    tool: dict[str, Any] = {"name": "look", "description": "Look.", "input_schema": {"type": "object"}, **change}
    return manifest_of("sfdc", [Tool(**tool)], NOW).tools


@pytest.mark.requirement("tools:quoted")
def test_what_nobody_can_see_is_left_out_of_every_word_of_a_tool() -> None:
    """Title, description, and all texts of the schema, its names too."""
    schema = {"type": "object", "properties": {f"a{HIDDEN}": {"description": f"x{HIDDEN}y", "enum": [f"b{HIDDEN}"]}}}

    (tool,) = offered(title=f"T{HIDDEN}", description=f"D{HIDDEN}", input_schema=schema)

    assert (tool.title, tool.description) == ("T", "D")
    assert tool.input_schema["properties"] == {"a": {"description": "xy", "enum": ["b"]}}


def test_a_tool_is_offered_under_its_servers_name() -> None:
    """So that no server can take another one's tool in."""
    (tool,) = offered()

    assert tool.offered_name == "sfdc__look"


@pytest.mark.parametrize(
    "change",
    [
        {"name": "hr__salary_of"}, {"name": "a b"}, {"name": "l\u043e\u043ek"}, {"name": f"look{HIDDEN}"}, {"name": ""},
        {"name": "x" * 60}, {"description": "x" * (DESCRIPTION_MOST_CHARS + 1)},
        {"input_schema": {"type": "object", "description": "x" * SCHEMA_MOST_CHARS}},
    ],
)  # fmt: skip
def test_a_tool_that_pretends_or_takes_too_much_room_is_left_out(change: dict[str, Any]) -> None:
    """A name with another server's prefix, look-alike letters, a description that fills every prompt."""
    assert offered(**change) == ()


def test_the_version_changes_with_every_word_and_with_nothing_else() -> None:
    """It is what the report of changes goes by."""
    base: dict[str, Any] = {"name": "look", "description": "Look.", "input_schema": {"type": "object"}}
    changes: list[dict[str, Any]] = [
        {}, {}, {"description": "Look!"}, {"output_schema": {"type": "object"}}, {"title": "Look"},
    ]  # fmt: skip
    versions = [manifest_of("sfdc", [Tool(**(base | change))], NOW).version for change in changes]

    assert versions[0] == versions[1]
    assert len(set(versions)) == 4
