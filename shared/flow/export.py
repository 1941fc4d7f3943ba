"""Export a session: everything that is stored of it, for its owner."""

from dataclasses import dataclass

from shared.domain.conversation import Message
from shared.domain.ids import PublicId, UserId, session_key
from shared.flow import history
from shared.flow.services import Services

PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A whole session."""

    session_id: str
    title: str
    items: list[Message]


async def whole_session(services: Services, user_id: UserId, session_id: PublicId) -> Export:
    """Read every message of a session, in order.

    Raises:
        ChatError: `not_found` when the person has no such session.
    """
    items: list[Message] = []
    reached = 0
    while True:
        page = await history.messages(services, user_id, session_id, after_seq=reached, before_seq=None, limit=PAGE)
        items += page.messages
        if not page.messages or page.messages[-1].seq >= page.last_seq:
            break
        reached = page.messages[-1].seq
    entry = await services.users.entry(user_id, session_key(user_id, session_id))
    return Export(session_id=session_id, title=entry.title if entry else "", items=items)
