"""What a client knows of turns, by the rules of the wire; the Python twin of `web/src/turn.js`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Frame = Mapping[str, Any]

GAP_S = 1.0
SILENCE_S = 30.0
_ENDINGS = {"final": "done", "done": "done", "cancelled": "cancelled", "failed": "failed"}
_SETTLING = ("response", "response.snapshot", "@stored")
_ENDS = {"response.committed": "done", "response.cancelled": "cancelled", "response.failed": "failed"}


@dataclass(kw_only=True)
class ShownTurn:
    """One turn as its client shows it."""

    turn_id: str
    conversation_id: str
    heard: float
    question_id: str | None = None
    status: str = "waiting"
    attempt: int = 0
    text: str = ""
    held: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    gap_since: float | None = None
    tools: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    approvals: dict[str, Frame] = field(default_factory=dict[str, Frame])
    notices: list[Frame] = field(default_factory=list[Frame])
    settled: bool = False
    ended: bool = False
    error: Any = None

    def enter(self, attempt: int) -> bool:
        """Enter an attempt; False when it is older than the one that is known, or all doubts are settled."""
        if self.settled or attempt < self.attempt:
            return False
        if attempt > self.attempt:
            self.attempt, self.text, self.held, self.gap_since = attempt, "", [], None
        return True

    def add(self, offset: int, text: str, now: float) -> None:
        """Place a piece: append, cut the overlap, or hold it beyond a gap (rule 6)."""
        before = len(self.text)
        beyond: list[tuple[int, str]] = []
        for start, piece in sorted([*self.held, (offset, text)], key=lambda held: held[0]):
            if start > len(self.text):
                beyond.append((start, piece))
            else:
                self.text += piece[len(self.text) - start :]
        self.held = beyond
        if not beyond:
            self.gap_since = None
        elif self.gap_since is None or len(self.text) != before:
            self.gap_since = now

    def overlay(self, frame: Frame, now: float) -> None:
        """Take a snapshot's text up to its own end; beyond it the client may know more."""
        if not self.enter(frame["attempt"]):
            return
        offset, told = frame["offset"], frame["text"]
        if offset <= len(self.text):
            before = len(self.text)
            self.text = self.text[:offset] + told + self.text[offset + len(told) :]
            if len(self.text) != before:
                self.gap_since = None
        self.add(offset, told, now)

    def settle(self, answer: Frame) -> None:
        """Take the whole text of `response` or of the store."""
        self.text = answer.get("content") or ""
        self.attempt = answer.get("attempt") or self.attempt
        self.question_id = answer.get("question_id") or self.question_id
        self.held, self.gap_since, self.settled = [], None, True
        for tool in _list(answer, "tool_feedback"):
            self.tool({**tool, "finished": True})

    def end(self, status: str, frame: Frame) -> None:
        """End; an ending that carries the text settles it, too."""
        if isinstance(frame.get("content"), str):
            self.settle(frame)
        self.status, self.ended = _ENDINGS[status], True
        self.approvals, self.held, self.gap_since = {}, [], None
        self.error = frame.get("error") or self.error

    def tool(self, told: Mapping[str, Any]) -> None:
        """Merge what is told of a call."""
        known = self.tools.get(told["call_id"], {})
        finished = bool(known.get("finished") or told.get("finished") or told.get("outcome"))
        self.tools[told["call_id"]] = {**known, **told, "finished": finished}


class Screen:
    """All turns that a client knows; `apply` takes a frame and gives what the client then asks for."""

    def __init__(self) -> None:
        self.turns: dict[str, ShownTurn] = {}

    def apply(self, frame: Frame, now: float) -> list[dict[str, Any]]:
        """Take one frame in."""
        kind = frame["type"]
        if kind == "@tick":
            return self._tick(now)
        if kind == "@recovered":
            return [_resume(turn) for turn in self.turns.values() if not turn.ended]
        if kind == "@history":
            for message in frame["items"]:
                self._stored(message, now)
            return []
        if kind in ("session.created", "session.updated"):
            return self._session(frame, now)
        if kind == "error" and frame.get("in_reply_to") == "turn.resume" and frame["code"] == "not_found":
            return self._lost(frame, now)
        if not frame.get("turn_id") or kind == "error":
            return []
        return self._of_turn(frame, now)

    def _of_turn(self, frame: Frame, now: float) -> list[dict[str, Any]]:
        kind = frame["type"]
        known = self.turns.get(frame["turn_id"])
        if known and known.ended and (known.settled or kind not in _SETTLING):
            return []
        turn = known or self._open(frame, now)
        was_ended, status = turn.ended, turn.status
        turn.heard = now
        _take(turn, frame, now)
        if was_ended:
            turn.ended, turn.status = True, status
        in_doubt = turn.ended and not turn.settled and not was_ended
        return [_history(turn)] if in_doubt else []

    def _lost(self, error: Frame, now: float) -> list[dict[str, Any]]:
        """The turn is not known to the server any more: the store has the last word."""
        named = error.get("turn_id") or error.get("request_id")
        lost = [turn for turn in self.turns.values() if not turn.ended and turn.turn_id == named]
        for turn in lost:
            turn.heard = now
            turn.end("failed", {"error": error})
        return [_history(turn) for turn in lost]

    def _open(self, frame: Frame, now: float) -> ShownTurn:
        where = frame.get("conversation_id") or frame.get("session_id") or ""
        self.turns[frame["turn_id"]] = ShownTurn(turn_id=frame["turn_id"], conversation_id=where, heard=now)
        return self.turns[frame["turn_id"]]

    def _stored(self, message: Frame, now: float) -> None:
        if message["author"] != "assistant":
            return
        turn = self.turns.get(message["turn_id"]) or self._open(message, now)
        turn.settle(message)
        turn.end(message["status"], message)
        turn.error = turn.error if turn.status == "failed" else None

    def _session(self, frame: Frame, now: float) -> list[dict[str, Any]]:
        here = {"conversation_id": frame["session_id"]}
        active = frame.get("active_turn")
        for turn_id in _list(frame, "waiting"):
            _ = self.turns.get(turn_id) or self._open({**here, "turn_id": turn_id}, now)
        if active:
            turn = self.turns.get(active["turn_id"]) or self._open({**here, **active}, now)
            if not turn.ended:
                turn.question_id = turn.question_id or active.get("question_id")
                turn.status = active.get("status") or "running"
        for approval in _list(frame, "approvals"):
            turn = self.turns.get(approval["turn_id"]) or self._open({**here, **approval}, now)
            turn.approvals[approval["call_id"]] = approval
            turn.status = "awaiting_approval"
        waiting: Sequence[str] = frame.get("waiting") or []
        running = active["turn_id"] if active else None
        doubtful = [turn for turn in self.turns.values() if not turn.ended]
        return [_resume(turn) for turn in doubtful if turn.turn_id == running or turn.turn_id not in waiting]

    def _tick(self, now: float) -> list[dict[str, Any]]:
        asked: list[dict[str, Any]] = []
        for turn in self.turns.values():
            stands = turn.gap_since is not None and now - turn.gap_since >= GAP_S
            if not turn.ended and (stands or now - turn.heard >= SILENCE_S):
                turn.heard = now
                turn.gap_since = None if turn.gap_since is None else now
                asked.append(_resume(turn))
        return asked


def _take(turn: ShownTurn, frame: Frame, now: float) -> None:  # noqa: PLR0912  # one case per frame, as a table
    kind = frame["type"]
    if turn.status == "waiting" and kind.startswith(("response.started", "response.delta", "tool.")):
        turn.status = "running"
    turn.question_id = frame.get("question_id") or turn.question_id
    match kind:
        case "query.accepted" | "new_message":
            turn.question_id = turn.question_id or frame["message_id"]
        case "response.started":
            turn.enter(frame["attempt"])
        case "response.delta":
            if turn.enter(frame["attempt"]):
                turn.add(frame["offset"], frame["text"], now)
        case "response.snapshot":
            _snapshot(turn, frame, now)
        case "response":
            turn.status = "running" if turn.status == "waiting" else turn.status
            turn.settle(frame)
        case "response.committed" | "response.cancelled" | "response.failed":
            turn.end(_ENDS[kind], frame)
        case "tool.started" | "tool.progress" | "tool.finished":
            turn.tool({**frame, "finished": kind == "tool.finished"})
        case "tool.approval_required":
            turn.approvals[frame["call_id"]] = frame
            turn.status = "awaiting_approval"
        case "tool.approval_resolved":
            turn.approvals.pop(frame["call_id"], None)
            if not turn.approvals and turn.status == "awaiting_approval":
                turn.status = "running"
        case "notice":
            turn.notices.append(frame)
        case _:
            pass


def _snapshot(turn: ShownTurn, frame: Frame, now: float) -> None:
    for tool in _list(frame, "tools"):
        turn.tool(tool)
    turn.status = frame.get("status") or turn.status
    if "approvals" in frame:
        turn.approvals = {approval["call_id"]: approval for approval in frame["approvals"]}
    if frame.get("response"):
        turn.settle(frame["response"])
    else:
        turn.overlay(frame, now)
    if turn.status in _ENDINGS:
        turn.end(turn.status, {})


def _list(frame: Frame, name: str) -> list[Any]:
    return frame.get(name) or []


def _resume(turn: ShownTurn) -> dict[str, Any]:
    known = {"attempt": turn.attempt, "offset": len(turn.text)} if turn.attempt else {}
    return {"type": "turn.resume", "turn_id": turn.turn_id, "conversation_id": turn.conversation_id, **known}


def _history(turn: ShownTurn) -> dict[str, Any]:
    return {"type": "@history", "conversation_id": turn.conversation_id, "after_seq": 0}
