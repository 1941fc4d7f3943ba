"""Bundle the ports that the steps use; the heavy ones apart, so that a light trigger never builds them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from shared.domain.tables import Written
from shared.domain.tools import ToolSpec
from shared.domain.turn_events import TurnLimits
from shared.domain.window import REQUEST_TOKENS, Counter, at_most
from shared.ports import (
    ChatModel,
    ClientChannel,
    Clock,
    ConversationStore,
    PromptStore,
    TokenSealer,
    TokenVerifier,
    UpstreamProof,
    UserStore,
)
from shared.tool_ports import ToolRegistry, ToolRunner


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What connect, authenticate, query and REST need."""

    clock: Clock
    verifier: TokenVerifier
    upstream: UpstreamProof
    sealer: TokenSealer
    conversations: ConversationStore
    users: UserStore
    registry: ToolRegistry
    channel: ClientChannel
    limits: TurnLimits


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
