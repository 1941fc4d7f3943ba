"""Hold the faults that tests switch on at the issuer, and count what it was asked for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

from local.identity.refusals import TokenRefused, consent_required, interaction_required, unavailable

_REFUSALS = {
    "interaction_required": interaction_required,
    "consent_required": consent_required,
    "unavailable": unavailable,
}
MODES = (*_REFUSALS, "keys_unavailable")


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault: for one audience or all, for the next `count` requests or until it is cleared."""

    mode: str
    audience: str = ""
    count: int | None = None


@dataclass(slots=True)
class Faults:
    """The faults that are on, and the figures since the start or the last reset."""

    active: list[Fault] = field(default_factory=list[Fault])
    figures: Counter[str] = field(default_factory=Counter[str])

    def add(self, body: object) -> Fault:
        """Switch a fault on.

        Raises:
            ValueError: the body names no known mode or has a field of the wrong type.
        """
        wish = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
        mode, audience, count = wish.get("mode"), wish.get("audience", ""), wish.get("count")
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}")
        well_typed = isinstance(audience, str) and isinstance(count, int | None)
        if not well_typed:
            raise ValueError("audience must be a string and count a number")
        fault = Fault(mode=mode, audience=audience, count=count)
        self.active.append(fault)
        return fault

    def clear(self) -> None:
        """Switch all faults off."""
        self.active.clear()

    def refusal(self, audience: str) -> TokenRefused | None:
        """Return the refusal that is due for a request for `audience`, and use it up."""
        for fault in self.active:
            if fault.mode in _REFUSALS and fault.audience in {"", audience}:
                self._use(fault)
                return _REFUSALS[fault.mode]()
        return None

    def keys_are_down(self) -> bool:
        """Say whether this request for the key set shall fail, and use the fault up."""
        fault = next((one for one in self.active if one.mode == "keys_unavailable"), None)
        if fault:
            self._use(fault)
        return fault is not None

    def _use(self, fault: Fault) -> None:
        if fault.count is None:
            return
        fault.count -= 1
        if fault.count <= 0:
            self.active.remove(fault)
