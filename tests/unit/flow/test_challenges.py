"""A sign-in that only the person can complete is passed on; the answer goes on without the tool."""

from typing import Any

import pytest

from shared.domain.errors import ChatError, ErrorCode
from shared.domain.tools import CallState, ToolResult

CLAIMS = '{"access_token":{"polids":{"essential":true,"values":["p"]}}}'


@pytest.mark.requirement("tools:challenge")
@pytest.mark.parametrize("claims", [CLAIMS, None])
async def test_the_asker_is_told_what_the_next_sign_in_must_ask_for(room: Any, rounds: Any, claims: str | None) -> None:
    """By an error that names the turn and the challenge; the call failed, the turn did not."""
    refusal = ChatError(ErrorCode.INTERACTION_REQUIRED, "Sign in once more.", claims=claims)
    room.tools.answers["sfdc/pipeline"] = ToolResult(
        state=CallState.FAILED, text="Sign in once more.", summary="Sign in once more.", challenge=refusal
    )
    room.scripted(rounds.asks_for("sfdc__pipeline"), rounds.says("I could not look it up."))

    await room.ask()
    await room.run()

    (told,) = room.frames("error")
    turn = await room.turn(room.started())
    assert (told.code, told.in_reply_to, told.turn_id) == ("interaction_required", "query", turn.turn_id)
    assert told.claims == claims
    assert told.correlation_id
    assert not told.retryable
    assert room.channel.sent[[sent.frame for sent in room.channel.sent].index(told)].user_id == rounds.SAM
    assert turn.sealed is not None
    assert turn.sealed.content == "I could not look it up."
