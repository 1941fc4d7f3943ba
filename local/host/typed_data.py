"""What crosses the boundary from the worker's side to the host's: text, bytes and numbers, never live objects."""

import json
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["none", "string", "json", "bytes", "int", "double", "http"]

# TypedData.int of the worker protocol is a sint64; protobuf refuses what does not fit.
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """A response as the worker sends it: the body as bytes, each cookie as a finished header value."""

    status: int
    headers: dict[str, str]
    cookies: tuple[str, ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class TypedData:
    """One value of the worker protocol; `json` holds JSON text."""

    kind: Kind
    value: str | bytes | int | float | HttpReply | None

    def to_host(self) -> Any:
        """Return the value as the host's bindings see it; JSON is parsed, dates stay text.

        Raises:
            ValueError: the text of a JSON value is not JSON.
        """
        return json.loads(str(self.value)) if self.kind == "json" else self.value


NOTHING = TypedData("none", None)


def from_int(value: int) -> TypedData:
    """Return an integer as the protocol carries it.

    Raises:
        ValueError: it does not fit in 64 bits; the words are protobuf's.
    """
    if int(value) not in _INT64:
        msg = f"Value out of range: {value}"
        raise ValueError(msg)
    return TypedData("int", int(value))
