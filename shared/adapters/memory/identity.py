"""Prove persons by a list, and keep tokens as they are: for tests only, nothing here is secret."""

import asyncio
import base64
import json
from collections.abc import Mapping

from shared.domain.errors import ChatError, ErrorCode
from shared.domain.identity import Caller
from shared.domain.ids import PublicId, UserId
from shared.ports import Clock


class MemoryVerifier:
    """Meet TokenVerifier by a table of tokens."""

    def __init__(self, callers: Mapping[str, Caller], clock: Clock) -> None:
        self.callers = dict(callers)
        self._clock = clock

    async def verify(self, token: str) -> Caller:
        """Give the token's person."""
        await asyncio.sleep(0)
        caller = self.callers.get(token)
        if caller is None or caller.expires_at <= self._clock.now():
            raise ChatError(ErrorCode.UNAUTHENTICATED, "The access token is not valid.")
        return caller


class MemorySealer:
    """Meet TokenSealer without any secrecy."""

    async def seal(self, token: str, *, user_id: UserId, session_id: PublicId) -> str:
        """Wrap the token with user and session."""
        return base64.b64encode(json.dumps([user_id, session_id, token]).encode()).decode()

    async def open(self, sealed: str, *, user_id: UserId, session_id: PublicId) -> str:
        """Give back what `seal` wrapped for the same user and session."""
        owner, session, token = json.loads(base64.b64decode(sealed))
        if (owner, session) != (user_id, session_id):
            raise ChatError(ErrorCode.TOKEN_EXPIRED, "The kept token cannot be opened.")
        return token
