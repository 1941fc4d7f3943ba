"""NEED: what watching over people's limits and over the app's security needs from the world."""

from typing import Literal, Protocol

from shared.domain.allowance import Allowance, StoredAllowance
from shared.domain.ids import PublicId, TurnId, UserId
from shared.domain.rights import Rights, StoredRights
from shared.domain.security import EventPage, SecurityEvent
from shared.domain.telemetry import Operation


class AllowanceStore(Protocol):
    """Keeps what each person uses of the limits. Raises StoreUnavailable when the store does not answer."""

    async def allowance(self, user_id: UserId) -> StoredAllowance:
        """Read it; one that was never written is empty and has no ETag."""
        ...

    async def put_allowance(self, allowance: Allowance, etag: str | None) -> bool:
        """Write it if it is still the one that was read; False if somebody was faster."""
        ...

    async def settle(
        self, allowance: Allowance, etag: str | None, turn_id: TurnId
    ) -> Literal["settled", "changed", "settled_before"]:
        """Write it together with the mark that this turn's cost is in it, or neither.

        `changed`: it is not the one that was read any more. `settled_before`: the turn has its mark.
        """
        ...


class RightsStore(Protocol):
    """Keeps what is known of people's rights. Raises StoreUnavailable when the store does not answer."""

    async def rights(self, user_id: UserId) -> StoredRights:
        """Read them; those of somebody unknown are empty and have no ETag."""
        ...

    async def put_rights(self, rights: Rights, etag: str | None) -> bool:
        """Write them if they are still the ones that were read; False if somebody was faster."""
        ...

    async def end_grants(self, user_id: UserId, *, but: PublicId | None) -> None:
        """Remove the grants of all the person's sessions but one; a repeat does no harm."""
        ...


class SecurityLog(Protocol):
    """Keeps security events for 90 days. Raises StoreUnavailable when the store does not answer."""

    async def record(self, event: SecurityEvent) -> None:
        """Add a record; a repeat changes nothing."""
        ...

    async def of_day(self, reader: UserId, day: str, *, cursor: str | None, limit: int) -> EventPage:
        """List the records of a day (`YYYY-MM-DD`, UTC), newest first; `reader` is whom the cursor is for.

        Raises:
            ChatError: `bad_request` for a cursor that is not of this reader and list.
        """
        ...


class Telemetry(Protocol):
    """Takes what was done, for traces and metrics."""

    def record(self, done: Operation) -> None:
        """Take it at once; never raises, and leaves out what cannot be sent."""
        ...
