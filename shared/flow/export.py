"""Export a conversation: everything that a person may read of it."""

from dataclasses import dataclass

from shared.domain.conversation import Message
from shared.domain.ids import PublicId, UserId, session_key
from shared.flow import history
from shared.flow.services import Services
from shared.flow.standing import Reader, Standing, in_group, in_session

PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A whole conversation."""

    conversation_id: str
    title: str
    items: list[Message]


async def whole_session(services: Services, user_id: UserId, session_id: PublicId) -> Export:
    """Read every message of a session, in order.

    Raises:
        ChatError: `not_found` when the person has no such session.
    """
    items = await _all(services, in_session(Reader(user_id=user_id), session_id))
    entry = await services.users.entry(user_id, session_key(user_id, session_id))
    return Export(conversation_id=session_id, title=entry.title if entry else "", items=items)


async def whole_group(services: Services, reader: Reader, group_id: PublicId) -> Export:
    """Read every message of a group that a member may read, in order.

    Raises:
        ChatError: `not_found` to everyone but its members.
    """
    standing = await in_group(services, reader, group_id)
    return Export(conversation_id=group_id, title=standing.group.title, items=await _all(services, standing))


async def _all(services: Services, standing: Standing) -> list[Message]:
    items: list[Message] = []
    reached = 0
    while True:
        page = await history.read(services, standing, after_seq=reached, before_seq=None, limit=PAGE)
        items += page.messages
        if not page.messages or page.messages[-1].seq >= page.last_seq:
            return items
        reached = page.messages[-1].seq
