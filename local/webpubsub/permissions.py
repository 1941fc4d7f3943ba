"""What a client may do to groups: roles with patterns, then literal rules that REST calls add."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

MAX_RULES = 1000
MAX_STARS = 5


class Permission(StrEnum):
    """The two things that a client may be permitted to do."""

    SEND = "sendToGroup"
    JOIN_LEAVE = "joinLeaveGroup"


class TooManyRules(Exception):
    """A connection holds as many literal rules as the service keeps."""


def parse(name: str) -> Permission | None:
    """Return the permission of that name, compared without case."""
    return next((one for one in Permission if one.lower() == name.lower()), None)


@dataclass(slots=True)
class Permissions:
    """The roles and rules of one connection."""

    roles: frozenset[str] = frozenset()
    _rules: dict[tuple[Permission, str | None], bool] = field(default_factory=dict[tuple[Permission, str | None], bool])

    def allows(self, permission: Permission, group: str | None) -> bool:
        """Tell whether the connection may do this to the group; None asks for every group.

        A literal rule for the group wins over a rule for all groups, and that over the roles.
        """
        for key in ((permission, group), (permission, None)):
            if key in self._rules:
                return self._rules[key]
        return any(_role_allows(role, permission, group) for role in self.roles)

    def rule(self, permission: Permission, group: str | None, *, allow: bool) -> None:
        """Set a literal rule.

        Raises TooManyRules.
        """
        key = (permission, group)
        if key not in self._rules and len(self._rules) >= MAX_RULES:
            raise TooManyRules
        self._rules[key] = allow


def _role_allows(role: str, permission: Permission, group: str | None) -> bool:
    general = f"webpubsub.{permission}"
    if role == general:
        return True
    if group is None:
        return False
    if role.startswith(f"{general}s."):
        pattern = wildcard(role.removeprefix(f"{general}s."))
        return pattern is not None and pattern.fullmatch(group) is not None
    return role == f"{general}.{group}"


def wildcard(text: str) -> re.Pattern[str] | None:
    """Translate a wildcard role's pattern; None when it has more stars than the service takes.

    `?` is one character but a dot, `*` a run without dots, `**` any run, a backslash quotes.
    """
    pieces: list[str] = []
    stars = 0
    for token in re.findall(r"\\.|\*\*|.", text, flags=re.DOTALL):
        stars += token in {"*", "**"}
        pieces.append({"**": ".*", "*": "[^.]*", "?": "[^.]"}.get(token) or re.escape(token[-1]))
    return re.compile("".join(pieces), re.DOTALL) if stars <= MAX_STARS else None


def of(roles: Iterable[str]) -> Permissions:
    """Return the permissions that the roles grant."""
    return Permissions(roles=frozenset(roles))
