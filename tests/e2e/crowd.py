"""Twenty people in one group, for tests: all talk at once, and what each of them saw is compared with the store."""

from __future__ import annotations

import asyncio
import random
import uuid

from tests.e2e.client import Frame
from tests.e2e.stack import Stack
from tests.e2e.talk import Circle, Talker


def put_together(frames: list[Frame], turn_id: str) -> str:
    """Put an answer's text together by rule 6, from deltas and snapshots; what leaves a gap is held."""
    kinds = ("response.delta", "response.snapshot")
    pieces = [frame for frame in frames if frame.get("turn_id") == turn_id and frame["type"] in kinds]
    last = max(frame["attempt"] for frame in pieces)
    text, held = "", sorted((frame for frame in pieces if frame["attempt"] == last), key=lambda frame: frame["offset"])
    for frame in held:
        if frame["offset"] <= len(text):
            text += frame["text"][len(text) - frame["offset"] :]
    return text


def settled(frames: list[Frame], turn_id: str) -> str:
    """Give the text that `response` settles."""
    (content,) = {frame["content"] for frame in frames if frame["type"] == "response" and frame["turn_id"] == turn_id}
    return content


def order_of(frames: list[Frame]) -> list[str]:
    """Give the messages that were shown, by their numbers, each once."""
    shown = [(frame["seq"], frame["message_id"]) for frame in frames if frame["type"] == "new_message"]
    assert len(shown) == len(set(shown)), "a message came twice"
    return [message_id for _, message_id in sorted(shown)]


async def twenty_talk(stack: Stack, *, each: int) -> None:
    """Let twenty people send so many messages each, three of whom call the coach at once, and compare what all saw.

    Raises:
        AssertionError: something was lost or doubled, the order is not everyone's, or the turns did not run in order.

    """
    chance = random.Random(20)
    async with Circle(stack) as circle:
        people = ["sam.sales", *(f"person-{number}" for number in range(1, 20))]
        talkers = {user: await circle.join(user) for user in people}

        async def talk(user: str) -> list[Frame]:
            accepted: list[Frame] = []
            for number in range(each):
                await asyncio.sleep(chance.random() * 0.05)
                accepted.append(await insist(talkers[user], f"{user} says {number}"))
                if number == each // 2 and user in people[:3]:
                    accepted.append(await insist(talkers[user], f"@coach what may {user} ask?"))
            return accepted

        accepted = dict(zip(people, await asyncio.gather(*(talk(user) for user in people)), strict=True))
        turns = [frame["turn_id"] for frames in accepted.values() for frame in frames if frame["turn_id"]]
        for turn in turns:
            await asyncio.gather(*(talker.committed(turn, bound_s=90) for talker in talkers.values()))
        stored = circle.stored("person-1")
        questions = [message for message in stored if message["author"] == "user"]
        total = len(people) * each + 3
        for talker in talkers.values():
            await talker.until(lambda _, who=talker: len(who.said()) >= total - each - 1, "all messages")

    answers = [message for message in stored if message["author"] == "assistant"]
    assert len(turns) == len(answers) == 3
    assert [message["seq"] for message in stored] == list(range(1, total + 4))
    sent = [frame["message_id"] for frames in accepted.values() for frame in frames]
    assert sorted(sent) == sorted(message["message_id"] for message in questions)
    asked = [message["turn_id"] for message in questions if message.get("turn_id")]
    assert [message["turn_id"] for message in answers] == asked
    order = [message["message_id"] for message in questions]
    for user, talker in talkers.items():
        own = {frame["message_id"] for frame in accepted[user]}
        assert order_of(talker.frames) == [message for message in order if message not in own], user
        for answer in answers:
            assert settled(talker.frames, answer["turn_id"]) == answer["content"], user
            assert put_together(talker.frames, answer["turn_id"]) == answer["content"], user


async def insist(talker: Talker, content: str) -> Frame:
    """Say something, again while everybody speaks at once; the same message under the same id."""
    message_id = str(uuid.uuid4())
    while True:
        answer = await talker.say(content, message_id=message_id)
        if answer["type"] == "query.accepted":
            return answer
        assert answer["code"] == "rate_limited", answer
        await asyncio.sleep(answer.get("retry_after") or 1)
