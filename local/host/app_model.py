"""What indexing knows of an app: its functions, their bindings and the types of their parameters."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Direction = Literal["IN", "OUT", "INOUT"]


class IndexingFailed(RuntimeError):
    """The app cannot be loaded; no function of it runs."""


class FunctionLoadError(IndexingFailed):
    """A function breaks a rule; the words are the worker's and name both."""

    def __init__(self, function_name: str, rule: str) -> None:
        super().__init__(f"cannot load the {function_name} function: {rule}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingInfo:
    """One binding as the worker reports it; `raw` is its JSON with camelCase keys."""

    name: str
    type: str
    direction: Direction
    data_type: int | None
    raw: dict[str, Any]

    def text(self, key: str) -> str | None:
        """Return a property that must be text, None when it is absent."""
        value = self.raw.get(key)
        return None if value is None else str(value)


@dataclass(frozen=True, slots=True)
class ParamType:
    """How a parameter or the return value is converted."""

    binding_type: str
    pytype: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionInfo:
    """One function of the app, ready to be called."""

    name: str
    function_id: str
    call: Callable[..., Any]
    directory: str
    script_file: str
    is_async: bool
    requires_context: bool
    input_types: dict[str, ParamType]
    output_types: dict[str, ParamType]
    return_type: ParamType | None
    bindings: tuple[BindingInfo, ...]
    trigger: BindingInfo

    @property
    def has_return_binding(self) -> bool:
        """Tell whether a binding is named `$return`."""
        return any(binding.name == "$return" for binding in self.bindings)

    def inputs(self) -> list[BindingInfo]:
        """Return the input bindings beside the trigger."""
        return [b for b in self.bindings if b.direction == "IN" and b is not self.trigger]

    def outputs(self) -> list[BindingInfo]:
        """Return the output bindings."""
        return [b for b in self.bindings if b.direction == "OUT"]
