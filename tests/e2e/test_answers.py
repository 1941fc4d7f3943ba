"""Answers one can use, from outside: tables and chart, the spoken summary, export, common questions."""

import csv
import io
import json
import urllib.request
from typing import Any

import aiohttp
import pytest

from tests.e2e.client import Chat
from tests.e2e.stack import Stack

QUESTION = "Compare the open pipeline by stage as a chart"


async def fetch(stack: Stack, path: str, token: str) -> tuple[int, str, str]:
    """Status, kind and text of a REST answer."""
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers) as http, http.get(stack.url("app") + path) as answer:
        return answer.status, answer.content_type, await answer.text()


@pytest.mark.requirement("respond:illustrated")
@pytest.mark.requirement("respond:spoken")
@pytest.mark.requirement("api:export")
async def test_an_answer_has_its_table_chart_and_summary_and_goes_out_whole(stack: Stack) -> None:
    """The same in `response`, in REST and in the export."""
    async with Chat(stack) as chat:
        await chat.sign_in()
        turn_id = await chat.ask(QUESTION, spoken=True)
        await chat.end_of(turn_id)
        response = chat.of(turn_id, "response")[0]
        path = f"/api/sessions/{chat.session_id}"
        stored = stack.get(f"{path}/messages", token=chat.token)["data"]["items"][1]
        exported = stack.get(f"{path}/export?format=json", token=chat.token)["data"]["items"]
        _, md_kind, md = await fetch(stack, f"{path}/export?format=md", chat.token)
        _, csv_kind, table = await fetch(stack, f"{path}/export?format=csv", chat.token)
        refused, _, _ = await fetch(stack, f"{path}/export?format=xml", chat.token)
        foreign, _, _ = await fetch(stack, f"{path}/export?format=md", stack.token("sue.sales"))

    rows = list(csv.reader(io.StringIO(table, newline="")))
    columns = response["tables"][0]["columns"]
    assert (columns[0]["type"], columns[1]["type"], columns[1]["unit"]) == ("text", "currency", "EUR")
    assert {point["label"] for point in response["chart_data"]["data"]} == {
        row[0] for row in response["tables"][0]["rows"]
    }
    assert response["spoken_summary"]
    assert not set("*|#`") & set(response["spoken_summary"])
    for name in ("tables", "chart_data", "spoken_summary", "content"):
        assert stored[name] == response[name] == exported[1][name]
    assert md_kind == "text/markdown"
    assert response["content"] in md
    assert csv_kind == "text/csv"
    assert rows[1][0] in {row[0] for row in response["tables"][0]["rows"]} | {columns[0]["name"]}
    assert (refused, foreign) == (400, 404)


@pytest.mark.requirement("questions:learned")
async def test_suggestions_answer_everybody_who_is_signed_in(stack: Stack) -> None:
    """Lists, perhaps empty; nothing without a token."""
    token = stack.token("sam.sales")

    assert isinstance(stack.get("/api/questions?category=sfdc", token=token)["data"]["items"], list)
    assert isinstance(stack.get("/api/questions/categories", token=token)["data"]["items"], list)
    assert (await fetch(stack, "/api/questions", "none"))[0] == 401


@pytest.mark.requirement("respond:drawn")
async def test_a_chart_that_was_asked_for_is_drawn_by_the_utility_model_where_the_text_has_no_table(
    stack: Stack,
) -> None:
    """Prose has no form that could be parsed; the utility model is asked once, by a strict schema."""
    async with Chat(stack) as chat:
        await chat.sign_in(locale="de-DE")
        turn_id = await chat.ask("Tell me in one sentence how my open pipeline is by stage, and draw a chart of it")
        await chat.end_of(turn_id)
        response = chat.of(turn_id, "response")[0]
    asked = model_requests(stack)

    points = {point["label"]: point["value"] for point in response["chart_data"]["data"]}
    assert response["tables"] == []
    assert len(points) >= 2
    for label, value in points.items():
        assert f"{label} has {value:,.0f} EUR" in response["content"]
    utility = [entry for entry in asked if entry["model"] == "gpt-4.1-nano" and entry["tools"] == []]
    assert any("one comparison of figures" in json.dumps(entry["messages"]) for entry in utility)


async def test_an_english_answer_is_read_as_english_for_a_german_reader(stack: Stack) -> None:
    """The locale of the device does not make 474,000 EUR four hundred and seventy-four."""
    async with Chat(stack) as chat:
        await chat.sign_in(locale="de-DE")
        turn_id = await chat.ask(QUESTION)
        await chat.end_of(turn_id)
        response = chat.of(turn_id, "response")[0]

    for label, value, *_ in response["tables"][0]["rows"]:
        assert f"| {label} | {value:,.0f} |" in response["content"]
    assert all(point["value"] > 1000 for point in response["chart_data"]["data"])


def model_requests(stack: Stack) -> list[dict[str, Any]]:
    """What the model stand-in was asked last."""
    with urllib.request.urlopen(f"{stack.url('model')}/_requests?last=20&messages=1", timeout=10) as answer:  # noqa: S310
        return json.load(answer)["requests"]
