"""Write frames as JSON, and describe them by a schema made from the same dataclasses."""

import dataclasses
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from shared.domain.conversation import Message
from shared.domain.frames import Frame, NewMessage


def timestamp(moment: datetime) -> str:
    """Write a time as RFC 3339 in UTC with milliseconds (docs/protocol.md, rule 3)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_json(value: Any) -> Any:
    """Turn a domain value into JSON data; optional fields without a value are left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: to_json(item)
            for field in dataclasses.fields(value)
            if (item := getattr(value, field.name)) is not None or not _left_out(field)
        }
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return value


# Inherited by the predecessor's webapp, which reads it even when there is no chart (docs/protocol.md, rule 3).
_ALWAYS = frozenset({"chart_data"})


def _left_out(field: dataclasses.Field[Any]) -> bool:
    return field.default is None and field.name not in _ALWAYS


def frame_data(frame: Frame) -> dict[str, Any]:
    """Give a frame's JSON object; a `new_message` carries the stored message's fields beside its type."""
    data: dict[str, Any] = {"type": frame.type} | to_json(frame)
    if isinstance(frame, NewMessage):
        del data["message"]
        data |= message_data(frame.message)
    return data


def message_data(message: Message) -> dict[str, Any]:
    """Give a stored message as clients see it; what belongs to answers is left out of questions."""
    data: dict[str, Any] = to_json(message)
    if data["author"] == "user":
        for name in ("tables", "chart_data", "tool_feedback"):
            data.pop(name, None)
    return data


def page_data(messages: Iterable[Message], last_seq: int) -> dict[str, Any]:
    """Give a part of a conversation as REST shows it."""
    return {"items": [message_data(message) for message in messages], "last_seq": last_seq}


def frame_text(frame: Frame) -> str:
    """Give a frame's JSON text, compact, any character as itself."""
    return json.dumps(frame_data(frame), ensure_ascii=False, separators=(",", ":"))
