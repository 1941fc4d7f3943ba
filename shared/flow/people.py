"""Remember who signed in, and let people of one tenant find each other."""

import logging
from dataclasses import dataclass

from shared.domain.errors import ChatError, ErrorCode, StoreUnavailable
from shared.domain.identity import Caller
from shared.domain.ids import UserId
from shared.domain.people import Profile, is_stale, sought
from shared.flow.services import Services

_log = logging.getLogger("salescoach.people")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPerson:
    """Somebody as a search shows them."""

    id: str
    name: str
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPeople:
    """A part of the people who were found, by name."""

    items: list[FoundPerson]
    next_cursor: str | None = None


async def remember(services: Services, caller: Caller) -> None:
    """Keep how a person is called, if it changed or a day went by; sign-in does not fail for it."""
    now = Profile(user_id=caller.user_id, name=caller.name, email=caller.email, seen_at=services.clock.now())
    try:
        if is_stale(await services.people.person(caller.user_id), now):
            await services.people.remember(now)
    except StoreUnavailable as fault:
        _log.warning("person.not_remembered", extra={"reason": str(fault)})


async def find(services: Services, caller: Caller, query: str | None, *, cursor: str | None, limit: int) -> FoundPeople:
    """List people of the caller's tenant who have signed in, by a part of name or e-mail.

    Raises:
        ChatError: `bad_request` for less than two letters, or a cursor of another list.
    """
    page = await services.people.find(caller.user_id, sought(query), cursor=cursor, limit=limit)
    items = [FoundPerson(id=one.user_id, name=one.name, email=one.email) for one in page.items]
    return FoundPeople(items=items, next_cursor=page.next_cursor)


async def require_person(services: Services, user_id: UserId) -> Profile:
    """Give somebody's profile.

    Raises:
        ChatError: `not_found` for who never signed in.
    """
    profile = await services.people.person(user_id)
    if profile is None:
        text = "This person has never signed in to SalesCoach: ask them to open it once, then add them."
        raise ChatError(ErrorCode.NOT_FOUND, text)
    return profile
