"""Answer what people say about groups, and keep with each connection which session it has and which groups it hears."""

import uuid
from dataclasses import replace

from functions import _edge
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.identity import SessionGrant
from shared.domain.ids import MessageId, PublicId
from shared.flow import attend, authenticate, presence
from shared.flow.query import Ask
from shared.flow.services import Services
from shared.flow.standing import Reader
from shared.wire import inbound
from shared.wire.inbound_groups import JoinGroup, LeaveGroup, MarkRead, ShowTyping

Said = JoinGroup | LeaveGroup | ShowTyping | MarkRead


async def opened(services: Services, event: _edge.ClientEvent, said: inbound.SessionUpdate) -> _edge.Reply:
    """Open or refresh the session; the new token's roles decide what the connection hears of its groups."""
    wish = _edge.session_wish(event, said)
    frame = await authenticate.open_session(services, wish)
    reader = Reader(user_id=event.user_id, roles=tuple(frame.roles))
    await attend.renew(services, reader, event.connection_id, event.state.groups)
    return _edge.Reply(frame=frame, state=replace(event.state, session=wish.session_id, opened=True))


def addressed(event: _edge.ClientEvent, said: inbound.Asking, wish: Ask) -> Ask:
    """Give a question its group: the named one, or for `send_message` the one that was joined last (rule 12).

    Raises:
        ChatError: `bad_request` for a `send_message` without one.
    """
    if isinstance(said, inbound.SendMessage) and wish.group_id is None and said.session_id is None:
        if not event.state.groups:
            raise ChatError(ErrorCode.BAD_REQUEST, "Join a group first, or name the session_id.")
        wish = replace(wish, group_id=event.state.groups[-1])
    return replace(wish, joined=wish.group_id in event.state.groups)


async def answer(services: Services, event: _edge.ClientEvent, said: Said) -> _edge.Reply:
    """Answer with the message's direct answer, if it has one."""
    grant, state = await _known(services, event, said)
    reader = Reader(user_id=grant.user_id, roles=grant.roles)
    who = presence.Here(reader=reader, name=grant.name, connection=event.connection_id)
    if isinstance(said, MarkRead):
        where, message = PublicId(said.conversation_id.lower()), MessageId(said.message_id.lower())
        await presence.mark_read(services, who, where, message)
        return _edge.Reply(frame=None)
    group = PublicId(said.group_id.lower())
    here = group in state.groups
    wish = attend.Attend(
        reader=reader, connection=event.connection_id, group_id=group, again=here, request_id=said.request_id
    )
    if isinstance(said, JoinGroup):
        state = state.joined(group)
        return _edge.Reply(frame=await attend.join(services, wish), state=state)
    if isinstance(said, LeaveGroup):
        return _edge.Reply(frame=await attend.leave(services, wish), state=state.left(group))
    at = state.typed_at
    typed = await presence.typing(services, who, group, writes=said.typing, joined=here, typed_at=at)
    return _edge.Reply(frame=None, state=replace(state, typed_at=typed) if typed != at else None)


async def _known(
    services: Services, event: _edge.ClientEvent, said: Said
) -> tuple[SessionGrant, _edge.ConnectionState]:
    """Prove the person by the token that a `join_group` may bring, else by the connection's session (rule 2)."""
    if not isinstance(said, JoinGroup) or said.accessToken is None:
        return await authenticate.require_grant(services, event.user_id, event.session_id), event.state
    session = event.session_id or PublicId(str(uuid.uuid4()))
    update = inbound.SessionUpdate(type="session.update", accessToken=said.accessToken, session_id=session)
    grant = await authenticate.grant_for_connection(services, _edge.session_wish(event, update))
    return grant, replace(event.state, session=session)
