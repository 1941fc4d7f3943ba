"""A person on a running stack who insists: asks until accepted, approves, comes back, and keeps a screen."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Any

from tests.e2e.client import ENDS, Chat, Frame
from tests.e2e.stack import Stack
from tests.faults.screen import Screen

TURN_MOST_S = 60.0
ACCEPTED_WITHIN_S = 3.0
ASKED_AGAIN_S = 3.0
TRIES = 30


class Visitor:
    """A person's connection, who may go on to a new session; `asked` names what was accepted in each, in order."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.screen = Screen()
        self.asked: dict[str, list[str]] = {chat.session_id: []}
        self._seen = 0

    def look(self) -> None:
        """Take in what has come since."""
        for frame in self.chat.frames[self._seen :]:
            if frame.get("conversation_id", self.chat.session_id) in self.asked:
                self.screen.apply(frame, 0.0)
        self._seen = len(self.chat.frames)

    def begin_anew(self) -> None:
        """Go on in a session that nobody has written in."""
        self.chat.session_id = str(uuid.uuid4())
        self.asked[self.chat.session_id] = []

    async def ask(self, content: str) -> tuple[str, float]:
        """Send the question, again and again with the same id; give turn and time of acceptance."""
        message_id = str(uuid.uuid4())

        def answered(frame: Frame) -> bool:
            return frame["type"] == "query.accepted" and frame["message_id"] == message_id

        for _ in range(TRIES):
            try:
                await self.chat.send("query", content=content, message_id=message_id, session_id=self.chat.session_id)
                accepted = await self.chat.until(answered, "query.accepted", bound_s=ACCEPTED_WITHIN_S)
            except Exception:  # noqa: BLE001  # the SDK raises many kinds while it reconnects; the id makes it safe
                await asyncio.sleep(0.2)
                continue
            self.asked[self.chat.session_id].append(accepted["turn_id"])
            return accepted["turn_id"], time.monotonic()
        raise AssertionError("never accepted")

    async def see_end(self, turn_id: str, since: float) -> float:
        """Approve and wait until the turn has ended and its text is known; give the seconds since acceptance."""
        approved = set[str]()
        asked_at = time.monotonic()
        while True:
            self.look()
            turn = self.screen.turns.get(turn_id)
            if turn is not None and turn.ended and turn.settled:
                return time.monotonic() - since
            waited_s = time.monotonic() - since
            assert waited_s < TURN_MOST_S, f"{turn_id} has not ended after {waited_s:.0f} s: {turn}"
            waiting: set[str] = set(turn.approvals) if turn else set()
            for call_id in waiting - approved:
                await self._say("tool.approval", turn_id=turn_id, call_id=call_id, approved=True)
                approved.add(call_id)
            if time.monotonic() - asked_at > ASKED_AGAIN_S:
                asked_at, approved = time.monotonic(), set[str]()
                await self._say("turn.resume", turn_id=turn_id, conversation_id=self.chat.session_id)
            await asyncio.sleep(0.05)

    async def _say(self, type_: str, **fields: Any) -> None:
        try:
            await self.chat.send(type_, **fields)
        except Exception:  # noqa: BLE001  # said again at the next look
            await asyncio.sleep(0.2)

    def judge(self, stack: Stack) -> None:
        """Check that all that was accepted is stored and answered once, in order, and that the screen shows it."""
        for session_id, asked in self.asked.items():
            if asked:
                self._judge(all_stored(stack, self.chat.token, session_id), asked)

    def _judge(self, stored: list[Any], asked: list[str]) -> None:
        answers = {item["turn_id"]: item for item in stored if item["author"] == "assistant"}
        assert [item["seq"] for item in stored] == list(range(1, len(stored) + 1))
        assert sorted(item["turn_id"] for item in stored if item["author"] == "user") == sorted(asked)
        questions = [item["turn_id"] for item in stored if item["author"] == "user"]
        assert [item["turn_id"] for item in stored if item["author"] == "assistant"] == questions
        for turn_id in asked:
            assert self.screen.turns[turn_id].text == answers[turn_id]["content"]
            ends: set[str] = {frame["type"] for frame in self.chat.of(turn_id, *ENDS)}
            assert len(ends) <= 1, ends


def all_stored(stack: Stack, token: str, session_id: str) -> list[Any]:
    """Read a session as REST gives it, to its end."""
    stored: list[Any] = []
    more: list[Any] = [None]
    while more:
        path = f"/api/sessions/{session_id}/messages?limit=100&after_seq={len(stored)}"
        more = stack.get(path, token=token)["data"]["items"]
        stored += more
    return stored
