"""Send frames to those who follow a conversation and may hear them; what cannot be sent is stored all the same."""

import logging
from dataclasses import replace

from shared.domain.conversation import Conversation
from shared.domain.errors import ChannelUnavailable, StoreUnavailable
from shared.domain.frames import Frame, NewMessage, ToolStarted
from shared.domain.ids import ConnectionId, UserId, room_name
from shared.domain.live_frames import LiveFrame, ResponseWithheld
from shared.domain.turns import Turn
from shared.flow.services import Services
from shared.flow.standing import is_member

_log = logging.getLogger("salescoach.audience")

_SAID_BY_PEOPLE = (NewMessage, LiveFrame)
"""What holds no word of the coach, and goes to all who follow; any other frame only to those who may hear the coach."""


async def tell(
    services: Services, conversation: Conversation, frame: Frame, *, but: ConnectionId | None = None
) -> ChannelUnavailable | None:
    """Send a frame to everyone who follows and may hear it; give the fault if it could not be sent.

    A lost frame loses nothing: clients fill gaps by `turn.resume` and from the stored history.
    """
    try:
        await _send(services, conversation, frame, but)
    except ChannelUnavailable as fault:
        _log.warning("frame.unsent", extra={"frame": frame.type, "reason": str(fault)})
        return fault
    return None


async def _send(services: Services, conversation: Conversation, frame: Frame, but: ConnectionId | None) -> None:
    if conversation.kind == "session":
        await services.channel.to_user(conversation.owner, frame, but=but)
        return
    role = None if isinstance(frame, _SAID_BY_PEOPLE) else conversation.bound_to
    await services.channel.to_room(room_name(conversation.key, role), frame, but=but)


async def tell_asker(services: Services, turn: Turn, frame: Frame, *, but: ConnectionId | None = None) -> None:
    """Send a frame to all connections of the asker alone, while they belong to the conversation and may hear it."""
    where = turn.conversation
    if not turn.sight().hears(where.bound_to):
        return
    try:
        if where.kind == "group" and not await is_member(services, where.key, turn.asker.id):
            return
        await services.channel.to_user(turn.asker.id, frame, but=but)
    except (ChannelUnavailable, StoreUnavailable) as fault:
        _log.warning("frame.unsent", extra={"frame": frame.type, "reason": str(fault)})


async def tell_call(services: Services, turn: Turn, frame: ToolStarted) -> None:
    """Show everyone that a call begins, and with which arguments to the asker alone, in a second frame."""
    if turn.conversation.kind == "group":
        await tell(services, turn.conversation, replace(frame, arguments=None))
        await tell_asker(services, turn, frame)
    else:
        await tell(services, turn.conversation, frame)


async def tell_withheld(services: Services, conversation: Conversation, frame: ResponseWithheld) -> None:
    """Tell those who follow and may not hear the coach that they miss an answer."""
    if conversation.bound_to is None:
        return
    outside = room_name(conversation.key, conversation.bound_to)
    try:
        await services.channel.to_room(room_name(conversation.key), frame, outside=outside)
    except ChannelUnavailable as fault:
        _log.warning("frame.unsent", extra={"frame": frame.type, "reason": str(fault)})


async def tell_person(
    services: Services, user_id: UserId, frame: Frame, *, but: ConnectionId | None = None
) -> ChannelUnavailable | None:
    """Send a frame to all connections of one person."""
    try:
        await services.channel.to_user(user_id, frame, but=but)
    except ChannelUnavailable as fault:
        _log.warning("frame.unsent", extra={"frame": frame.type, "reason": str(fault)})
        return fault
    return None


async def tell_connection(services: Services, connection: ConnectionId, frame: Frame) -> None:
    """Send a frame to one connection, which may be gone by now."""
    try:
        await services.channel.to_connection(connection, frame)
    except ChannelUnavailable as fault:
        _log.warning("frame.unsent", extra={"frame": frame.type, "reason": str(fault)})
