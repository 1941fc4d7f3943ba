"""The conversion of binding types that azure.functions knows nothing of, webPubSubTrigger among them.

The class lives in the worker, not in azure.functions; this is its behaviour (azure-functions-runtime
1.3.0, bindings/generic.py), written as one more converter so that `convert` treats all alike.
"""

from typing import Any

from azure.functions.meta import Datum


class GenericBinding:
    """Pass text and bytes through; JSON arrives as text and is not parsed."""

    @classmethod
    def has_implicit_output(cls) -> bool:
        """Say that a function with such a binding may return a value."""
        return True

    @classmethod
    def check_input_type_annotation(cls, pytype: type) -> bool:
        """Accept str and bytes."""
        return issubclass(pytype, (str, bytes))

    @classmethod
    def check_output_type_annotation(cls, pytype: type) -> bool:
        """Accept str, bytes and bytearray."""
        return issubclass(pytype, (str, bytes, bytearray))

    @classmethod
    def decode(cls, data: Datum | None, *, trigger_metadata: object) -> Any:
        """Return the text or bytes as they came."""
        del trigger_metadata
        if data is None or data.type is None:
            return None
        if data.type in {"string", "bytes", "json"}:
            return data.value
        msg = 'unexpected type of data received for the "generic" binding '
        raise ValueError(msg, repr(data.type))

    @classmethod
    def encode(cls, obj: Any, *, expected_type: type | None) -> Datum:
        """Choose the kind by the value's Python type.

        Raises:
            NotImplementedError: the type has no kind.
        """
        del expected_type
        for pytype, kind in _KINDS:
            if isinstance(obj, pytype):
                return Datum(bytes(obj) if kind == "bytes" else obj, kind)
        if obj is None:
            return Datum(None, None)
        raise NotImplementedError


# The order is the worker's: bool is an int there, too.
_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (str, "string"),
    ((bytes, bytearray), "bytes"),
    (dict, "dict"),
    (list, "list"),
    (int, "int"),
    (float, "double"),
)
