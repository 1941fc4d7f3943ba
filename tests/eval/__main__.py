"""Ask the questions of the evaluation through a stack of its own and print the scores: `make eval`.

With the stand-in it is a regression test, in which every answer has to be good; with a real model (`OPENAI_BASE_URL`,
`AZURE_OPENAI_ENDPOINT`) a quality report. `--least 0.9` makes it fail below that share of good answers;
`--feedback FILE` writes the stored thumbs as JSON lines instead.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from azure.cosmos.aio import CosmosClient

from tests.e2e.client import Chat
from tests.e2e.stack import Stack
from tests.eval.questions import QUESTIONS, Question
from tests.eval.score import Score, score

COSMOS_KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
ANSWER_WITHIN_S = 120.0
MODEL_PLACES = ("OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT")


def _line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def documents(cosmos: str, kind: str) -> list[dict[str, Any]]:
    """Read the documents of one kind."""
    async with CosmosClient(cosmos, COSMOS_KEY) as client:
        items = client.get_database_client("salescoach").get_container_client("conversations")
        wanted: list[dict[str, object]] = [{"name": "@kind", "value": kind}]
        return [item async for item in items.query_items("SELECT * FROM c WHERE c.kind = @kind", parameters=wanted)]


async def ask(stack: Stack, question: Question) -> tuple[Score, dict[str, Any]]:
    """Ask one question in a session of its own, and score what is stored of it."""
    async with Chat(stack, question.user) as chat:
        await chat.sign_in()
        turn_id = await chat.ask(question.text)
        await chat.end_of(turn_id, bound_s=ANSWER_WITHIN_S)
        path = f"/api/sessions/{chat.session_id}/messages?after_seq=0"
        answer = stack.get(path, token=chat.token)["data"]["items"][-1]
    calls = await documents(stack.url("cosmos"), "tool_call")
    results = [call["result"] for call in calls if call["turn_id"] == turn_id]
    return score(question, answer, results), answer


async def evaluate(stack: Stack) -> float:
    """Ask everything, print a line each, and give the share of questions with full marks."""
    scores: list[Score] = []
    _line(f"{'tools':>6} {'figures':>8} {'form':>5}  question")
    for question in QUESTIONS:
        marks, answer = await ask(stack, question)
        scores.append(marks)
        called = ", ".join(f"{one['server']}/{one['name']}" for one in answer["tool_feedback"]) or "no tool"
        _line(f"{marks.tools:6.2f} {marks.figures:8.2f} {marks.form:5.2f}  {question.user}: {question.text} [{called}]")
    count = len(scores)
    means = [sum(getattr(one, name) for one in scores) / count for name in ("tools", "figures", "form")]
    good = sum(one.good for one in scores) / count
    _line(f"{means[0]:6.2f} {means[1]:8.2f} {means[2]:5.2f}  means of {count}; without any fault: {good:.0%}")
    return good


async def export(cosmos: str) -> str:
    """Give every thumb with its question, answer, model and version of the prompt, one JSON object a line."""
    messages = await documents(cosmos, "message")
    said = {(one["conversation_id"], one["message_id"]): one for one in messages}
    lines: list[str] = []
    for thumb in await documents(cosmos, "feedback"):
        key = thumb["conversation_id"]
        answer = said.get((key, thumb["message_id"]), {})
        question = said.get((key, answer.get("question_id", "")), {})
        kept = {name: thumb.get(name) for name in ("rating", "comment", "model", "prompt_version", "created_at")}
        kept |= {"question": question.get("content"), "answer": answer.get("content")}
        lines.append(json.dumps(kept, ensure_ascii=False))
    return "".join(f"{line}\n" for line in lines)


def main() -> int:
    """Run the evaluation, or export feedback."""
    parser = argparse.ArgumentParser(prog="make eval", description=__doc__)
    is_real = any(os.environ.get(name) for name in MODEL_PLACES)
    least = 0.0 if is_real else 1.0
    parser.add_argument("--least", type=float, default=least, help="fail below this share of questions without a fault")
    parser.add_argument("--feedback", type=Path, help="write the stored feedback here instead, as JSON lines")
    parser.add_argument("--cosmos", default="http://127.0.0.1:8081", help="whose feedback is exported")
    options = parser.parse_args()
    if options.feedback:
        options.feedback.write_text(asyncio.run(export(options.cosmos)), encoding="utf-8")
        return 0
    logging.getLogger("azure").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as data:
        stack = Stack(Path(data) / "data", "--tokens-per-second", "0")
        stack.own_model = True
        stack.start()
        try:
            good = asyncio.run(evaluate(stack))
        finally:
            stack.stop()
    return 0 if good >= options.least else 1


if __name__ == "__main__":
    sys.exit(main())
