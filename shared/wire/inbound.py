"""Read what clients send: bounded, strict JSON into one closed union of messages."""

import json
import re
from typing import Annotated, Any, Literal, NoReturn

from pydantic import Field, TypeAdapter, ValidationError, field_validator

from shared.domain.errors import ChatError, ErrorCode
from shared.wire.inbound_groups import JoinGroup, LeaveGroup, MarkRead, ShowTyping
from shared.wire.message_parts import (
    UUID,
    ClientMessage,
    Composed,
    Locale,
    OpaqueId,
    Region,
    RoleWish,
    Timezone,
    Uuid,
    composed,
)

FRAME_MOST_BYTES = 256 * 1024
CONTENT_MOST_BYTES = 32 * 1024
NESTING_MOST = 16


class SessionUpdate(ClientMessage):
    """Opens a session or refreshes its token; `email_id` and `powerbiToken` are not even read."""

    type: Literal["session.update"]
    accessToken: Annotated[str, Field(min_length=1, max_length=16_384)]  # noqa: N815  # inherited name
    session_id: Uuid | None = None
    role: RoleWish | None = None
    region: Region | None = None
    timezone: Timezone | None = None
    locale: Locale | None = None


class Asking(ClientMessage):
    """What a question may carry."""

    content: str | None = None
    session_id: Uuid | None = None
    group_id: OpaqueId | None = None
    message_id: Uuid | None = None
    inputType: Literal["text", "audio"] = "text"  # noqa: N815  # inherited name
    spoken: bool = False
    regenerate_of: Uuid | None = None

    @field_validator("content")
    @classmethod
    def _bounded(cls, value: str | None) -> str | None:
        if value is None:
            return None
        # Before it costs time, and again since it may have grown.
        return _fitting(composed(_fitting(value)))


def _fitting(content: str) -> str:
    if len(content.encode("utf-8")) > CONTENT_MOST_BYTES:
        raise ChatError(ErrorCode.TOO_LARGE, "The question is longer than 32 KiB.")
    return content


class Query(Asking):
    """Asks a question, or says something in a group."""

    type: Literal["query"]


class SendMessage(Asking):
    """The inherited name of a `query` to the group last joined."""

    type: Literal["send_message"]


class QueryCancel(ClientMessage):
    """Stops an answer; what was said stays."""

    type: Literal["query.cancel"]
    turn_id: OpaqueId
    conversation_id: OpaqueId | None = None


class ToolApproval(ClientMessage):
    """Answers `tool.approval_required`."""

    type: Literal["tool.approval"]
    turn_id: OpaqueId
    call_id: OpaqueId
    approved: bool
    reason: Annotated[str, Field(max_length=500)] | None = None


class TurnResume(ClientMessage):
    """Asks for the text so far."""

    type: Literal["turn.resume"]
    turn_id: OpaqueId
    conversation_id: OpaqueId
    attempt: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    offset: Annotated[int, Field(ge=0, le=10_000_000)] | None = None


class Feedback(ClientMessage):
    """Says what a person thinks of an answer."""

    type: Literal["feedback"]
    message_id: Uuid
    conversation_id: Uuid
    rating: Literal["up", "down"]
    comment: Annotated[Composed, Field(max_length=2_000)] | None = None


class Ping(ClientMessage):
    """Keeps old clients content."""

    type: Literal["ping"]


AboutTurns = Query | SendMessage | QueryCancel | ToolApproval | Feedback
Inbound = Annotated[
    SessionUpdate
    | Query
    | SendMessage
    | JoinGroup
    | LeaveGroup
    | ShowTyping
    | MarkRead
    | QueryCancel
    | ToolApproval
    | TurnResume
    | Feedback
    | Ping,
    Field(discriminator="type"),
]
_ADAPTER: TypeAdapter[Inbound] = TypeAdapter(Inbound)
# Possessive, and a string may lack its end: else quotes behind backslashes would be tried from each of them anew.
_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


class Unreadable(ChatError):
    """A message that was refused, with what could still be read of it for the direct answer."""

    def __init__(self, cause: ChatError, data: dict[str, Any] | None = None) -> None:
        super().__init__(cause.code, cause.message, retry_after_s=cause.retry_after_s)
        said = data or {}
        self.in_reply_to = _text_of(said, "type", r"[a-z_.]{1,40}") or "unknown"
        self.request_id = _text_of(said, "request_id", r"(?s:.{1,64})")
        self.message_id = _text_of(said, "message_id", UUID)
        self.turn_id = _text_of(said, "turn_id", r"[A-Za-z0-9._:-]{1,100}")


def parse(text: str | None, *, event: str = "message") -> Inbound:
    """Read one client message; the event `auth` is a `session.update`. None stands for what is no text at all.

    Raises:
        Unreadable: `too_large` or `bad_request`, by rule 1 of the wire.
    """
    try:
        data = load(_text(text))
    except ChatError as refusal:
        raise Unreadable(refusal) from None
    if event == "auth":
        data.setdefault("type", "session.update")
    try:
        return _ADAPTER.validate_python(data)
    except ChatError as refusal:
        raise Unreadable(refusal, data) from None
    except ValidationError as fault:
        raise Unreadable(ChatError(ErrorCode.BAD_REQUEST, _explain(fault)), data) from None


def _text(text: str | None) -> str:
    if text is None:
        raise ChatError(ErrorCode.BAD_REQUEST, "The message is not UTF-8 text.")
    return text


def load(text: str) -> dict[str, Any]:
    """Read one JSON object, with nothing in it that another parser might read differently.

    Raises:
        ChatError: `too_large` or `bad_request`.
    """
    if len(text) > FRAME_MOST_BYTES or len(text.encode("utf-8", "surrogatepass")) > FRAME_MOST_BYTES:
        raise ChatError(ErrorCode.TOO_LARGE, "The message is larger than 256 KiB.")
    if _is_too_deep(text):
        raise ChatError(ErrorCode.BAD_REQUEST, "The message is nested too deeply.")
    try:
        data = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except ValueError:
        raise ChatError(ErrorCode.BAD_REQUEST, "The message is not valid JSON.") from None
    if not isinstance(data, dict):
        raise ChatError(ErrorCode.BAD_REQUEST, "The message must be a JSON object.")
    if _has_lone_surrogate(text):
        raise ChatError(ErrorCode.BAD_REQUEST, "The message holds half of a surrogate pair.")
    return data  # pyright: ignore[reportUnknownVariableType]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("duplicate key")
    return data


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _is_too_deep(text: str) -> bool:
    """Measure the depth of brackets outside of strings, before the parser recurses into them."""
    if text.count("[") + text.count("{") <= NESTING_MOST:
        return False
    depth = 0
    for token in _BRACKETS.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth > NESTING_MOST:
                return True
        elif token[0] in "]}":
            depth -= 1
    return False


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def _has_lone_surrogate(text: str) -> bool:
    """Tell whether an escape stands for half a character, which UTF-8 cannot store."""
    if _SURROGATE.search(text) is None:
        return any("\ud800" <= char <= "\udfff" for char in text)
    try:
        json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _text_of(data: dict[str, Any], name: str, pattern: str) -> str | None:
    value = data.get(name)
    return value if isinstance(value, str) and re.fullmatch(pattern, value) else None


def _explain(fault: ValidationError) -> str:
    """Name the first faulty field and no value."""
    part = fault.errors(include_input=False, include_url=False)[0]
    if part["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        return "The message's type is missing or unknown."
    where = ".".join(str(item) for item in part["loc"][1:]) or "message"
    return f"The field {where} is not as expected: {part['msg']}."
