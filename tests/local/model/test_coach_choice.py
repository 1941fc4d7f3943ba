"""The coach picks tools and fills arguments by general rules: words, synonyms and schemas, never by question."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from local.model.arguments import fill
from local.model.choose import pick
from local.model.conversation import Tool

TODAY = date(2026, 5, 15)
OWNER = {"type": "string", "examples": ["me", "all"]}
QUARTER = {"type": "string", "examples": ["this", "last", "next", "all"]}


def _tool(name: str, description: str, required: list[str] | None = None, **properties: Any) -> Tool:
    schema = {"type": "object", "properties": properties, "required": required or []}
    return Tool(name=name, description=description, schema=schema)


SALES = [
    _tool(
        "sfdc__pipeline_summary",
        "Sum up the open sales pipeline by stage: number of opportunities, amount.",
        owner=OWNER,
        quarter=QUARTER,
        region={"type": "string", "enum": ["all", "EMEA", "AMER"]},
    ),
    _tool(
        "sfdc__deep_pipeline_review",
        "Review a pipeline deeply for risks.",
        owner=OWNER,
    ),
    _tool(
        "sfdc__list_opportunities",
        "List single opportunities (deals), largest first.",
        owner=OWNER,
        quarter=QUARTER,
        stage={"type": "string", "enum": ["all", "open", "Negotiation", "Closed Won", "Closed Lost"]},
        min_amount={"type": "integer", "minimum": 0},
        limit={"type": "integer", "minimum": 1, "maximum": 50},
    ),
    _tool(
        "sfdc__get_account",
        "Show one account (customer): contacts, open opportunities.",
        ["account"],
        account={"type": "string", "description": "Name or id"},
    ),
    _tool(
        "sfdc__log_activity",
        "Log an activity on an account (record a call or a note); this writes.",
        ["account", "subject"],
        account={"type": "string"},
        subject={"type": "string", "maxLength": 20},
        kind={"type": "string", "enum": ["note", "call"]},
    ),
]
PEOPLE = [
    _tool(
        "hr__headcount",
        "Count employees by department or location.",
        by={"type": "string", "enum": ["department", "location"]},
        department={"type": "string", "enum": ["all", "Sales", "IT"]},
    ),
    _tool(
        "hr__leave_balance",
        "Show the leave (vacation) of a person.",
        person={"type": "string", "examples": ["me"]},
    ),
    _tool(
        "hr__salary_of",
        "Show the salary (pay) of one person.",
        ["person"],
        person={"type": "string", "examples": ["me"]},
    ),
]
ALL = [*SALES, *PEOPLE]


def _picked(question: str, tools: list[Tool] | None = None, *before: str) -> list[tuple[str, dict[str, Any]]]:
    picks = pick([*before, question], ALL if tools is None else tools, TODAY)
    return [(one.tool.own_name, one.arguments) for one in picks]


@pytest.mark.parametrize(
    ("question", "tool", "arguments"),
    [
        ("How is my pipeline this quarter?", "pipeline_summary", {"owner": "me", "quarter": "this"}),
        ("Wie läuft meine Pipeline nächstes Quartal?", "pipeline_summary", {"owner": "me", "quarter": "next"}),
        ("Pipeline of the whole team in EMEA", "pipeline_summary", {"owner": "all", "region": "EMEA"}),
        ("Show the pipeline for Q3 2026", "pipeline_summary", {"quarter": "2026-Q3"}),
        ("Please review my pipeline deeply", "deep_pipeline_review", {"owner": "me"}),
        ("Top 5 deals over 100k", "list_opportunities", {"limit": 5, "min_amount": 100_000}),
        ("Deals of Sue Sales over 50.000", "list_opportunities", {"owner": "Sue Sales", "min_amount": 50_000}),
        ("Zeige die verlorenen Deals", "list_opportunities", {"stage": "Closed Lost"}),
        ("Show the account ACC-0007", "get_account", {"account": "ACC-0007"}),
        ("Zeig mir den Kunden Amber Anvil", "get_account", {"account": "Amber Anvil"}),
        (
            "Log a call on ACC-0004: renewal talked over at length",
            "log_activity",
            {"account": "ACC-0004", "subject": "renewal talked over "[:20], "kind": "call"},
        ),
        ("How many people work in Sales?", "headcount", {"department": "Sales"}),
        ("Headcount by location", "headcount", {"by": "location"}),
        ("Is it my vacation already, how much is left?", "leave_balance", {"person": "me"}),
        ("What does Tom Both earn?", "salary_of", {"person": "Tom Both"}),
    ],
)
def test_one_question_becomes_one_call(question: str, tool: str, arguments: dict[str, Any]) -> None:
    """English and German, names, periods, numbers and choices."""
    assert _picked(question) == [(tool, arguments)]


def test_two_wishes_become_two_calls_in_one_round() -> None:
    """They can run side by side."""
    assert _picked("How is my pipeline this quarter and how many vacation days do I have left?") == [
        ("pipeline_summary", {"owner": "me", "quarter": "this"}),
        ("leave_balance", {"person": "me"}),
    ]


@pytest.mark.parametrize(
    ("question", "differing", "values"),
    [
        ("Compare my pipeline this quarter with last quarter", "quarter", ["this", "last"]),
        ("Compare Sam's and Sue's pipeline", "owner", ["Sam", "Sue"]),
    ],
)
def test_a_comparison_becomes_a_call_for_each_side(question: str, differing: str, values: list[str]) -> None:
    """The same tool with two arguments."""
    picked = _picked(question)

    assert [tool for tool, _ in picked] == ["pipeline_summary"] * 2
    assert [arguments[differing] for _, arguments in picked] == values


def test_two_things_that_are_compared_become_two_calls() -> None:
    """Each side has its own tool."""
    forecast = _tool("sfdc__forecast", "Forecast the revenue of a quarter by owner.", quarter=QUARTER)

    picked = _picked("Compare my pipeline with my forecast for this quarter", [*SALES, forecast])

    assert [tool for tool, _ in picked] == ["pipeline_summary", "forecast"]


def test_what_closes_is_not_what_was_closed() -> None:
    """An open opportunity closes; a closed one did."""
    closed = _tool("winloss__closed_deals", "List closed deals that were won or lost.", quarter=QUARTER)

    assert [tool for tool, _ in _picked("Which opportunities close this quarter?", [*SALES, closed])] == [
        "list_opportunities"
    ]
    assert [tool for tool, _ in _picked("Which deals were closed last quarter?", [*SALES, closed])] == ["closed_deals"]


@pytest.mark.parametrize(
    "question",
    [
        "Hello, who are you?",
        "What is Sue's salary?",
        "What does the Sales department earn on average?",
        "How many employees do we have?",
        "What is the weather in Berlin?",
        "Hello",
        "",
    ],
)
def test_no_tool_is_called_when_none_fits(question: str) -> None:
    """A sales person's tools do not answer questions about pay."""
    assert _picked(question, SALES) == []


def test_nothing_is_written_unless_the_question_says_so() -> None:
    """A question about an account must not log anything on it."""
    for question in ("What activity is there on account ACC-0001?", "Show account ACC-0001, its calls and notes"):
        assert [tool for tool, _ in _picked(question)] == ["get_account"]


@pytest.mark.parametrize(
    ("follow_up", "arguments"),
    [
        ("And last quarter?", {"owner": "me", "quarter": "last"}),
        ("What about Sue?", {"owner": "Sue", "quarter": "this"}),
        ("Und im nächsten Quartal?", {"owner": "me", "quarter": "next"}),
    ],
)
def test_a_follow_up_is_read_with_the_question_before(follow_up: str, arguments: dict[str, Any]) -> None:
    """Only what it changes is changed."""
    assert _picked(follow_up, None, "How is my pipeline this quarter?") == [("pipeline_summary", arguments)]


def test_tools_of_a_stranger_are_used_by_their_schema_alone() -> None:
    """Any server can be connected, its tools named in any style."""
    weather = _tool(
        "wx__getForecast",
        "Get the weather forecast for a city.",
        ["city", "date"],
        city={"type": "string"},
        date={"type": "string", "format": "date"},
        days={"type": "integer", "minimum": 1, "maximum": 14},
        detailed={"type": "boolean"},
        tags={"type": "array", "items": {"type": "string"}},
        unit={"anyOf": [{"type": "null"}, {"type": "string", "enum": ["celsius", "fahrenheit"]}]},
    )

    assert _picked("Detailed forecast for Sampleton tomorrow, 3 days in celsius", [weather]) == [
        (
            "getForecast",
            {"city": "Sampleton", "date": "2026-05-16", "days": 3, "detailed": True, "unit": "celsius"},
        )
    ]


def test_required_properties_always_get_a_value_that_the_schema_allows() -> None:
    """A call that must fail validation helps nobody."""
    schema = {
        "type": "object",
        "required": ["text", "level", "kind", "when", "on", "list", "map", "set"],
        "properties": {
            "text": {"type": "string", "maxLength": 5},
            "level": {"type": "integer", "minimum": 3},
            "kind": {"type": "string", "enum": ["a", "b"]},
            "when": {"type": "string", "format": "date"},
            "on": {"type": "boolean"},
            "list": {"type": "array"},
            "map": {"type": "object"},
            "set": {"type": "string", "default": "given"},
        },
    }

    filled = fill(schema, "do something", "do something", TODAY)

    assert filled.sets == (
        {
            "text": "do so",
            "level": 3,
            "kind": "a",
            "when": "2026-05-15",
            "on": False,
            "list": [],
            "map": {},
            "set": "given",
        },
    )
    assert set(filled.guessed) == set(schema["required"])


def test_numbers_outside_the_schemas_bounds_are_not_used() -> None:
    """The default serves better."""
    (_, arguments), *_ = _picked("Top 500 deals")

    assert "limit" not in arguments
