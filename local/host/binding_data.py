"""Binding expressions: `{name}` in a binding's properties, filled from the trigger of the invocation."""

import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from local.host.settings_file import resolve

_EXPRESSION = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class BindingData:
    """What expressions may name: route parameters, top-level JSON properties, `query.x`, `headers.x`."""

    values: dict[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def from_json(cls, content: Any, **more: str) -> "BindingData":
        """Take the properties of a JSON object that are not lists, names without case."""
        found: dict[str, str] = {}
        if isinstance(content, dict):
            for name, value in content.items():  # type: ignore[union-attr]
                if value is not None and not isinstance(value, (list, dict)):
                    found[str(name).lower()] = str(value)  # type: ignore[arg-type]
        return cls(found | {name.lower(): value for name, value in more.items()})

    def fill(self, template: str) -> str:
        """Replace `%SETTING%` and `{name}` in a property.

        Raises:
            ValueError: a name has no value; the words are the WebJobs SDK's.
        """
        return _EXPRESSION.sub(lambda found: self.value(found[1]), resolve(template))

    def value(self, name: str) -> str:
        """Return one expression's value.

        Raises:
            ValueError: it has none.
        """
        known = self.values.get(name.lower())
        if known is not None:
            return known
        if name.lower() in {"rand-guid", "sys.randguid"}:
            return str(uuid.uuid4())
        if name.lower() in {"datetime", "sys.utcnow"}:
            return datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
        msg = f"No value for named parameter '{name}'."
        raise ValueError(msg)
