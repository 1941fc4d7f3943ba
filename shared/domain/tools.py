"""Describe tool servers, tools and calls, and what became of a call."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from shared.domain.errors import ChatError
from shared.domain.ids import CallId


class Report(Protocol):
    """Takes a working tool's progress."""

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        """Take how far it is, of how much if that is known, and a word on it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRule:
    """What the registry says of a server's tools, or of one; None leaves it to what is said more generally."""

    enabled: bool = True
    read_only: bool | None = None
    idempotent: bool | None = None
    approval: bool | None = None
    sends_out: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEntry:
    """One entry of the tool registry, in the predecessor's form and validated."""

    name: str
    url: str
    roles: tuple[str, ...]
    auth_enabled: bool
    description: str
    audience: str | None = None
    """Resource for which a token on behalf of the user is requested."""
    timeout_s: float | None = None
    """Time of one call; None for the deployment's usual one."""
    enabled: bool = True
    rule: ToolRule = ToolRule()
    """Holds for all tools of the server, unless `tools` says otherwise of one."""
    tools: dict[str, ToolRule] = field(default_factory=dict[str, ToolRule])


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """One tool as its server describes it; hints count only as far as the registry trusts the server."""

    server: str
    name: str
    title: str
    description: str
    input_schema: dict[str, Any]
    read_only: bool = False
    idempotent: bool = False
    destructive: bool = True
    sends_out: bool = False
    """Whether what it is given leaves for places that anybody can read (the hint `openWorldHint`)."""
    output: str = ""
    """Digest of the shape that its results are declared to have; only compared."""
    approval: bool | None = None
    """What the registry says; None leaves it to the hints."""

    @property
    def offered_name(self) -> str:
        """Name under which the model sees the tool; `__` keeps servers apart."""
        return f"{self.server}__{self.name}"

    @property
    def needs_approval(self) -> bool:
        """Whether the asker must approve a call: of every tool that writes, unless the registry trusts it.

        That a write does no harm is the server's word alone, and hints are not to be believed (MCP, tools).
        """
        return not self.read_only if self.approval is None else self.approval

    @property
    def acts(self) -> bool:
        """Whether a call changes something or carries something out; after untrusted words only with approval."""
        return not self.read_only or self.sends_out

    @property
    def safe_to_repeat(self) -> bool:
        """Whether a call may be sent again after an unclear failure."""
        return self.read_only or self.idempotent


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The tools of one server as last discovered."""

    server: str
    tools: tuple[ToolSpec, ...]
    version: str
    """Digest of names, descriptions and schemas."""
    discovered_at: datetime


class CallState(StrEnum):
    """Where a call of the ledger stands; `open` is an intent whose outcome is not known."""

    PLANNED = "planned"
    OPEN = "open"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    UNKNOWN = "unknown"

    @property
    def ended(self) -> bool:
        """Whether the outcome is settled."""
        return self not in (CallState.PLANNED, CallState.OPEN)


class Approval(StrEnum):
    """Whether a call waits for its asker."""

    NOT_NEEDED = "not_needed"
    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One ledger item: the intent to call a tool and, once ended, its outcome."""

    call_id: CallId
    round: int
    index: int
    server: str
    name: str
    arguments: dict[str, Any]
    safe_to_repeat: bool
    reads: bool = False
    """Whether it changes nothing, so that a failure leaves nothing in doubt."""
    state: CallState = CallState.PLANNED
    approval: Approval = Approval.NOT_NEEDED
    expires_at: datetime | None = None
    started_at: datetime | None = None
    duration_ms: int = 0
    summary: str = ""
    result: str = ""
    """What the model is told, capped."""
    as_of: str | None = None
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a tool server answered to one call."""

    state: CallState
    text: str
    summary: str
    as_of: str | None = None
    links: tuple[str, ...] = ()
    server_down: bool = False
    """Whether it failed because the server itself could not be reached or is out of order."""
    challenge: ChatError | None = None
    """Why the person must sign in once more before this server can be used on their behalf."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFeedback:
    """What the person is told of one call; taken from the ledger, never from the model's words."""

    call_id: str
    server: str
    name: str
    ok: bool
    outcome: str
    duration_ms: int
    summary: str
    as_of: str | None = None
    links: list[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedCall:
    """A call as the model asked for it, before it was checked."""

    name: str
    arguments_json: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext:
    """On whose behalf a tool is called."""

    user_id: str
    email: str | None
    region: str | None
    user_token: str | None
    """The user's own token, only ever exchanged, never passed on."""
    idempotency_key: str
    timeout_s: float
    extra: dict[str, str] = field(default_factory=dict[str, str])
    on_progress: Report | None = None


def ruled(server: ServerEntry, tool: ToolSpec) -> ToolSpec | None:
    """Describe a tool as the registry will have it; None for one that is switched off."""
    own = server.tools.get(tool.name, ToolRule())
    if not own.enabled:
        return None
    general = server.rule
    read_only = _first(own.read_only, general.read_only, tool.read_only)
    return replace(
        tool,
        read_only=bool(read_only),
        idempotent=bool(_first(own.idempotent, general.idempotent, tool.idempotent)),
        sends_out=bool(_first(own.sends_out, general.sends_out, tool.sends_out)),
        approval=_first(own.approval, general.approval),
    )


def _first(*words: bool | None) -> bool | None:
    return next((word for word in words if word is not None), None)


def abandoned(call: ToolCall) -> ToolCall:
    """Give a call without an outcome its last one: never made, or made with an effect that nobody knows."""
    made = call.state is CallState.OPEN
    summary = "The call may or may not have taken effect." if made else "The question ended before this call."
    approval = Approval.CANCELLED if call.approval is Approval.WAITING else call.approval
    state = CallState.UNKNOWN if made else CallState.REFUSED
    return replace(call, state=state, approval=approval, summary=summary, result=summary)


def feedback(call: ToolCall) -> ToolFeedback:
    """Tell the person what became of a call; a call without a settled outcome is `unknown`."""
    state = call.state if call.state.ended else CallState.UNKNOWN
    return ToolFeedback(
        call_id=call.call_id,
        server=call.server,
        name=call.name,
        ok=state is CallState.DONE,
        outcome=state.value,
        duration_ms=call.duration_ms,
        summary=call.summary,
        as_of=call.as_of,
        links=list(call.links) or None,
    )
