"""Name what somebody who watches over the app must be able to find again; codes and ids, never content."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.domain.ids import UserId


class Noticed(StrEnum):
    """Kinds of security events."""

    FOREIGN_TOKEN = "foreign_token"  # noqa: S105  # a kind, not a secret
    """A token of somebody else than the connection's own person was refused."""
    EVENT_UNPROVED = "event_unproved"
    """An event without the proof that it comes from our service was refused; counted, one record a minute a worker."""
    TOOL_CALLED = "tool_called"
    """A tool that is not open to everyone was called, or its call refused."""
    TEXT_NEUTRALISED = "text_neutralised"
    """Images, links or tags in a model's text were neutralised."""
    TEXT_SUSPICIOUS = "text_suspicious"
    """A question or a tool's result reads like orders to a language model; nothing was refused for it."""
    TOOL_WITHHELD = "tool_withheld"
    """A server describes a tool otherwise than it was pinned, or offers a new one; it is off until it is accepted."""
    TOOL_ACCEPTED = "tool_accepted"
    """An Admin accepted a tool as its server describes it now."""
    MEMBER_ADDED = "member_added"
    """A group's owner let somebody in, who gets what the group sees."""
    MEMBER_REMOVED = "member_removed"
    """Somebody left a group or was removed from it."""
    GROUP_ROLE_SET = "group_role_set"
    """A group got a role, lost it, or changed who hears what is bound to it."""
    GROUP_HANDED_OVER = "group_handed_over"
    """A group has another owner."""
    ROLES_CHANGED = "roles_changed"
    """Somebody signed in with other roles than before; their other sessions and connections were ended."""
    SIGNED_OUT = "signed_out"
    """An Admin voided somebody's tokens and ended their sessions and connections."""
    EVENTS_READ = "events_read"
    """Somebody read these records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityEvent:
    """One record."""

    event_id: str
    at: datetime
    kind: Noticed
    user_id: UserId | None = None
    turn_id: str | None = None
    server: str | None = None
    tool: str | None = None
    outcome: str | None = None
    counts: dict[str, int] | None = None
    correlation_id: str | None = None
    group_id: str | None = None
    member: UserId | None = None
    """Whom the act of `user_id` concerns."""
    role: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Records of one day, newest first."""

    items: list[SecurityEvent]
    next_cursor: str | None = None
