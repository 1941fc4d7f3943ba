"""Counts of operations and their charges since the start or the last reset."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class _Count:
    operations: int = 0
    errors: int = 0
    charge: float = 0.0


@dataclass(slots=True)
class Stats:
    """Counts by container and operation; what concerns no container stands under "-"."""

    _counts: dict[tuple[str, str], _Count] = field(default_factory=dict[tuple[str, str], _Count])

    def record(self, container: str, operation: str, status: int, charge: float) -> None:
        """Count one answered request."""
        count = self._counts.setdefault((container or "-", operation), _Count())
        count.operations += 1
        count.charge += charge
        count.errors += status >= 400  # noqa: PLR2004 - the failures of HTTP

    def reset(self) -> None:
        """Start again from nothing."""
        self._counts.clear()

    def as_json(self) -> dict[str, Any]:
        """Return `{"operations", "charge", "containers": {container: {operation: {count, errors, charge}}}}`."""
        containers: dict[str, dict[str, Any]] = {}
        for (container, operation), count in sorted(self._counts.items()):
            shown = {"count": count.operations, "errors": count.errors, "charge": round(count.charge, 2)}
            containers.setdefault(container, {})[operation] = shown
        return {
            "operations": sum(count.operations for count in self._counts.values()),
            "charge": round(sum(count.charge for count in self._counts.values()), 2),
            "containers": containers,
        }
