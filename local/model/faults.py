"""Hold the faults that tests switch on at the model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

REFUSING = ("http", "content_filter_prompt", "context_length")
BREAKING = (
    "cut_after_tokens",
    "eof_without_finish_after",
    "hang_after",
    "content_filter_after",
    "length_after",
    "error_event_after",
)
SPOILING = ("bad_tool_json", "unknown_tool", "many_calls", "loop", "obedient", "empty", "refusal", "slow")
MODES = (*REFUSING, *BREAKING, *SPOILING)
PHASES = ("", "calls", "answer")
_TYPES: dict[str, tuple[type, ...]] = {
    "mode": (str,),
    "after": (int,),
    "status": (int,),
    "retry_after": (int,),
    "tokens_per_second": (int, float),
    "calls": (int,),
    "count": (int,),
    "model": (str,),
    "during": (str,),
}


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault: for one model or all, during tool rounds, answers or both, `count` times or until cleared."""

    mode: str
    after: int = 0
    status: int = 500
    retry_after: int | None = None
    tokens_per_second: float = 1.0
    calls: int = 100
    count: int | None = None
    model: str = ""
    during: str = ""


@dataclass(slots=True)
class Faults:
    """The faults that are on."""

    active: list[Fault] = field(default_factory=list[Fault])

    def add(self, body: object) -> Fault:
        """Switch a fault on; a mode that ends in `_after` takes its number in `after` or under its own name.

        Raises:
            ValueError: the body is not a fault; the text says what is wrong.
        """
        wish: dict[str, Any] = dict(cast("dict[str, Any]", body)) if isinstance(body, dict) else {}
        short = next((name for name in BREAKING if name in wish), None)
        if short:
            wish |= {"mode": short, "after": wish.pop(short)}
        _check(wish)
        fault = Fault(**wish)
        self.active.append(fault)
        return fault

    def clear(self) -> None:
        """Switch all faults off."""
        self.active.clear()

    def take(self, model: str, phase: str) -> Fault | None:
        """Return the first fault that this request meets, and use it up."""
        for fault in self.active:
            if fault.model in {"", model} and fault.during in {"", phase}:
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count <= 0:
                        self.active.remove(fault)
                return fault
        return None


def _check(wish: dict[str, Any]) -> None:
    for name, value in wish.items():
        if name not in _TYPES:
            raise ValueError(f"unknown field {name!r}; known: {', '.join(_TYPES)}")
        well_typed = isinstance(value, _TYPES[name]) and not isinstance(value, bool)
        if not well_typed:
            raise ValueError(f"{name} must be of type {_TYPES[name][0].__name__}")
    if wish.get("mode") not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}")
    if wish.get("during", "") not in PHASES:
        raise ValueError("during must be calls or answer")
