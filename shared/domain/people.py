"""Hold how people of a tenant find each other: those who signed in, by name and e-mail."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.errors import ChatError, ErrorCode
from shared.domain.ids import UserId

QUERY_LEAST = 2
QUERY_MOST = 100
STALE = timedelta(days=1)
"""So old may be when a person was seen last: a profile is written once a day, or when it changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Somebody who signed in, as their token showed them last."""

    user_id: UserId
    name: str
    email: str | None = None
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PeoplePage:
    """A part of the people who were found, and the cursor of the next part if there is one."""

    items: list[Profile]
    next_cursor: str | None = None


def is_stale(stored: Profile | None, now: Profile) -> bool:
    """Tell whether what is stored of a person must be written anew."""
    if stored is None or (stored.name, stored.email) != (now.name, now.email):
        return True
    return now.seen_at - stored.seen_at > STALE


def sought(text: str | None) -> str:
    """Make a search's text comparable.

    Raises:
        ChatError: `bad_request` for less than two letters, with which somebody could list everyone.
    """
    wanted = " ".join((text or "").split()).casefold()
    if not QUERY_LEAST <= len(wanted) <= QUERY_MOST:
        raise ChatError(ErrorCode.BAD_REQUEST, f"The parameter query has {QUERY_LEAST} to {QUERY_MOST} letters.")
    return wanted
