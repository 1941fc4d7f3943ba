"""Decide who may use what: the one place where roles meet tool servers (docs/protocol.md, rule 2)."""

from collections.abc import Iterable

from shared.domain.errors import ChatError, ErrorCode
from shared.domain.identity import RoleChoice

ADMIN = "Admin"
ANYONE = "*"
_SHOWN_FIRST = (ADMIN, "HR", "Sales")


def choose_role(held: Iterable[str], known: Iterable[str], wish: str | None) -> RoleChoice:
    """Pick the role that is shown and the roles that count.

    Only roles that the deployment knows count. A wish is granted if the person holds it, and then only that
    role's tools count; without a granted wish all held roles count, shown in the order Admin, HR, Sales, others.
    """
    names = _named(known)
    mine = sorted({names[role.casefold()] for role in held if role.casefold() in names}, key=_rank)
    if wish is not None:
        for role in mine:
            if role.casefold() == wish.casefold():
                return RoleChoice(shown=role, effective=(role,))
    return RoleChoice(shown=mine[0] if mine else None, effective=tuple(mine))


def every_role(known: Iterable[str]) -> tuple[str, ...]:
    """Give all roles that there are: the app's own, and those that the deployment names."""
    return tuple(_named(known).values())


def known_role(wish: str, known: Iterable[str]) -> str | None:
    """Give the role of this name as the deployment writes it; None if it knows no such role."""
    return _named(known).get(wish.casefold())


def _named(known: Iterable[str]) -> dict[str, str]:
    return {role.casefold(): role for role in (*_SHOWN_FIRST, *known)}


def _rank(role: str) -> tuple[int, str]:
    return (_SHOWN_FIRST.index(role) if role in _SHOWN_FIRST else len(_SHOWN_FIRST), role)


def parse_roles(spec: str) -> tuple[str, ...]:
    """Split a server's `roles` at commas; empty or missing means Admin only."""
    roles = tuple(part.strip() for part in spec.split(",") if part.strip())
    return roles or (ADMIN,)


def may_use(server_roles: Iterable[str], effective: Iterable[str]) -> bool:
    """Tell whether someone with these effective roles may use a server open to those roles."""
    mine = {role.casefold() for role in effective}
    if ADMIN.casefold() in mine:
        return True
    return any(role == ANYONE or role.casefold() in mine for role in server_roles)


def require_same_person(token_user: str, connection_user: str) -> None:
    """Refuse a token of somebody else than the connection's own user.

    Raises:
        ChatError: `forbidden`.
    """
    if token_user != connection_user:
        raise ChatError(ErrorCode.FORBIDDEN, "This token belongs to another person than this connection.")
