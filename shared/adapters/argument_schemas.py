"""Check a call's arguments against the tool's JSON Schema, compiled once per schema; references stay inside it."""

import json
from collections import OrderedDict
from typing import Any, cast

from jsonschema import Draft202012Validator, SchemaError, exceptions
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from shared.domain.tools import ToolSpec

KEPT_MOST = 500
REASON_CHARS = 300


class ArgumentSchemas:
    """Keep compiled schemas; the same schema of two tools is one."""

    def __init__(self) -> None:
        self._compiled: OrderedDict[str, Validator | None] = OrderedDict()

    def fault(self, tool: ToolSpec, arguments: dict[str, Any]) -> str | None:
        """Say what is wrong with the arguments, in words that let a model put it right; None if nothing is."""
        validator = self._validator(tool.input_schema)
        if validator is None:
            return "the tool describes its arguments wrongly, so that it cannot be called."
        try:
            found = cast("Any", exceptions).best_match(validator.iter_errors(arguments))
        except Unresolvable:
            return "the tool's description refers to something outside it, so that it cannot be called."
        if found is None:
            return None
        error = cast("exceptions.ValidationError", found)
        place = ".".join(str(part) for part in error.absolute_path)
        reason = error.message if len(error.message) <= REASON_CHARS else f"{error.message[:REASON_CHARS]}…"
        return f"{place}: {reason}" if place else reason

    def _validator(self, schema: dict[str, Any]) -> Validator | None:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._compiled:
            self._compiled[key] = _compiled(schema)
            if len(self._compiled) > KEPT_MOST:
                self._compiled.popitem(last=False)
        return self._compiled[key]


def _compiled(schema: dict[str, Any]) -> Validator | None:
    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
    except SchemaError:
        return None
    # An empty registry: a reference must never make us fetch an address that a server chose.
    return kind(schema, registry=Registry())
