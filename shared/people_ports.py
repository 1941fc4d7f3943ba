"""NEED: what belongs to people, as Protocols: their grants and lists, and how they find each other."""

from typing import Literal, Protocol

from shared.domain.entries import ConversationEntry, Page
from shared.domain.identity import SessionGrant
from shared.domain.ids import ConversationKey, PublicId, UserId
from shared.domain.people import PeoplePage, Profile


class UserStore(Protocol):
    """Keeps what belongs to one person: sessions' grants, the list of conversations."""

    async def put_grant(self, grant: SessionGrant) -> None:
        """Replace the session's grant; it vanishes when its token expires."""
        ...

    async def grant(self, user_id: UserId, session_id: PublicId) -> SessionGrant | None:
        """Read a session's grant; None when there is none or it expired."""
        ...

    async def keep_listed(self, user_id: UserId, key: ConversationKey) -> None:
        """Let a session stand in its person's list for as long as what was just said in it is kept."""
        ...

    async def remove_entry(self, user_id: UserId, key: ConversationKey) -> None:
        """Take a conversation off its person's list; a repeat changes nothing."""
        ...

    async def add_entry(self, entry: ConversationEntry) -> None:
        """List a conversation for its person; a repeat changes nothing."""
        ...

    async def entry(self, user_id: UserId, key: ConversationKey) -> ConversationEntry | None:
        """Read one entry of a person's list."""
        ...

    async def retitle(self, user_id: UserId, key: ConversationKey, title: str, *, by_person: bool) -> bool:
        """Change a title: the person may always, anybody else once and before the person did; False if not."""
        ...

    async def mark_read(self, user_id: UserId, key: ConversationKey, seq: int) -> bool:
        """Move a person's read marker forward; False where it was as far already, or the conversation is unlisted."""
        ...

    async def entries(
        self,
        user_id: UserId,
        *,
        cursor: str | None,
        limit: int,
        search: str | None,
        kind: Literal["session", "group"] = "session",
    ) -> Page:
        """List a person's conversations of one kind, newest first.

        Raises:
            ChatError: `bad_request` for a cursor that is not of this person's list.
        """
        ...


class PeopleStore(Protocol):
    """Keeps who signed in, by tenant. Raises StoreUnavailable when the store does not answer."""

    async def remember(self, profile: Profile) -> None:
        """Keep how a person is called now."""
        ...

    async def person(self, user_id: UserId) -> Profile | None:
        """Read a person's profile; None for who never signed in."""
        ...

    async def find(self, reader: UserId, sought: str, *, cursor: str | None, limit: int) -> PeoplePage:
        """List the people of the reader's tenant whose name or e-mail holds the text (`people.sought`), by name.

        Raises:
            ChatError: `bad_request` for a cursor that is not of this reader and list.
        """
        ...

    async def forget(self, user_id: UserId) -> None:
        """Remove a person's profile; a repeat changes nothing."""
        ...
