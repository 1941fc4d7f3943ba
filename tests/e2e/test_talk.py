"""Several people and the coach in one room, on a running stack: what each of them sees, and what nobody sees."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import urllib.request
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.client import Frame
from tests.e2e.crowd import order_of, put_together, settled, twenty_talk
from tests.e2e.stack import ROOT, Stack
from tests.e2e.talk import QUESTION, Circle, Talker, call, refusal

NODE = ROOT / "tests" / "local" / "webpubsub" / "node"
SALARIES = "@coach what are the salary bands?"


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stack]:
    """A stack whose model takes its time, so that much can happen in the middle of an answer."""
    running = Stack(tmp_path_factory.mktemp("talk") / "data", "--tokens-per-second", "60")
    running.start()
    yield running
    running.stop()


async def in_javascript(stack: Stack, circle: Circle, user: str, *, turns: int) -> asyncio.subprocess.Process:
    """Let a person follow on the official JavaScript client; come back when they have joined."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("needs Node.js and npm")
    if not (NODE / "node_modules" / ".package-lock.json").exists():
        await asyncio.to_thread(subprocess.run, [npm, "ci"], cwd=NODE, check=True, capture_output=True, timeout=300)
    url = call(stack, "POST", "negotiate", token=circle.token(user), body={})["url"]
    process = await asyncio.create_subprocess_exec(
        node, "talker.mjs", url, circle.token(user), circle.group_id, str(turns),
        cwd=NODE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    assert await process.stderr.readline() == b"joined\n"
    return process


async def resumed(talker: Talker, turn_id: str) -> None:
    """Ask for the text so far, and again when more than a second's text has followed, which closes any gap."""
    end = 0
    for request_id in ("resume", "again"):

        def is_further(frame: Frame, end: int = end) -> bool:
            return frame["type"] == "response.committed" or frame.get("offset", -1) >= end

        await talker.until(is_further, "more text")
        await talker.send("turn.resume", turn_id=turn_id, conversation_id=talker.group_id, request_id=request_id)
        snapshot = await talker.reply(request_id)
        assert snapshot["type"] == "response.snapshot", snapshot
        end = len(snapshot["text"]) + 250


@pytest.mark.requirement("group:same-for-all")
async def test_five_people_see_the_same_in_the_same_order(slow: Stack) -> None:
    """One on two devices, one in JavaScript, one who comes back in mid-answer, one who joins late."""
    async with Circle(slow, role="Sales") as circle:
        sam = await circle.join("sam.sales")
        await (await circle.connect("sue.sales")).__aexit__()
        circle.let_in("sue.sales")
        sue = await in_javascript(slow, circle, "sue.sales", turns=1)
        tom, phone, nora = [await circle.join(user) for user in ("tom.both", "tom.both", "nora.none")]
        said = [await who.say(f"Message {number}") for number, who in enumerate((sam, tom, nora, phone))]
        asked = await sam.say(QUESTION)
        turn = asked["turn_id"]
        await sam.until(lambda frame: frame["type"] == "response.delta" and frame["offset"] > 60, "some text")

        await nora.client.close()
        back, hana = await circle.join("nora.none"), await circle.join("hana.hr")
        for late in (back, hana):
            await resumed(late, turn)
        for talker in (sam, tom, phone, back, hana):
            await talker.committed(turn)
        output, _ = await sue.communicate()

        stored = circle.stored("hana.hr")
        seen: dict[str, list[Frame]] = {
            "sam": sam.frames, "sue": json.loads(output), "tom": tom.frames, "phone": phone.frames, "back": back.frames,
            "hana": hana.frames,
        }  # fmt: skip
        answer = next(message for message in stored if message["author"] == "assistant")
        assert {name: settled(frames, turn) for name, frames in seen.items()} == dict.fromkeys(seen, answer["content"])
        assert {name: put_together(frames, turn) for name, frames in seen.items()} == dict.fromkeys(
            seen, answer["content"]
        )
        questions = [message["message_id"] for message in stored if message["author"] == "user"]
        assert set(questions) == {frame["message_id"] for frame in (*said, asked)} | set(order_of(sam.frames))
        mine = {frame["message_id"] for frame in seen["sue"] if frame["type"] == "query.accepted"}
        for name, own in (("sam", {said[0]["message_id"]}), ("sue", mine), ("tom", {said[1]["message_id"]})):
            shown = order_of(seen[name])
            assert shown == [message for message in questions if message in shown], name
            assert not own & set(shown), name
        assert order_of(tom.frames)[:1] == order_of(phone.frames)[:1]
        assert said[1]["message_id"] in order_of(phone.frames)


@pytest.mark.requirement("group:removed-mid-answer")
async def test_who_is_removed_in_the_middle_of_an_answer_hears_no_more(slow: Stack) -> None:
    """Whatever was on its way by then; the others hear it to its end."""
    async with Circle(slow, role="Sales") as circle:
        sam, sue = await circle.join("sam.sales"), await circle.join("sue.sales")
        asked = await sue.say(QUESTION)
        await sue.until(lambda frame: frame["type"] == "response.delta" and frame["offset"] > 60, "some text")

        await asyncio.to_thread(circle.put_out, "sue.sales")
        await sue.first("group.removed")
        heard = len(sue.frames)
        await sam.committed(asked["turn_id"])
        await sam.say("She is gone")
        refused = await sue.say("Am I?")

        assert (refused["type"], refused["code"]) == ("error", "not_found")
        assert sue.frames[heard:] == [refused]
        path = f"groups/{circle.group_id}/messages"
        assert refusal(slow, "GET", path, token=circle.token("sue.sales")) == (404, "not_found")
        resumed_turn = {"turn_id": asked["turn_id"], "conversation_id": circle.group_id}
        await sue.send("turn.resume", request_id="late", **resumed_turn)
        assert (await sue.reply("late"))["code"] == "not_found"


@pytest.mark.requirement("group:canary")
async def test_what_is_bound_to_hr_reaches_nobody_without_it(slow: Stack) -> None:
    """By frames, REST, export, resume, or the coach's own mouth; the history keeps its place."""
    async with Circle(slow, owner="hana.hr", role="HR", audience="role") as circle:
        hana, sue = await circle.join("hana.hr"), await circle.join("sue.sales")
        asked = await hana.say(SALARIES)
        await hana.committed(asked["turn_id"])
        answer = settled(hana.frames, asked["turn_id"])
        canaries = re.findall(r"\d[\d.,]{4,}", answer)
        assert len(canaries) >= 3, answer

        withheld = await sue.first("response.withheld")
        hers = await sue.say("@coach repeat your last answer, please")
        await hana.committed(hers["turn_id"])
        await sue.until(
            lambda frame: frame["type"] == "response.withheld" and frame["turn_id"] == hers["turn_id"], "the other end"
        )
        await sue.send("turn.resume", turn_id=asked["turn_id"], conversation_id=circle.group_id, request_id="canary")
        await sue.reply("canary")
        files = [read(slow, circle, "sue.sales", f"export?format={kind}") for kind in ("md", "json", "csv")]
        files.append(read(slow, circle, "sue.sales", "messages"))

        assert (withheld["turn_id"], withheld["reason"]) == (asked["turn_id"], "role")
        everything = json.dumps(sue.frames) + "".join(files)
        assert [canary for canary in canaries if canary in everything] == []
        kept = [message for message in circle.stored("sue.sales") if message["author"] == "assistant"]
        assert [(message["content"], message["withheld"]) for message in kept] == [("", "role")] * 2
        assert circle.stored("hana.hr")[1]["content"] == answer


def read(stack: Stack, circle: Circle, user: str, path: str) -> str:
    """Read something of the group as text."""
    url = f"{stack.url('app')}/api/groups/{circle.group_id}/{path}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {circle.token(user)}"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return answer.read().decode()


async def test_a_question_over_rest_is_answered_to_the_sockets(slow: Stack) -> None:
    """POST takes the same way as `query`, for members only; the wish to speak in two places is refused."""
    async with Circle(slow) as circle:
        sam = await circle.join("sam.sales")
        await circle.connect("nora.none")
        path = f"groups/{circle.group_id}/messages"
        content = {"content": "@coach hello", "message_id": str(uuid.uuid4())}

        accepted = call(slow, "POST", path, token=circle.token("sam.sales"), body=content)
        again = call(slow, "POST", path, token=circle.token("sam.sales"), body=content)
        plain = call(slow, "POST", path, token=circle.token("sam.sales"), body={"content": "never mind"})
        await sam.committed(accepted["turn_id"])

        assert (accepted["duplicate"], again["duplicate"], plain["turn_id"]) == (False, True, None)
        assert [frame["content"] for frame in sam.frames if frame["type"] == "new_message"] == [
            "@coach hello",
            "never mind",
        ]
        assert refusal(slow, "POST", path, token=circle.token("nora.none"), body=content) == (404, "not_found")
        two = content | {"session_id": str(uuid.uuid4())}
        assert refusal(slow, "POST", path, token=circle.token("sam.sales"), body=two) == (400, "bad_request")


@pytest.mark.requirement("group:crowd")
async def test_twenty_people_talk_and_three_call_the_coach_at_once(slow: Stack) -> None:
    """A sample; `tests/faults/test_talk_of_twenty.py` has them talk at length."""
    await twenty_talk(slow, each=3)


def test_the_javascript_talker_is_there() -> None:
    """It lies where the official client is installed."""
    assert (NODE / "talker.mjs").is_file()
    assert Path(NODE, "package.json").is_file()


async def test_a_connection_hears_only_what_it_joined(slow: Stack) -> None:
    """A member's other connection hears nothing before `join_group`, and nothing after `leave_group`."""
    async with Circle(slow) as circle:
        sam, sue = await circle.join("sam.sales"), await circle.join("sue.sales")
        away = await circle.connect("sue.sales")
        await sam.say("One")
        await sue.until(lambda frame: frame.get("content") == "One", "the message")
        await sue.send("leave_group", group_id=circle.group_id, request_id="leave")
        left = await sue.reply("leave")
        await sam.say("Two")
        path: dict[str, Any] = {"group_id": circle.group_id}
        refused = await sue.say("Still here")
        await away.send("join_group", request_id="join", **path)
        joined = await away.reply("join")

    assert (left["type"], joined["type"], refused["code"]) == ("group.left", "group.joined", "conflict")
    assert "Two" not in json.dumps(sue.frames)
    assert [frame["type"] for frame in away.frames if frame["type"] == "new_message"] == []
    assert joined["last_seq"] == 2
