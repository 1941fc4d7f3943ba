"""Whatever is asked, offered or returned, the coach replies, and replies the same again."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from local.model.coach import reply
from local.model.conversation import Call, Conversation, Outcome, Tool
from local.model.events import Finish, script
from local.model.structured import structured

WORDS = st.sampled_from(
    ["my", "pipeline", "and", "last", "quarter", "Sue's", "top 5", "10k", "by", "region", "EMEA", "meine", "über", ":"]
)
QUESTIONS = st.one_of(st.text(max_size=80), st.lists(WORDS, max_size=12).map(" ".join))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
KINDS = st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "null", ["string", "null"]])
PROPERTY = st.one_of(
    st.just(value=True),
    st.fixed_dictionaries(
        {},
        optional={
            "type": KINDS,
            "enum": st.lists(st.text(max_size=8) | st.integers(), min_size=1, max_size=4),
            "examples": st.lists(st.text(max_size=8), max_size=3),
            "minimum": st.integers(-5, 5),
            "maxLength": st.integers(0, 30),
            "format": st.sampled_from(["date", "email"]),
        },
    ),
)
NAMES = st.sampled_from(["owner", "quarter", "limit", "region", "name", "by", "date", "tags", "amount", "x"])
SCHEMAS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {}, optional={"properties": st.dictionaries(NAMES, PROPERTY, max_size=5), "required": st.lists(NAMES, max_size=3)}
)
TOOLS = st.builds(
    Tool,
    name=st.sampled_from(["sfdc__pipeline_summary", "list", "a__b", "log_x", "getAccount"]),
    description=st.text(max_size=40) | st.just("Pipeline by region and quarter"),
    schema=SCHEMAS,
)


@settings(max_examples=150, deadline=None)
@given(question=QUESTIONS, before=QUESTIONS, tools=st.lists(TOOLS, max_size=4))
def test_any_question_over_any_tools_gets_one_and_the_same_reply(question: str, before: str, tools: list[Tool]) -> None:
    """Calls name offered tools and carry JSON objects; otherwise there are words."""
    conversation = Conversation(system="Today is 2026-05-15.", questions=(before, question), tools=tuple(tools))

    said = reply(conversation)

    assert said == reply(conversation)
    assert bool(said.text) != bool(said.calls)
    for call in said.calls:
        assert call.name in {tool.name for tool in tools}
        assert isinstance(json.loads(call.arguments_json), dict)
    assert isinstance(script(said, None, identity="1", most_tokens=None).events[-1], Finish)


@settings(max_examples=150, deadline=None)
@given(question=QUESTIONS, results=st.lists(JSON.map(json.dumps) | st.text(max_size=60), min_size=1, max_size=3))
def test_any_results_become_words(question: str, results: list[str]) -> None:
    """Strangers' tools return what they like."""
    call = Call(name="x__y", arguments_json="{}")
    outcomes = tuple(Outcome(call=call, text=text) for text in results)

    said = reply(Conversation(system="", questions=(question,), outcomes=outcomes))

    assert said.text
    assert not said.calls


@settings(max_examples=100, deadline=None)
@given(schema=SCHEMAS, text=st.text(max_size=120))
def test_any_wanted_schema_gets_something_that_is_json(schema: dict[str, Any], text: str) -> None:
    """The caller validates it."""
    wanted = {
        "type": "object",
        **schema,
        "properties": {k: v for k, v in schema.get("properties", {}).items() if v is not True},
    }

    json.dumps(structured(wanted, text))
