"""See to it that nobody keeps what was taken from them: tokens, sessions and connections end with their rights."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.domain import rights as rules
from shared.domain.errors import ChannelUnavailable, ChatError, ErrorCode, StoreUnavailable
from shared.domain.identity import Caller
from shared.domain.ids import ConnectionId, PublicId, UserId, tenant_of
from shared.domain.rights import Rights
from shared.domain.security import Noticed
from shared.flow.services import Services
from shared.flow.watching import note_rights, require_admin

CHANGE_TRIES = 10

_log = logging.getLogger("salescoach.rights")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOut:
    """Whose tokens are void, and until when they must have been issued for it."""

    user_id: UserId
    void_before: datetime


async def prove(services: Services, token: str) -> Caller:
    """Verify a token and give the person with the roles that they still have.

    Raises:
        ChatError: `unauthenticated` for a token that does not verify, or that is void by now.
    """
    caller = await services.verifier.verify(token)
    return rules.judge((await services.watch.rights.rights(caller.user_id)).rights, caller)


async def learn(services: Services, caller: Caller, session: PublicId, connection: ConnectionId | None) -> None:
    """Note the roles of the newest token; if they are others than before, all other sessions and connections end."""
    known = await _change(services, caller.user_id, lambda known: rules.learn(known, caller))
    if known.unsettled:
        await note_rights(services, Noticed.ROLES_CHANGED, caller.user_id)
        await _settle(services, known, session, connection)


async def sign_out(services: Services, admin: Caller, user_id: UserId) -> SignedOut:
    """Void all tokens of somebody in the Admin's tenant, and end their sessions and connections.

    Raises:
        ChatError: `forbidden` for who is no Admin, `not_found` for somebody of another tenant.
    """
    require_admin(admin)
    if tenant_of(user_id) != tenant_of(admin.user_id):
        raise ChatError(ErrorCode.NOT_FOUND, "There is no such person.")
    now = services.clock.now()
    await note_rights(services, Noticed.SIGNED_OUT, admin.user_id, member=user_id)
    known = await _change(services, user_id, lambda known: rules.void(known, now))
    await _settle(services, known, None, None)
    return SignedOut(user_id=user_id, void_before=now)


async def _settle(services: Services, known: Rights, session: PublicId | None, connection: ConnectionId | None) -> None:
    """End what began with other rights; whoever dies here is repeated by the next sign-in."""
    await services.watch.rights.end_grants(known.user_id, but=session)
    try:
        reason = "Your rights have changed: please sign in again."
        await services.channel.close_connections(known.user_id, reason, but=connection)
    except ChannelUnavailable as fault:
        # Without a grant an open connection can do nothing but sign in again.
        _log.warning("connections.unclosed", extra={"reason": type(fault).__name__})
    await _change(services, known.user_id, rules.settled)


async def _change(services: Services, user_id: UserId, change: Callable[[Rights], Rights]) -> Rights:
    """Change what is known of a person; whoever is overtaken reads again."""
    for _ in range(CHANGE_TRIES):
        stored = await services.watch.rights.rights(user_id)
        changed = change(stored.rights)
        if changed == stored.rights or await services.watch.rights.put_rights(changed, stored.etag):
            return changed
        await services.clock.sleep(services.clock.jitter(0.05))
    raise StoreUnavailable("a person's rights changed too often")
