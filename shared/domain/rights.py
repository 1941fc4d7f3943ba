"""Judge a token by what newer ones and Admins said since: no token outlives the rights that it names."""

from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.errors import ChatError, ErrorCode
from shared.domain.identity import Caller
from shared.domain.ids import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What is known of a person's roles, by the newest token that was shown."""

    user_id: UserId
    roles: tuple[str, ...] = ()
    as_of: datetime | None = None
    """When that token was issued; None before the first one."""
    void_before: datetime | None = None
    """An Admin signed the person out then: tokens that were issued until then are void."""
    unsettled: bool = False
    """Whether sessions may still be open that began with other rights."""


@dataclass(frozen=True, slots=True)
class StoredRights:
    """Rights as read, with the ETag that a change of them must find; None when there are none yet."""

    rights: Rights
    etag: str | None


def judge(rights: Rights, caller: Caller) -> Caller:
    """Give the person with the roles that they still have.

    Raises:
        ChatError: `unauthenticated`: the token is void.
    """
    if rights.void_before is not None and caller.issued_at <= rights.void_before:
        raise ChatError(ErrorCode.UNAUTHENTICATED, "You were signed out; please sign in again.")
    if rights.as_of is None or caller.issued_at >= rights.as_of:
        return caller
    held = _folded(rights.roles)
    return replace(caller, roles=tuple(role for role in caller.roles if role.casefold() in held))


def learn(rights: Rights, caller: Caller) -> Rights:
    """Take over what a token says, if it is the newest so far; `unsettled` if the roles are others than before."""
    if rights.as_of is not None and caller.issued_at < rights.as_of:
        return rights
    changed = rights.as_of is not None and _folded(rights.roles) != _folded(caller.roles)
    return replace(rights, roles=caller.roles, as_of=caller.issued_at, unsettled=rights.unsettled or changed)


def void(rights: Rights, now: datetime) -> Rights:
    """Take all rights away that were given until now."""
    return replace(rights, void_before=now, unsettled=True)


def settled(rights: Rights) -> Rights:
    """Note that nothing is open any more that began with other rights."""
    return replace(rights, unsettled=False)


def _folded(roles: tuple[str, ...]) -> set[str]:
    return {role.casefold() for role in roles}
