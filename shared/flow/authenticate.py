"""Authenticate (step 2): prove the person behind a connection, fix the role, open or refresh the session."""

import asyncio
from dataclasses import dataclass, replace

from shared.domain.conversation import Conversation
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.frame_parts import ActiveTurn, OfferedTool, PendingApproval, User, address
from shared.domain.frames import Notice, SessionCreated, SessionUpdated
from shared.domain.identity import Caller, SessionGrant
from shared.domain.ids import ConnectionId, ConversationKey, PublicId, UserId, session_key
from shared.domain.policy import choose_role, require_same_person
from shared.domain.tools import Approval, ToolCall
from shared.domain.turns import Turn
from shared.flow import rights
from shared.flow.audience import tell_connection
from shared.flow.catalog import Catalog, known_roles, select
from shared.flow.people import remember
from shared.flow.servers import FALLEN_BACK
from shared.flow.services import Services
from shared.flow.watching import note_foreign_token


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowToken:
    """A token for a session, and what its person wishes there."""

    token: str
    session_id: PublicId
    role: str | None = None
    region: str | None = None
    timezone: str | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession(ShowToken):
    """A `session.update` as it arrived."""

    connection_user: UserId
    connection: ConnectionId
    first: bool
    """Whether this is the first one on its connection."""
    request_id: str | None = None


async def open_session(services: Services, wish: OpenSession) -> SessionCreated | SessionUpdated:
    """Verify the token, keep it sealed, and say what the session is.

    Raises:
        ChatError: `unauthenticated` or `token_expired` for the token; `forbidden` if it is another person's.
    """
    caller = await _proved(services, wish)
    grant = await _grant(services, caller, wish, await known_roles(services))
    key = session_key(caller.user_id, wish.session_id)
    _, catalog, state, *_ = await asyncio.gather(
        services.users.put_grant(grant),
        select(services, grant.role),
        _state(services, key, caller.user_id),
        remember(services, caller),
        rights.learn(services, caller, wish.session_id, wish.connection),
    )
    if grant.role.shown is None:
        await tell_connection(services, wish.connection, _NO_ROLE)
    if services.registry.fallen_back:
        await tell_connection(services, wish.connection, Notice(code="registry_fallback", text=FALLEN_BACK))
    return _answer(wish, grant, catalog, state)


async def grant_for_connection(services: Services, wish: OpenSession) -> SessionGrant:
    """Verify a token that came with another message than `session.update`, and keep it sealed.

    Raises:
        ChatError: as `open_session` refuses.
    """
    return await grant_by_token(services, await _proved(services, wish), wish, wish.connection)


async def _proved(services: Services, wish: OpenSession) -> Caller:
    caller = await rights.prove(services, wish.token)
    if caller.user_id != wish.connection_user:
        await note_foreign_token(services, wish.connection_user)
    require_same_person(caller.user_id, wish.connection_user)
    return caller


async def grant_by_token(
    services: Services, caller: Caller, wish: ShowToken, connection: ConnectionId | None = None
) -> SessionGrant:
    """Keep a proved person's token sealed, so that the session's tools can be called with it.

    The session stays in the role that it has, while the person still holds it, unless another one is wished for.
    """
    before, known = await asyncio.gather(services.users.grant(caller.user_id, wish.session_id), known_roles(services))
    grant = await _grant(services, caller, wish, known)
    if before is not None:
        held = wish.role is None and set(before.role.effective) <= set(grant.roles)
        grant = replace(
            grant,
            role=before.role if held else grant.role,
            region=grant.region or before.region,
            timezone=grant.timezone or before.timezone,
            locale=grant.locale or before.locale,
        )
    await asyncio.gather(
        services.users.put_grant(grant),
        rights.learn(services, caller, wish.session_id, connection),
        remember(services, caller),
    )
    return grant


async def _grant(services: Services, caller: Caller, wish: ShowToken, known: set[str]) -> SessionGrant:
    sealed = await services.sealer.seal(wish.token, user_id=caller.user_id, session_id=wish.session_id)
    return SessionGrant(
        user_id=caller.user_id,
        session_id=wish.session_id,
        name=caller.name,
        email=caller.email,
        role=choose_role(caller.roles, known, wish.role),
        roles=choose_role(caller.roles, known, None).effective,
        expires_at=caller.expires_at,
        region=wish.region,
        timezone=wish.timezone,
        locale=wish.locale,
        sealed_token=sealed,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """What is stored of a session, as someone who comes back needs it."""

    title: str | None
    last_seq: int
    active: Turn | None
    waiting: tuple[str, ...]
    approvals: tuple[ToolCall, ...]


async def _state(services: Services, key: ConversationKey, user_id: UserId) -> SessionState | None:
    stored, entry = await asyncio.gather(services.conversations.head(key), services.users.entry(user_id, key))
    if stored is None:
        return None
    active, calls = None, []
    if stored.head.active_turn is not None:
        active, calls = await asyncio.gather(
            services.conversations.turn(key, stored.head.active_turn),
            services.conversations.calls(key, stored.head.active_turn),
        )
    return SessionState(
        title=entry.title if entry else None,
        last_seq=stored.head.next_seq - 1,
        active=active,
        waiting=stored.head.waiting,
        approvals=tuple(call for call in calls if call.approval is Approval.WAITING),
    )


def _answer(
    wish: OpenSession, grant: SessionGrant, catalog: Catalog, state: SessionState | None
) -> SessionCreated | SessionUpdated:
    kind = SessionCreated if wish.first else SessionUpdated
    key = session_key(grant.user_id, wish.session_id)
    conversation = Conversation(key=key, public_id=wish.session_id, kind="session", owner=grant.user_id)
    return kind(
        **address(conversation),
        user=User(id=grant.user_id, name=grant.name, email=grant.email),
        role=grant.role.shown,
        roles=list(grant.roles),
        tools=[
            OfferedTool(server=tool.server, name=tool.name, title=tool.title, description=tool.description)
            for tool in catalog.tools
        ],
        resumed=state is not None,
        title=state.title if state else None,
        last_seq=state.last_seq if state else 0,
        active_turn=active_turn(state.active) if state and state.active else None,
        waiting=list(state.waiting) if state else [],
        approvals=[pending(state.active, call) for call in state.approvals] if state and state.active else [],
        expires_at=grant.expires_at,
        request_id=wish.request_id,
    )


def active_turn(turn: Turn) -> ActiveTurn:
    """Show the turn that runs."""
    return ActiveTurn(
        turn_id=turn.turn_id,
        question_id=turn.question_id,
        attempt=turn.attempt,
        status=turn.status.value,
        since=turn.created_at,
    )


def pending(turn: Turn, call: ToolCall) -> PendingApproval:
    """Show a call that waits for its asker.

    Raises:
        ValueError: the call does not wait, so that it has no end of waiting.
    """
    if call.expires_at is None:
        raise ValueError("a call that waits for approval has an end of waiting")
    return PendingApproval(
        turn_id=turn.turn_id,
        call_id=call.call_id,
        server=call.server,
        name=call.name,
        arguments=call.arguments,
        expires_at=call.expires_at,
    )


async def require_grant(services: Services, user_id: UserId, session_id: PublicId | None) -> SessionGrant:
    """Give the session's grant, which ends with its token.

    Raises:
        ChatError: `unauthenticated` before `session.update`, `token_expired` after the grant's end.
    """
    if session_id is None:
        raise ChatError(ErrorCode.UNAUTHENTICATED, "Send session.update with an access token first.")
    grant = await services.users.grant(user_id, session_id)
    if grant is None or grant.expires_at <= services.clock.now():
        raise ChatError(ErrorCode.TOKEN_EXPIRED, "The session's token has expired: send session.update with a new one.")
    return grant


_NO_ROLE = Notice(
    code="no_role",
    text="You have no role yet, so no business tools can be used. Ask your administrator for a role.",
)
