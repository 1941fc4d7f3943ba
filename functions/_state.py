"""Keep what a connection is about: the service stores it unread and gives it back with each of its events."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.domain.errors import ChatError, ErrorCode
from shared.domain.ids import PublicId

GROUPS_MOST = 20
_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_SECONDS = re.compile(r"[0-9]{1,12}\.[0-9]{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionState:
    """The session of a connection's last `session.update`, and the groups that it joined, the last one last."""

    session: PublicId | None = None
    opened: bool = False
    """Whether there was a `session.update`; a `join_group` with a token brings a session without one."""
    groups: tuple[PublicId, ...] = ()
    typed_at: float = 0.0
    """When its person was last shown as typing, in seconds since 1970."""

    def joined(self, group: PublicId) -> "ConnectionState":
        """Note that the connection joined a group.

        Raises:
            ChatError: `conflict` when it is in too many.
        """
        others = tuple(one for one in self.groups if one != group)
        if len(others) >= GROUPS_MOST:
            raise ChatError(ErrorCode.CONFLICT, f"A connection is in {GROUPS_MOST} groups at most: leave one first.")
        return replace(self, groups=(*others, group))

    def left(self, group: PublicId) -> "ConnectionState":
        """Note that the connection left a group."""
        return replace(self, groups=tuple(one for one in self.groups if one != group))

    def written(self) -> dict[str, str]:
        """Write it whole: one door merges what is written into what was there, the other replaces it."""
        return {
            "session": self.session or "",
            "opened": "yes" if self.opened else "",
            "groups": ",".join(self.groups),
            "typed": f"{self.typed_at:.3f}",
        }


def state_from(states: Mapping[str, Any]) -> ConnectionState:
    """Read what `written` wrote; what another version wrote counts as far as it can be read."""
    session, typed = _text(states, "session"), _text(states, "typed")
    session = session if _ID.fullmatch(session) else ""
    return ConnectionState(
        session=PublicId(session) if session else None,
        # Before there were groups, a session came of `session.update` alone.
        opened=bool(session) and ("opened" not in states or _text(states, "opened") == "yes"),
        groups=tuple(PublicId(one) for one in _text(states, "groups").split(",") if _ID.fullmatch(one)),
        typed_at=float(typed) if _SECONDS.fullmatch(typed) else 0.0,
    )


def _text(states: Mapping[str, Any], name: str) -> str:
    value = states.get(name)
    return value if isinstance(value, str) else ""
