"""Say who asks: a person as proved by a token, and the session in which they ask."""

from dataclasses import dataclass
from datetime import UTC, datetime

from shared.domain.ids import PublicId, UserId

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A person, proved by a verified access token."""

    user_id: UserId
    name: str
    email: str | None
    roles: tuple[str, ...]
    """The token's `roles` as given; unknown ones grant nothing."""
    expires_at: datetime
    issued_at: datetime = LONG_AGO
    """Of two tokens the newer one knows the person's roles better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChoice:
    """The role shown to the person, and the roles whose tools count."""

    shown: str | None
    effective: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionGrant:
    """What a `session.update` established; it ends with the token."""

    user_id: UserId
    session_id: PublicId
    name: str
    email: str | None
    role: RoleChoice
    roles: tuple[str, ...]
    expires_at: datetime
    region: str | None = None
    timezone: str | None = None
    locale: str | None = None
    sealed_token: str = ""
    """The access token, sealed (AES-GCM, bound to user and session); opened inside activities only."""
