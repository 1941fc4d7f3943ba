"""Nobody keeps what was taken from them: tokens, sessions and connections end with their rights."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.errors import ChatError, ErrorCode, StoreUnavailable
from shared.domain.ids import ConnectionId, PublicId, UserId
from shared.domain.security import Noticed
from shared.flow import rights
from shared.flow.authenticate import OpenSession, ShowToken, grant_by_token, open_session, require_grant

PHONE, OTHER = ConnectionId("phone"), PublicId("5e551011-0000-4000-8000-000000000002")


def given(room: Any, name: str, *roles: str, later_s: float = 0) -> str:
    """Give Sam a token of this moment or later."""
    now = room.clock.now() + timedelta(seconds=later_s)
    caller = replace(room.callers["sam's token"], roles=roles, issued_at=now, expires_at=now + timedelta(hours=1))
    room.services.verifier.callers[name] = caller
    return name


async def on_the_phone(room: Any, rounds: Any, token: str) -> Any:
    """Open another session on another connection."""
    wish = OpenSession(token=token, connection_user=rounds.SAM, connection=PHONE, session_id=OTHER, first=True)
    return await open_session(room.services, wish)


async def code_of(awaited: Any) -> ErrorCode:
    """Do what is refused."""
    with pytest.raises(ChatError) as refused:
        await awaited
    return refused.value.code


@pytest.mark.requirement("authenticate:rights-end")
@pytest.mark.parametrize("roles", [(), ("Sales", "HR")])
async def test_a_token_with_other_roles_ends_all_other_sessions_and_connections(
    room: Any, rounds: Any, roles: tuple[str, ...]
) -> None:
    """Its own session goes on with the new roles; the others must sign in again; it is recorded."""
    await room.sign_in(given(room, "old", "Sales"))

    opened = await on_the_phone(room, rounds, given(room, "new", *roles, later_s=60))

    assert opened.roles == sorted(roles)
    assert room.channel.ended == [(rounds.SAM, PHONE)]
    assert await code_of(require_grant(room.services, rounds.SAM, rounds.SESSION)) is ErrorCode.TOKEN_EXPIRED
    assert (await require_grant(room.services, rounds.SAM, OTHER)).session_id == OTHER
    assert [(event.kind, event.user_id) for event in room.security.events] == [(Noticed.ROLES_CHANGED, rounds.SAM)]


@pytest.mark.requirement("authenticate:rights-end")
async def test_a_call_without_a_connection_ends_every_connection_of_other_roles(room: Any, rounds: Any) -> None:
    """REST spares its own session alone: it names no connection, not even one that does not exist."""
    await room.sign_in(given(room, "old", "Sales"))
    token = given(room, "new", "HR", later_s=60)
    caller = await rights.prove(room.services, token)

    grant = await grant_by_token(room.services, caller, ShowToken(token=token, session_id=OTHER))

    assert grant.roles == ("HR",)
    assert room.channel.ended == [(rounds.SAM, None)]
    assert await code_of(require_grant(room.services, rounds.SAM, rounds.SESSION)) is ErrorCode.TOKEN_EXPIRED
    assert await require_grant(room.services, rounds.SAM, OTHER)


@pytest.mark.requirement("authenticate:rights-end")
async def test_the_older_token_comes_back_with_less(room: Any, rounds: Any) -> None:
    """It keeps what the newest names too, over sockets and REST, and ends nobody's session."""
    await room.sign_in(given(room, "old", "Sales", "HR"))
    await on_the_phone(room, rounds, given(room, "new", "Sales", later_s=60))
    room.channel.ended.clear()

    again = await room.sign_in("old")

    assert again.roles == ["Sales"]
    assert (await rights.prove(room.services, "old")).roles == ("Sales",)
    assert room.channel.ended == []
    assert await require_grant(room.services, rounds.SAM, OTHER)


async def test_the_same_roles_end_nothing(room: Any, rounds: Any) -> None:
    """A refreshed token, and one that spells them otherwise."""
    await room.sign_in(given(room, "old", "Sales"))
    await on_the_phone(room, rounds, given(room, "new", "sales", later_s=60))

    assert room.channel.ended == []
    assert await require_grant(room.services, rounds.SAM, rounds.SESSION)


@pytest.mark.requirement("authenticate:rights-end")
async def test_who_is_signed_out_by_an_admin_is_out_at_once(room: Any, rounds: Any) -> None:
    """Tokens, sessions, connections; a new sign-in is a new beginning; who did it to whom is recorded."""
    await room.sign_in(given(room, "old", "Sales"))
    await on_the_phone(room, rounds, "old")
    admin = replace(room.callers["sam's token"], user_id=UserId("tenant:ada"), roles=("Admin",))

    done = await rights.sign_out(room.services, admin, rounds.SAM)

    assert done.user_id == rounds.SAM
    assert room.channel.ended == [(rounds.SAM, None)]
    for session in (rounds.SESSION, OTHER):
        assert await code_of(require_grant(room.services, rounds.SAM, session)) is ErrorCode.TOKEN_EXPIRED
    assert await code_of(room.sign_in("old")) is ErrorCode.UNAUTHENTICATED
    assert await code_of(rights.prove(room.services, "old")) is ErrorCode.UNAUTHENTICATED
    assert (await room.sign_in(given(room, "new", "Sales", later_s=1))).roles == ["Sales"]
    event = next(one for one in room.security.events if one.kind is Noticed.SIGNED_OUT)
    assert (event.user_id, event.member) == (admin.user_id, rounds.SAM)


@pytest.mark.parametrize(
    ("roles", "whom", "code"),
    [(("Sales",), "tenant:sam", ErrorCode.FORBIDDEN), ((), "tenant:sam", ErrorCode.FORBIDDEN),
     (("Admin",), "other:eve", ErrorCode.NOT_FOUND)],
)  # fmt: skip
async def test_only_an_admin_signs_out_and_only_in_the_own_tenant(
    room: Any, rounds: Any, roles: tuple[str, ...], whom: str, code: ErrorCode
) -> None:
    """Nothing happens otherwise."""
    caller = replace(room.callers["sam's token"], roles=roles)

    assert await code_of(rights.sign_out(room.services, caller, UserId(whom))) is code
    assert room.channel.ended == []
    assert await require_grant(room.services, rounds.SAM, rounds.SESSION)


@pytest.mark.requirement("authenticate:rights-end")
async def test_a_crash_while_sessions_end_is_made_good_by_the_next_sign_in(
    room: Any, rounds: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was left open is remembered as such."""
    await room.sign_in(given(room, "old", "Sales"))
    token = given(room, "new", later_s=60)

    async def dies(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("the process is gone")

    with monkeypatch.context() as broken:
        broken.setattr(room.services.watch.rights, "end_grants", dies)
        with pytest.raises(StoreUnavailable):
            await on_the_phone(room, rounds, token)
    assert await require_grant(room.services, rounds.SAM, rounds.SESSION)

    await on_the_phone(room, rounds, token)

    assert await code_of(require_grant(room.services, rounds.SAM, rounds.SESSION)) is ErrorCode.TOKEN_EXPIRED
    assert room.channel.ended == [(rounds.SAM, PHONE)]


async def test_connections_that_cannot_be_closed_are_without_a_grant_all_the_same(room: Any, rounds: Any) -> None:
    """The sign-in of the new token does not fail for it."""
    await room.sign_in(given(room, "old", "Sales"))
    room.channel.refusals = 99

    await on_the_phone(room, rounds, given(room, "new", later_s=60))

    assert await code_of(require_grant(room.services, rounds.SAM, rounds.SESSION)) is ErrorCode.TOKEN_EXPIRED
