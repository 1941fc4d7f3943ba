"""Define every frame that the server sends; the JSON and its schema are made from these fields alone.

A field whose default is None is left out when it has no value; a field without a default is always there.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from shared.domain.charts import Chart
from shared.domain.conversation import Message, Usage
from shared.domain.frame_parts import ActiveTurn, Address, ErrorBody, OfferedTool, PendingApproval, User
from shared.domain.live_frames import LiveFrame
from shared.domain.member_frames import MemberFrame
from shared.domain.side_frames import SideFrame
from shared.domain.tables import Table
from shared.domain.tools import ToolFeedback


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionAck:
    """Greets a connection; may come late or never, nobody waits for it."""

    type: Literal["connection.ack"] = "connection.ack"
    connection_id: str
    server_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pong:
    """Answers `ping`."""

    type: Literal["pong"] = "pong"
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _SessionState(Address):
    user: User
    role: str | None
    roles: list[str]
    tools: list[OfferedTool]
    resumed: bool
    title: str | None = None
    last_seq: int
    active_turn: ActiveTurn | None
    waiting: list[str]
    approvals: list[PendingApproval]
    expires_at: datetime
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCreated(_SessionState):
    """Answers the first `session.update` of a connection."""

    type: Literal["session.created"] = "session.created"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionUpdated(_SessionState):
    """Answers every later `session.update`: the tokens are refreshed without a break."""

    type: Literal["session.updated"] = "session.updated"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryAccepted(Address):
    """The question is stored: its turn will end as done, cancelled or failed."""

    type: Literal["query.accepted"] = "query.accepted"
    message_id: str
    turn_id: str | None
    duplicate: bool
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A stored message, to everyone who follows but the sending connection; its fields stand beside `type`."""

    type: Literal["new_message"] = "new_message"
    message: Message
    session_id: str | None = None
    group_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseStarted(Address):
    """An attempt at the answer begins."""

    type: Literal["response.started"] = "response.started"
    turn_id: str
    question_id: str
    asker: str
    attempt: int
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseDelta(Address):
    """A piece of the answer; `offset` counts code points of the attempt's text."""

    type: Literal["response.delta"] = "response.delta"
    turn_id: str
    attempt: int
    offset: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStarted(Address):
    """A tool call begins; `arguments` go to the asker only."""

    type: Literal["tool.started"] = "tool.started"
    turn_id: str
    call_id: str
    server: str
    name: str
    arguments: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolProgress(Address):
    """A tool call goes on."""

    type: Literal["tool.progress"] = "tool.progress"
    turn_id: str
    call_id: str
    server: str
    name: str
    progress: float
    total: float | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFinished(Address):
    """A tool call has ended."""

    type: Literal["tool.finished"] = "tool.finished"
    turn_id: str
    call_id: str
    server: str
    name: str
    ok: bool
    outcome: str
    duration_ms: int
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequired(Address):
    """A call waits for the asker's word."""

    type: Literal["tool.approval_required"] = "tool.approval_required"
    turn_id: str
    call_id: str
    server: str
    name: str
    arguments: dict[str, Any]
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalResolved(Address):
    """A call's approval is settled."""

    type: Literal["tool.approval_resolved"] = "tool.approval_resolved"
    turn_id: str
    call_id: str
    approved: bool
    reason: Literal["user", "timeout", "cancelled", "superseded"]
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response(Address):
    """The whole answer, with the fields that the predecessor's webapp reads."""

    type: Literal["response"] = "response"
    content: str
    chart_data: Chart | None
    tool_feedback: list[ToolFeedback]
    turn_id: str
    message_id: str
    question_id: str
    attempt: int
    tables: list[Table]
    spoken_summary: str | None = None
    usage: Usage
    finish_reason: str
    model: str
    alternative_of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Address):
    """Answers `turn.resume` with the text so far."""

    type: Literal["response.snapshot"] = "response.snapshot"
    turn_id: str
    question_id: str
    attempt: int
    offset: int
    text: str
    status: str
    tools: list[ToolFeedback]
    approvals: list[PendingApproval]
    response: Response | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseCommitted(Address):
    """The answer is stored; one of the three ends of a turn."""

    type: Literal["response.committed"] = "response.committed"
    turn_id: str
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseCancelled(Address):
    """The turn was stopped; what was said is stored."""

    type: Literal["response.cancelled"] = "response.cancelled"
    turn_id: str
    message_id: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseFailed(Address):
    """The turn failed; what was said is stored."""

    type: Literal["response.failed"] = "response.failed"
    turn_id: str
    message_id: str
    content: str
    error: ErrorBody


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Tells the person something that is no error."""

    type: Literal["notice"] = "notice"
    code: Literal["model_switched", "server_down", "no_role", "registry_fallback", "restarting"]
    text: str
    turn_id: str | None = None
    conversation_id: str | None = None
    session_id: str | None = None
    group_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """Refuses a client's message; only ever a direct answer."""

    type: Literal["error"] = "error"
    code: str
    message: str
    retryable: bool
    in_reply_to: str
    correlation_id: str
    retry_after: float | None = None
    request_id: str | None = None
    turn_id: str | None = None
    message_id: str | None = None
    claims: str | None = None


Frame = (
    ConnectionAck
    | Pong
    | SessionCreated
    | SessionUpdated
    | QueryAccepted
    | NewMessage
    | ResponseStarted
    | ResponseDelta
    | ToolStarted
    | ToolProgress
    | ToolFinished
    | ApprovalRequired
    | ApprovalResolved
    | Response
    | Snapshot
    | ResponseCommitted
    | ResponseCancelled
    | ResponseFailed
    | Notice
    | SideFrame
    | LiveFrame
    | MemberFrame
    | Error
)
