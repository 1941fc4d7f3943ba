"""The coach's mind, from outside: another model by one setting, titles, renaming, feedback and its export."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.client import Chat
from tests.e2e.stack import Stack, wait_for
from tests.e2e.test_chat import by_id, documents
from tests.eval.__main__ import export

QUESTION = "How is my pipeline this quarter?"


def asked(stack: Stack) -> list[tuple[str, str]]:
    """Which models were asked for answers, and by which API."""
    with urllib.request.urlopen(f"{stack.url('model')}/_requests?last=50", timeout=10) as answer:  # noqa: S310
        entries: list[dict[str, Any]] = json.load(answer)["requests"]
    return [(entry["model"], entry["api"]) for entry in entries if not entry["model"].endswith("-nano")]


@pytest.mark.requirement("process:model-switch")
async def test_a_model_of_the_other_flavour_is_one_setting(new_stack: Callable[..., Stack]) -> None:
    """The same conversation goes on with it; no code, no release."""
    stack = new_stack("--tokens-per-second", "0")
    async with Chat(stack) as chat:
        await chat.sign_in()
        first = await chat.ask(QUESTION)
        await chat.end_of(first)
    before = asked(stack)
    stack.stop()
    stack.settings["AZURE_OPENAI_CHAT_MODEL"] = "gpt-5.4-mini"
    stack.start()
    async with Chat(stack, session_id=chat.session_id) as later:
        await later.sign_in()
        second = await later.ask("And last quarter?")
        end = await later.end_of(second)
        answer = later.of(second, "response")[0]
    health = stack.get("/api/health")["data"]["models"]

    assert set(before) == {("gpt-4.1-mini", "chat.completions")}
    assert set(asked(stack)) == {("gpt-5.4-mini", "responses")}
    assert (end["type"], answer["model"]) == ("response.committed", "gpt-5.4-mini")
    assert [tool["name"] for tool in answer["tool_feedback"]] == ["pipeline_summary"]
    assert {one["role"]: (one["name"], one["api"]) for one in health} == {
        "primary": ("gpt-5.4-mini", "responses"),
        "secondary": ("gpt-4.1-mini-2", "chat_completions"),
        "utility": ("gpt-5.4-nano", "responses"),
    }


@pytest.mark.requirement("process:summary")
async def test_a_summary_is_made_once_though_the_host_dies_while_it_is_written(new_stack: Callable[..., Stack]) -> None:
    """Twenty exchanges; the utility model is slow, the host is killed in the middle; one summary is stored."""
    stack = new_stack("--faults", "--tokens-per-second", "0")
    async with Chat(stack) as chat:
        await chat.sign_in()
        for number in range((SUMMARY_EVERY + VERBATIM) // 2 - 1):
            await chat.end_of(await chat.ask(f"Hello, this is message {number}."))
        stack.post(f"{stack.url('model')}/_faults", {"mode": "slow", "model": UTILITY, "tokens_per_second": 4})
        last = await chat.ask("Hello for the last time.")
        await chat.end_of(last)
        began = await asyncio.to_thread(wait_for, lambda: summaries_asked(stack) or None, "the summary's begin")
        stack.kill("host")
        await asyncio.to_thread(
            wait_for, lambda: summaries_asked(stack) > began or None, "the summary's second begin", bound_s=60
        )
        await asyncio.to_thread(heal, stack)
        made = await until_stored(stack, chat.session_id)
        after = await chat.ask("Hello again.")
        await chat.end_of(after, bound_s=60)
        still = await stored_summaries(stack, chat.session_id)

    assert [(one["id"], one["n"], one["seq"], one["turn_id"]) for one in made] == [("s:1", 1, SUMMARY_EVERY, last)]
    assert still == made


SUMMARY_EVERY = VERBATIM = 20
UTILITY = "gpt-4.1-nano"


def heal(stack: Stack) -> None:
    """Take the model's faults back."""
    stack.ask("DELETE", f"{stack.url('model')}/_faults")


def summaries_asked(stack: Stack) -> int:
    """How often the utility model was asked for a summary."""
    with urllib.request.urlopen(f"{stack.url('model')}/_requests?last=50&messages=1", timeout=10) as answer:  # noqa: S310
        entries: list[dict[str, Any]] = json.load(answer)["requests"]
    return sum(entry["model"] == UTILITY and "Summarise" in json.dumps(entry["messages"]) for entry in entries)


async def stored_summaries(stack: Stack, session_id: str) -> list[dict[str, Any]]:
    """The summaries of a session."""
    found = [one for one in await documents(stack) if one["kind"] == "summary"]
    heads = {one["conversation_id"] for one in await documents(stack) if one.get("session_id") == session_id}
    return [one for one in found if one["conversation_id"] in heads]


async def until_stored(stack: Stack, session_id: str) -> list[dict[str, Any]]:
    """Wait until a summary is stored."""
    async with asyncio.timeout(60):
        while not (found := await stored_summaries(stack, session_id)):
            await asyncio.sleep(0.2)
    return found


@pytest.mark.requirement("respond:title")
async def test_a_chat_is_named_after_its_first_exchange_and_keeps_the_name_that_its_person_gave(stack: Stack) -> None:
    """Both devices are told; the second exchange and another rename of ours change nothing."""
    async with Chat(stack) as desk, Chat(stack, session_id=desk.session_id) as phone:
        await desk.sign_in()
        await phone.sign_in()
        path = f"/api/sessions/{desk.session_id}"
        await desk.end_of(await desk.ask(QUESTION))
        named = await phone.first("session.title")
        status, _ = stack.call("PATCH", path, desk.token, {"title": "  My  own name "})
        renamed = await phone.until(
            lambda frame: frame["type"] == "session.title" and frame["title"] != named["title"], "the new title"
        )
        await desk.end_of(await desk.ask("And last quarter?"))
        shown = stack.get(path, token=desk.token)["data"]["title"]
        foreign, _ = stack.call("PATCH", path, stack.token("sue.sales"), {"title": "Mine"})

    assert 0 < len(named["title"].split()) <= 6
    assert status == 200
    assert renamed["title"] == shown == "My own name"
    assert foreign == 404
    assert len([frame for frame in phone.frames if frame["type"] == "session.title"]) == 2


@pytest.mark.requirement("query:feedback")
async def test_a_thumb_is_stored_with_what_made_the_answer_and_goes_out_for_evaluation(stack: Stack) -> None:
    """Model and version of the prompt; the newest word counts; nobody rates a foreign answer."""
    async with Chat(stack) as chat:
        await chat.sign_in()
        turn = await chat.ask(QUESTION)
        await chat.end_of(turn)
        response = chat.of(turn, "response")[0]
        rated = {"conversation_id": chat.session_id, "message_id": response["message_id"]}
        await chat.send("feedback", **rated, rating="up", request_id="r1")
        await chat.until(lambda frame: frame.get("request_id") == "r1", "the first answer")
        await chat.send("feedback", **rated, rating="down", comment="Last year's figures.", request_id="r2")
        saved = await chat.until(lambda frame: frame.get("request_id") == "r2", "the second answer")
        async with Chat(stack, "sue.sales") as sue:
            await sue.sign_in()
            await sue.send("feedback", **rated, rating="up")
            refused = await sue.first("error")
    stored = [one for one in await documents(stack) if one["kind"] == "feedback" and one["turn_id"] == turn]
    answer = by_id(await documents(stack), f"a:{turn}")
    lines = [json.loads(line) for line in (await export(stack.url("cosmos"))).splitlines()]

    assert (saved["type"], saved["rating"]) == ("feedback.saved", "down")
    assert refused["code"] == "not_found"
    (thumb,) = stored
    assert (thumb["rating"], thumb["comment"]) == ("down", "Last year's figures.")
    assert (thumb["model"], thumb["prompt_version"]) == (answer["model"], answer["prompt_version"])
    assert thumb["prompt_version"]
    exported = next(line for line in lines if line["comment"] == "Last year's figures.")
    assert (exported["question"], exported["answer"]) == (QUESTION, answer["content"])
