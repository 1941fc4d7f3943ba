"""Faults on order: answer some requests with an error or late, so that callers can be tried out."""

from dataclasses import dataclass, field
from typing import Any, cast

from local.cosmos.errors import REQUEST_RATE_TOO_LARGE, CosmosError, bad_request
from local.cosmos.wire import RETRY_AFTER, Call, Json

STATUSES = frozenset({408, 412, 429, 500, 503})
AFTER_APPLY = "timeout-after-apply"
DROP_AFTER_APPLY = "drop-after-apply"
STALE = "stale"
_READS = frozenset({"read", "query", "read_feed"})
_MATCHES = frozenset({"method", "container", "operation", "item", "count", "skip"})
_MEMBERS = frozenset({"match", "status", "retry_after_ms", "delay_ms"})


@dataclass(slots=True, kw_only=True)
class Fault:
    """A rule: which requests (None matches all), how many, and what happens to them.

    `status` is one of STATUSES, "timeout-after-apply" (applied, answered 408), "drop-after-apply" (applied,
    connection closed without an answer), "stale" (reads are answered as of when the first such rule was
    made, unless the caller's session has seen more) or None (only the delay).
    """

    method: str | None = None
    container: str | None = None
    operation: str | None = None
    item: str | None = None
    count: int | None = None
    skip: int = 0
    status: int | str | None = None
    retry_after_ms: int | None = None
    delay_ms: int = 0
    hits: int = 0

    def matches(self, operation: str, call: Call) -> bool:
        """Tell whether the rule is for this request and not used up."""
        wanted = (self.method, self.container, self.operation)
        found = (call.method, call.address.container, operation)
        fits = all(want in (None, have) for want, have in zip(wanted, found, strict=True))
        fits = fits and (self.status != STALE or operation in _READS)
        used_up = self.count is not None and self.hits >= self.count
        return fits and not used_up and (self.item is None or self.item.encode() in _names(call))

    def as_json(self) -> Json:
        """Return the rule with its hits."""
        match = {name: getattr(self, name) for name in sorted(_MATCHES)}
        rest = {name: getattr(self, name) for name in ("status", "retry_after_ms", "delay_ms", "hits")}
        return {"match": {name: value for name, value in match.items() if value is not None}, **rest}

    def error(self) -> CosmosError:
        """Return the error that the rule answers with."""
        status = self.status if isinstance(self.status, int) else 408
        headers = {RETRY_AFTER: str(self.retry_after_ms)} if self.retry_after_ms is not None else {}
        substatus = REQUEST_RATE_TOO_LARGE if status == 429 else 0  # noqa: PLR2004 - too many requests
        return CosmosError(status, "A fault on order.", substatus=substatus, headers=headers)


def _names(call: Call) -> bytes:
    """Return where an item's id stands: in the path, or in the body of a write."""
    return call.address.item.encode() + b"\n" + call.body


@dataclass(slots=True)
class Faults:
    """The rules in order; the first that matches is taken."""

    rules: list[Fault] = field(default_factory=list[Fault])

    def take(self, operation: str, call: Call) -> Fault | None:
        """Return the rule for this request and count the hit; the account document is never hit."""
        if call.address.kind == "account":
            return None
        for rule in self.rules:
            if rule.matches(operation, call):
                if rule.skip:
                    rule.skip -= 1
                    return None
                rule.hits += 1
                return rule
        return None


def parse(body: Any) -> Fault:
    """Return the rule of an admin request; raises CosmosError 400 that names what is wrong."""
    if not isinstance(body, dict):
        raise bad_request("A fault must be an object.")
    given = cast("Json", body)
    matching = given.get("match", {})
    if not isinstance(matching, dict):
        raise bad_request("The match of a fault must be an object.")
    match = cast("Json", matching)
    _only_known(given, _MEMBERS)
    _only_known(match, _MATCHES)
    status = given.get("status")
    if status is not None and status not in STATUSES and status not in (AFTER_APPLY, DROP_AFTER_APPLY, STALE):
        raise bad_request(
            f"The status of a fault must be one of {sorted(STATUSES)}, {AFTER_APPLY}, {DROP_AFTER_APPLY}, {STALE}."
        )
    for name in ("count", "skip", "retry_after_ms", "delay_ms"):
        value = match.get(name, given.get(name, 0))
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise bad_request(f"The {name} of a fault must be a whole number from 0.")
    return Fault(**match, **{name: value for name, value in given.items() if name != "match"})


def _only_known(given: Json, known: frozenset[str]) -> None:
    unknown = given.keys() - known
    if unknown:
        raise bad_request(f"A fault has no member {min(unknown)!r}; known are {sorted(known)}.")
