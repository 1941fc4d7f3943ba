"""Say on whose behalf a tool is called, with the asker's newest token, opened for this call only."""

from shared.domain.correlation import trace_of
from shared.domain.errors import ChatError
from shared.domain.telemetry import span_of
from shared.domain.tools import ServerEntry, ToolCall, ToolContext
from shared.domain.turns import Turn
from shared.flow.services import TurnServices


async def tool_context(services: TurnServices, turn: Turn, call: ToolCall, server: ServerEntry) -> ToolContext | None:
    """Give what goes along with a call; None when it needs a token and the session has none that is good."""
    grant = await services.users.grant(turn.asker.id, turn.session_id)
    token = None
    if server.auth_enabled:
        if grant is None:
            return None
        try:
            token = await services.sealer.open(grant.sealed_token, user_id=grant.user_id, session_id=grant.session_id)
        except ChatError:
            # It cannot be opened any more; the next `session.update` seals a new one.
            return None
    return ToolContext(
        user_id=turn.asker.id,
        email=grant.email if grant else None,
        region=grant.region if grant else None,
        user_token=token,
        idempotency_key=call.call_id,
        timeout_s=services.limits.tool_s if server.timeout_s is None else server.timeout_s,
        extra={"traceparent": _trace_parent(turn, call)},
    )


def _trace_parent(turn: Turn, call: ToolCall) -> str:
    """Name one trace per turn and one span per call (W3C Trace Context), so that servers' logs can be matched."""
    return f"00-{trace_of(turn.turn_id)}-{span_of(call.call_id)}-01"
