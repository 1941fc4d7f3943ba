"""Bundle the ports that the steps use; the heavy ones apart, so that a light trigger never builds them."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

from shared.domain.allowance import PersonLimits
from shared.domain.conversation import Queue
from shared.domain.ids import TurnId, UserId
from shared.domain.tables import Written
from shared.domain.telemetry import Operation
from shared.domain.tools import ToolSpec
from shared.domain.turn_events import TurnLimits
from shared.domain.window import REQUEST_TOKENS, Counter, at_most
from shared.group_ports import GroupStore
from shared.people_ports import PeopleStore, UserStore
from shared.ports import (
    ChatModel,
    ClientChannel,
    Clock,
    ConversationStore,
    PromptStore,
    TokenSealer,
    TokenVerifier,
    UpstreamProof,
)
from shared.tool_ports import ToolRegistry, ToolRunner
from shared.watch_ports import AllowanceStore, RightsStore, SecurityLog, Telemetry


@dataclass(slots=True)
class Unproved:
    """Events without proof that this worker refused since the last record of them."""

    count: int = 0
    quiet_until: float = 0.0


class Untold:
    """Meets Telemetry where nobody watches."""

    def record(self, done: Operation) -> None:
        """Leave it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What holds people to their limits, and what keeps security events."""

    allowances: AllowanceStore
    security: SecurityLog
    rights: RightsStore
    limits: PersonLimits = field(default_factory=PersonLimits)
    unproved: Unproved = field(default_factory=Unproved)
    turnstiles: WeakValueDictionary[UserId, asyncio.Lock] = field(
        default_factory=WeakValueDictionary[UserId, asyncio.Lock]
    )
    """One change of a person at a time in a worker, so that only workers overtake each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What connect, authenticate, query and REST need."""

    clock: Clock
    verifier: TokenVerifier
    upstream: UpstreamProof
    sealer: TokenSealer
    conversations: ConversationStore
    users: UserStore
    groups: GroupStore
    people: PeopleStore
    registry: ToolRegistry
    channel: ClientChannel
    limits: TurnLimits
    watch: Watch
    queue: Queue = field(default_factory=Queue)
    """What becomes of a question while another one is being answered."""
    stops: WeakValueDictionary[TurnId, asyncio.Event] = field(
        default_factory=WeakValueDictionary[TurnId, asyncio.Event]
    )
    """Turns that this worker works on, so that a cancel which arrives here is seen at once; others look for it."""
    telemetry: Telemetry = field(default_factory=Untold)
    coach_names: tuple[str, ...] = ("coach",)
    """By these names people call the coach in a group: `@coach`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnServices(Services):
    """What the activities need besides: model, prompts, tool servers and what reads answers."""

    model: ChatModel
    prompts: PromptStore
    tools: ToolRunner
    read_markdown: Callable[[str], Sequence[Written]]
    """Finds the tables and lists of a text, in its order."""
    fits_schema: Callable[[ToolSpec, dict[str, Any]], str | None]
    """Says what is wrong with a call's arguments by the tool's own schema; None if nothing is."""
    fiscal_year_start_month: int = 1
    count_tokens: Counter = at_most
    """Counts a text's tokens as the model does; by default an upper bound."""
    context_tokens: int = REQUEST_TOKENS
    """What the smaller of the models can take, its answer left out."""
