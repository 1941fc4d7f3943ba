"""Write docs/protocol.schema.json from the dataclasses and models of the wire: `python docs/schema.py`."""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from shared.domain.conversation import Message  # noqa: E402  # the repository is no installed package
from shared.domain.frames import Frame, NewMessage  # noqa: E402
from shared.wire.inbound import Inbound  # noqa: E402

TARGET = ROOT / "docs" / "protocol.schema.json"


def schema() -> dict[str, Any]:
    """Describe what clients send, what they get, and the stored message, as one JSON Schema document."""
    inbound: TypeAdapter[Any] = TypeAdapter(Inbound)
    outbound: TypeAdapter[Any] = TypeAdapter(Frame)
    message: TypeAdapter[Any] = TypeAdapter(Message)
    parts = {
        "clientMessage": inbound.json_schema(ref_template="#/$defs/{model}"),
        "serverFrame": outbound.json_schema(ref_template="#/$defs/{model}", mode="serialization"),
        "storedMessage": message.json_schema(ref_template="#/$defs/{model}", mode="serialization"),
    }
    definitions: dict[str, Any] = {}
    for part in parts.values():
        definitions |= part.pop("$defs", {})
    _flatten(definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "SalesCoach wire protocol",
        "$defs": dict(sorted((definitions | parts).items())),
    }


def _flatten(definitions: dict[str, Any]) -> None:
    """Show a `new_message` as it is sent: the stored message's fields beside its type."""
    frame, message = definitions[NewMessage.__name__], definitions[Message.__name__]
    frame["properties"].pop("message")
    frame["properties"] |= message["properties"]
    frame["required"] = sorted({*message["required"], "type"})
    for name, definition in definitions.items():
        if "type" in definition.get("properties", {}) and name != Message.__name__:
            definition["required"] = sorted({*definition.get("required", []), "type"})


def text() -> str:
    """Write the document as it is kept in the repository."""
    return json.dumps(schema(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
