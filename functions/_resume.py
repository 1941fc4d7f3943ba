"""Answer `turn.resume`: the text so far, and for a group's turn the connection that follows it from now on."""

from functions import _edge
from shared.domain.frames import Frame
from shared.domain.ids import PublicId, TurnId, group_key, key_of
from shared.flow import attend, authenticate, resume
from shared.flow.services import Services
from shared.flow.standing import Reader
from shared.wire.inbound import TurnResume


async def resumed(services: Services, event: _edge.ClientEvent, said: TurnResume) -> _edge.Reply:
    """Give a turn's text so far; who may see a group's turn joins the group, then the text is read anew (rule 9).

    Raises:
        ChatError: `not_found` for a turn that is not in this conversation, or not the person's.
    """
    grant = await authenticate.require_grant(services, event.user_id, event.session_id)
    group, turn = PublicId(said.conversation_id.lower()), TurnId(said.turn_id)

    async def text_so_far() -> Frame:
        return await resume.snapshot(
            services,
            turn,
            user_id=grant.user_id,
            conversation_id=said.conversation_id,
            attempt=said.attempt,
            offset=said.offset,
            request_id=said.request_id,
            roles=grant.roles,
        )

    frame = await text_so_far()
    if key_of(turn) != group_key(group) or group in event.state.groups:
        return _edge.Reply(frame=frame)
    state = event.state.joined(group)
    reader = Reader(user_id=grant.user_id, roles=grant.roles)
    await attend.join(services, attend.Attend(reader=reader, connection=event.connection_id, group_id=group))
    return _edge.Reply(frame=await text_so_far(), state=state)
