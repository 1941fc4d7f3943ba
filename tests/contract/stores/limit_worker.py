"""One host's share of a crowd: `limit_worker.py <Cosmos URL> <person> <questions>` counts what it may accept."""

import asyncio
import sys
from dataclasses import fields
from typing import Any
from uuid import uuid4

from shared.adapters.cosmos.client import CosmosAccount
from shared.adapters.cosmos.rights import CosmosRights
from shared.adapters.cosmos.watch import CosmosAllowances
from shared.adapters.memory.conversations import MemoryConversations
from shared.adapters.memory.watch import MemorySecurityLog
from shared.adapters.system_clock import SystemClock
from shared.domain.allowance import PersonLimits
from shared.domain.conversation import Conversation, Person, Question
from shared.domain.errors import ChatError
from shared.domain.ids import ConversationKey, MessageId, PublicId, TurnId, UserId
from shared.flow.limits import admit
from shared.flow.services import Services, Watch

KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
LIMITS = PersonLimits(messages_a_minute=1000, running_turns=1000, tokens_a_day=120_000)


def question(user: UserId) -> Question:
    """A question in a chat of its own."""
    key = ConversationKey(uuid4().hex)
    return Question(
        conversation=Conversation(key=key, public_id=PublicId(key), kind="session", owner=user),
        message_id=MessageId(str(uuid4())), id_from_client=True, sender=Person(id=user, name="Sam"), content="",
        text_hash="h", input_type="text", turn_id=TurnId(f"{key}.1"),
    )  # fmt: skip


async def main(url: str, user: UserId, number: int) -> None:
    """Ask all at once and print how each ended."""
    account = CosmosAccount.from_connection_string(f"AccountEndpoint={url}/;AccountKey={KEY};", "salescoach")
    users = account.items("users")
    watch = Watch(
        allowances=CosmosAllowances(users), security=MemorySecurityLog(), rights=CosmosRights(users), limits=LIMITS
    )
    needed: dict[str, Any] = {"clock": SystemClock(), "conversations": MemoryConversations(), "watch": watch}
    # The limits touch nothing else.
    ports: dict[str, Any] = {field.name: needed.get(field.name) for field in fields(Services)}
    services = Services(**ports)
    ends = await asyncio.gather(
        *(admit(services, question(user), starts=False) for _ in range(number)), return_exceptions=True
    )
    await account.close()
    sys.stdout.write(" ".join(end.code.value if isinstance(end, ChatError) else str(end) for end in ends))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], UserId(sys.argv[2]), int(sys.argv[3])))
