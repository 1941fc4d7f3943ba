"""Security events: what is recorded, without content, and who may read it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from shared.domain.errors import ChatError, ErrorCode
from shared.domain.security import Noticed
from shared.flow import watching
from shared.wire.outbound import to_json


@pytest.mark.requirement("security:recorded")
async def test_a_foreign_token_is_recorded(room: Any, rounds: Any) -> None:
    """With the person of the connection; a token that does not verify is nobody's and is not."""
    for token in ("eve's token", "no token"):
        with pytest.raises(ChatError):
            await room.sign_in(token)

    assert [(event.kind, event.user_id) for event in room.security.events] == [(Noticed.FOREIGN_TOKEN, rounds.SAM)]


@pytest.mark.requirement("security:recorded")
async def test_calls_of_restricted_tools_and_neutralised_text_are_recorded_without_content(
    room: Any, rounds: Any
) -> None:
    """Done ones and refused ones, an invented name not even by name; each once."""
    room.answers("sfdc/pipeline")
    room.scripted(
        rounds.asks_for("sfdc__pipeline", "hr__salary_of", "hr__secret_canary", first="![canary](https://c.example/)"),
        rounds.says("<b>canary</b> [x](http://canary.example)"),
    )

    await room.ask("canary?")
    await room.run()

    calls = [event for event in room.security.events if event.kind is Noticed.TOOL_CALLED]
    texts = [event for event in room.security.events if event.kind is Noticed.TEXT_NEUTRALISED]
    assert sorted((event.server, event.tool, event.outcome) for event in calls if event.tool) == [
        ("hr", "salary_of", "refused"), ("sfdc", "pipeline", "done"),
    ]  # fmt: skip
    assert [(event.server, event.tool) for event in calls if event.tool is None] == [("hr", None)]
    assert [event.counts for event in texts] == [{"image": 1}, {"link": 1, "tag": 2}]
    assert {event.user_id for event in room.security.events} == {rounds.SAM}
    assert "canary" not in json.dumps([to_json(event) for event in room.security.events])


@pytest.mark.requirement("security:recorded")
async def test_a_flood_of_unproved_events_leaves_one_record_a_minute(room: Any) -> None:
    """With their number."""
    for _ in range(50):
        await watching.note_unproved(room.services)
    room.clock.advance(61)
    await watching.note_unproved(room.services)

    assert [event.counts for event in room.security.events] == [{"events": 1}, {"events": 50}]


@pytest.mark.requirement("security:admin-only")
async def test_only_an_admin_reads_the_records_and_is_recorded(room: Any, rounds: Any) -> None:
    """Everyone else is refused."""
    sam = room.callers["sam's token"]
    with pytest.raises(ChatError) as refused:
        await watching.events(room.services, sam, None, cursor=None, limit=10)

    page = await watching.events(room.services, replace(sam, roles=("admin",)), None, cursor=None, limit=10)

    assert refused.value.code is ErrorCode.FORBIDDEN
    assert [(event.kind, event.user_id) for event in page.items] == [(Noticed.EVENTS_READ, rounds.SAM)]
