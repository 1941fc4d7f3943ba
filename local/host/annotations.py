"""Which annotations the Python worker accepts, by the rules of its own typing inspection.

Source: azure-functions-runtime 1.3.0, utils/typing_inspect.py. The built-in generics (`dict[str, str]`)
and unions are not among them, which surprises people; the local host must be surprised in the same way.
"""

import collections.abc
import typing
from typing import Any, Generic, Union

# The worker tests against these two private classes; their public counterparts accept more.
_GENERIC_ALIAS: type = vars(typing)["_GenericAlias"]
_TYPING_ALIASES = (_GENERIC_ALIAS, vars(typing)["_SpecialGenericAlias"])
_NOT_GENERIC = (Union, tuple, typing.ClassVar, collections.abc.Callable)


def is_generic_type(annotation: Any) -> bool:
    """Tell whether the worker counts the annotation as a generic type of `typing`."""
    if isinstance(annotation, type) and issubclass(annotation, Generic):  # type: ignore[arg-type]
        return True
    return isinstance(annotation, _TYPING_ALIASES) and origin_of(annotation) not in _NOT_GENERIC


def origin_of(annotation: Any) -> Any:
    """Return the class behind a `typing` alias, None for anything else."""
    return getattr(annotation, "__origin__", None) if isinstance(annotation, _TYPING_ALIASES) else None


def is_out(annotation: Any) -> bool:
    """Tell whether the annotation is azure.functions.Out; the worker compares the class name only."""
    origin = origin_of(annotation) if is_generic_type(annotation) else None
    candidate = annotation if origin is None else origin
    return isinstance(candidate, type) and candidate.__name__ == "Out"


def arguments_of(annotation: Any) -> tuple[Any, ...]:
    """Return what stands in the brackets of a `typing` alias."""
    return getattr(annotation, "__args__", ()) if isinstance(annotation, _GENERIC_ALIAS) else ()
