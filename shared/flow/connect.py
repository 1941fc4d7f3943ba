"""Connect (step 1): give a verified person a client URL, and decide on the handshake."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.errors import ChannelFull, ChatError, ErrorCode
from shared.domain.identity import Caller
from shared.flow.services import Services

URL_LIFETIME_MIN = 5
"""Client URLs live this long; their expiry is checked at the handshake only (docs/protocol.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAccess:
    """Where a person's client connects."""

    url: str
    expires_at: datetime
    user_id: str


async def negotiate(services: Services, caller: Caller) -> ClientAccess:
    """Make a client URL bound to the person, without any Web PubSub role.

    Raises:
        ChatError: `rate_limited` while the service refuses for load: a new connection would be refused, too.
    """
    try:
        url = await services.channel.client_url(caller.user_id, URL_LIFETIME_MIN)
    except ChannelFull as full:
        text = "There are too many connections at present; please try again."
        raise ChatError(ErrorCode.RATE_LIMITED, text, retry_after_s=full.retry_after_s) from full
    expires_at = services.clock.now() + timedelta(minutes=URL_LIFETIME_MIN)
    return ClientAccess(url=url, expires_at=expires_at, user_id=caller.user_id)


def admit(user_id: str | None, origin: str | None, allowed_origins: Iterable[str]) -> None:
    """Let a handshake pass that has a person and comes from a page of ours, or from no page at all.

    Raises:
        ChatError: `unauthenticated` without a person, `forbidden` from a foreign page.
    """
    if not user_id:
        raise ChatError(ErrorCode.UNAUTHENTICATED, "Connections are for signed-in people only.")
    if origin is not None and origin not in set(allowed_origins):
        raise ChatError(ErrorCode.FORBIDDEN, "This page may not connect.")
