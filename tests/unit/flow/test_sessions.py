"""Sessions: who they belong to, what they may use, how long they last."""

from typing import Any

import pytest

from shared.domain.errors import ChatError, ErrorCode
from shared.domain.ids import UserId
from shared.flow import connect, export
from shared.flow.authenticate import require_grant


@pytest.mark.requirement("authenticate:session-created")
async def test_the_first_update_creates_and_later_ones_refresh(empty_room: Any) -> None:
    """`session.created` first on a connection, `session.updated` after."""
    created = await empty_room.sign_in()
    updated = await empty_room.sign_in(first=False)

    assert (created.type, updated.type) == ("session.created", "session.updated")
    assert (created.role, created.roles, created.last_seq) == ("Sales", ["Sales"], 0)
    assert {(tool.server, tool.name) for tool in created.tools} == {("sfdc", "pipeline"), ("sfdc", "log_activity")}
    assert created.resumed is False
    assert created.active_turn is None


@pytest.mark.requirement("authenticate:own-person")
async def test_another_persons_token_is_forbidden_and_has_no_effect(empty_room: Any, rounds: Any) -> None:
    """The token must be of the connection's own user."""
    with pytest.raises(ChatError) as refused:
        await empty_room.sign_in("eve's token")

    assert refused.value.code is ErrorCode.FORBIDDEN
    assert await empty_room.users.grant(rounds.SAM, rounds.SESSION) is None


async def test_an_unknown_token_is_unauthenticated(empty_room: Any) -> None:
    """Any token that does not verify."""
    with pytest.raises(ChatError) as refused:
        await empty_room.sign_in("made up")

    assert refused.value.code is ErrorCode.UNAUTHENTICATED


async def test_before_the_first_update_nothing_is_allowed(empty_room: Any, rounds: Any) -> None:
    """No session, no grant."""
    with pytest.raises(ChatError) as refused:
        await require_grant(empty_room.services, rounds.SAM, None)

    assert refused.value.code is ErrorCode.UNAUTHENTICATED


async def test_a_session_ends_with_its_token(room: Any, rounds: Any) -> None:
    """An open socket outlives no right."""
    room.clock.advance(3601)

    with pytest.raises(ChatError) as refused:
        await require_grant(room.services, rounds.SAM, rounds.SESSION)

    assert refused.value.code is ErrorCode.TOKEN_EXPIRED


async def test_someone_without_a_role_is_told_so_and_gets_no_tools(empty_room: Any) -> None:
    """Default deny, with the notice `no_role`."""
    empty_room.without_roles()

    created = await empty_room.sign_in()

    assert (created.role, created.tools) == (None, [])
    assert [frame.code for frame in empty_room.frames("notice")] == ["no_role"]


async def test_the_token_is_kept_sealed_and_never_in_clear(room: Any, rounds: Any) -> None:
    """What is stored of a session cannot be read back as a token."""
    documents = room.users.documents(rounds.SAM)

    assert documents
    assert "sam's token" not in str(documents)


@pytest.mark.requirement("connect:handshake")
@pytest.mark.parametrize(
    ("user", "origin", "code"),
    [
        ("tenant:sam", None, None),
        ("tenant:sam", "http://page", None),
        ("tenant:sam", "http://evil", ErrorCode.FORBIDDEN),
        ("", None, ErrorCode.UNAUTHENTICATED),
        (None, "http://page", ErrorCode.UNAUTHENTICATED),
    ],
)
def test_a_handshake_needs_a_person_and_a_page_of_ours(user: str | None, origin: str | None, code: Any) -> None:
    """No anonymous connections, no foreign pages."""
    if code is None:
        connect.admit(user, origin, ["http://page"])
        return
    with pytest.raises(ChatError) as refused:
        connect.admit(user, origin, ["http://page"])
    assert refused.value.code is code


async def test_a_client_url_lives_five_minutes(room: Any) -> None:
    """Its expiry is checked at the handshake only."""
    caller = room.callers["sam's token"]

    access = await connect.negotiate(room.services, caller)

    assert (access.expires_at - room.clock.now()).total_seconds() == 300
    assert access.user_id == caller.user_id


@pytest.mark.requirement("api:export")
async def test_an_export_has_every_message_of_its_owner_and_nobody_elses(room: Any, rounds: Any) -> None:
    """Page after page; a foreign session is as absent as one that never was."""
    for number in range(3):
        room.scripted(rounds.says(f"Answer {number}."))
        await room.ask(f"Question {number}?")
        await room.run()

    whole = await export.whole_session(room.services, rounds.SAM, rounds.SESSION)

    assert [message.seq for message in whole.items] == [1, 2, 3, 4, 5, 6]
    assert whole.title == "Question 0?"
    with pytest.raises(ChatError) as refused:
        await export.whole_session(room.services, UserId("other:eve"), rounds.SESSION)
    assert refused.value.code is ErrorCode.NOT_FOUND


async def test_an_export_reads_on_over_many_pages(room: Any, rounds: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the last message."""
    monkeypatch.setattr(export, "PAGE", 1)
    room.scripted(rounds.says("Fine."))
    await room.ask("How is it?")
    await room.run()

    whole = await export.whole_session(room.services, rounds.SAM, rounds.SESSION)

    assert [message.content for message in whole.items] == ["How is it?", "Fine."]
