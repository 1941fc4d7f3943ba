"""Answers one can use, from outside: tables and chart, the spoken summary, export, common questions."""

import csv
import io

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
