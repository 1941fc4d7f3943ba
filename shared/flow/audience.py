"""Send a turn's frames to those who follow its conversation; what cannot be sent is stored all the same."""

import logging

from shared.domain.conversation import Conversation
from shared.domain.errors import ChannelUnavailable
from shared.domain.frames import Frame
from shared.domain.ids import ConnectionId
from shared.flow.services import Services

_log = logging.getLogger("salescoach.audience")


async def tell(
    services: Services, conversation: Conversation, frame: Frame, *, but: ConnectionId | None = None
) -> ChannelUnavailable | None:
    """Send a frame to everyone who follows; give the fault if it could not be sent.

    A lost frame loses nothing: clients fill gaps by `turn.resume` and from the stored history.
    """
    try:
        await services.channel.to_user(conversation.owner, frame, but=but)
    except ChannelUnavailable as fault:
        _log.warning("frame.unsent", extra={"frame": frame.type, "reason": str(fault)})
        return fault
    return None


async def tell_in_order(services: Services, conversation: Conversation, *frames: Frame) -> None:
    """Send several frames one after the other."""
    for frame in frames:
        await tell(services, conversation, frame)


async def tell_connection(services: Services, connection: ConnectionId, frame: Frame) -> None:
    """Send a frame to one connection, which may be gone by now."""
    try:
        await services.channel.to_connection(connection, frame)
    except ChannelUnavailable as fault:
        _log.warning("frame.unsent", extra={"frame": frame.type, "reason": str(fault)})
