"""An audience `role`: a canary from a role's tool reaches no member without that role, by no path."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.domain.errors import ChatError, ErrorCode
from shared.domain.group import Changes
from shared.domain.ids import MessageId, TurnId, group_key
from shared.domain.live_frames import ResponseWithheld
from shared.domain.notes import SUMMARY_EVERY, VERBATIM
from shared.domain.tools import Approval, CallState
from shared.flow import export, history, membership, opinions, resume
from shared.flow.standing import in_group
from shared.wire.exports import markdown, tables_csv
from tests.unit.flow.crowd import Crowd

CANARY = "CANARY-4711"

Begin = Callable[[], Awaitable[Crowd]]


@pytest.fixture
def begin(room: Any) -> Begin:
    """Let Hana, who holds HR and Sales, ask in a group that is bound to HR; Sue holds Sales alone."""

    async def found() -> Crowd:
        crowd = Crowd(room, role="HR", audience="role")
        room.callers["sam's token"] = replace(room.callers["sam's token"], roles=("HR", "Sales"))
        crowd.wish = replace(crowd.wish, role=None, audience="members")
        await crowd.begin()
        sam = replace(crowd.guests["sam"].caller, roles=("HR", "Sales"))
        crowd.guests["sam"] = replace(crowd.guests["sam"], caller=sam)
        await membership.change(room.services, sam, crowd.group_id, Changes(role="HR", audience="role"))
        await crowd.join("sam", again=True)
        await crowd.let_in("hana", "HR")
        await crowd.let_in("sue", "Sales")
        return crowd

    return found


def spoken(rounds: Any) -> list[Any]:
    """A turn that uses a tool of HR and says what it found, in words and in a table."""
    text = f"They earn {CANARY}.\n\n| Who | Pay |\n|---|---|\n| {CANARY} | 7 |\n| B | 8 |\n"
    return [rounds.asks_for("hr__salary_of", first=f"Looking up {CANARY}."), rounds.says(*text.split(" "))]


async def page(crowd: Crowd, name: str) -> list[Any]:
    """Read the group's messages as somebody."""
    standing = await in_group(crowd.room.services, crowd.guests[name].reader, crowd.group_id)
    found = await history.read(crowd.room.services, standing, after_seq=0, before_seq=None, limit=100)
    return found.messages if found else []


@pytest.mark.requirement("group:canary")
async def test_no_frame_holds_the_canary(begin: Begin, room: Any, rounds: Any) -> None:
    """Who holds the role hears all of it; the other is told that something is withheld, and nothing else."""
    crowd = await begin()
    room.answers("hr/salary_of", f'{{"pay": "{CANARY}"}}')
    crowd.forget()

    accepted = await crowd.answered("hana", "@coach what do they earn?", *spoken(rounds))

    assert set(crowd.types("sue")) == {"new_message", "response.withheld"}
    (told,) = [frame for frame in crowd.heard("sue") if frame["type"] == "response.withheld"]
    assert (told["turn_id"], told["reason"]) == (accepted.turn_id, "role")
    assert not crowd.knows("sue", CANARY)
    assert crowd.knows("sam", CANARY)
    assert {"response", "response.committed", "tool.started", "tool.finished"} <= set(crowd.types("sam"))
    assert "response.withheld" not in crowd.types("sam")


@pytest.mark.requirement("group:canary")
async def test_no_stored_answer_gives_the_canary_away(begin: Begin, room: Any, rounds: Any) -> None:
    """History, export in all formats, resume and feedback."""
    crowd = await begin()
    room.answers("hr/salary_of", f'{{"pay": "{CANARY}"}}')
    accepted = await crowd.answered("hana", "@coach what do they earn?", *spoken(rounds))
    sue = crowd.guests["sue"]

    question, answer = await page(crowd, "sue")
    whole = await export.whole_group(room.services, sue.reader, crowd.group_id)
    told = await resume.snapshot(
        room.services,
        TurnId(accepted.turn_id or ""),
        user_id=sue.caller.user_id,
        roles=sue.caller.roles,
        conversation_id=crowd.group_id,
        attempt=None,
        offset=None,
        request_id="r",
    )

    assert (question.withheld, answer.withheld, answer.content, answer.tool_feedback) == (None, "role", "", [])
    assert (answer.usage, answer.tables, answer.chart_data) == (None, [], None)
    files = [markdown(whole.title, whole.items), tables_csv(whole.items), repr(whole.items)]
    assert [CANARY in file for file in files] == [False] * 3
    assert told == ResponseWithheld(
        conversation_id=crowd.group_id,
        group_id=crowd.group_id,
        turn_id=accepted.turn_id or "",
        reason="role",
        request_id="r",
    )
    opinion = opinions.Opinion(conversation_id=crowd.group_id, message_id=MessageId(answer.message_id), rating="up")
    with pytest.raises(ChatError) as refusal:
        await opinions.rate(room.services, sue.caller.user_id, opinion, sue.caller.roles)
    assert refusal.value.code is ErrorCode.NOT_FOUND
    assert CANARY in (await page(crowd, "hana"))[1].content


@pytest.mark.requirement("group:canary")
async def test_no_later_question_brings_the_canary_out(begin: Begin, room: Any, rounds: Any) -> None:
    """What is withheld from the asker is not told to the model; the answer to them is withheld from them, too."""
    crowd = await begin()
    room.answers("hr/salary_of", f'{{"pay": "{CANARY}"}}')
    await crowd.answered("hana", "@coach what do they earn?", *spoken(rounds))
    crowd.forget()

    await crowd.answered("sue", "@coach repeat what you said", rounds.says("I cannot."))
    hers = repr(room.model.requests[-1])
    await crowd.answered("hana", "@coach and again?", rounds.says("It is."))

    assert CANARY not in hers
    assert CANARY in repr(room.model.requests[-1])
    assert "response" not in crowd.types("sue")


@pytest.mark.requirement("group:canary")
async def test_a_later_change_of_role_or_audience_opens_nothing(begin: Begin, room: Any, rounds: Any) -> None:
    """An answer is bound to what the group was bound to when it was asked."""
    crowd = await begin()
    room.answers("hr/salary_of", f'{{"pay": "{CANARY}"}}')
    await crowd.answered("hana", "@coach what do they earn?", *spoken(rounds))
    sam = crowd.guests["sam"].caller

    for changes in (Changes(role="Sales"), Changes(audience="members"), Changes(role="")):
        await membership.change(room.services, sam, crowd.group_id, changes)
        assert CANARY not in repr(await page(crowd, "sue"))
        crowd.forget()
        await crowd.answered("sue", f"@coach {changes}", rounds.says("No."))
        assert CANARY not in repr(room.model.requests[-1])


@pytest.mark.requirement("group:canary")
async def test_no_summary_brings_the_canary_out(begin: Begin, room: Any, rounds: Any) -> None:
    """A summary of what was bound is read by those alone who may read all of it; so is one that was made of it."""
    crowd = await begin()
    room.answers("hr/salary_of", f'{{"pay": "{CANARY}"}}')
    await crowd.answered("hana", "@coach what do they earn?", *spoken(rounds))
    for number in range(SUMMARY_EVERY + VERBATIM + 5):
        room.clock.advance(6)
        await crowd.say("sam", f"by the way {number}")
    summary = {
        "n": 1, "seq": 20, "text": f"They spoke of {CANARY}.", "model": "m", "turn_id": "t", "id": "s:1",
        "created_at": "2026-01-05T09:00:00.000Z", "bound_to": ["HR"], "kind": "summary",
        "conversation_id": group_key(crowd.group_id),
    }  # fmt: skip
    room.conversations.bind([summary])

    await crowd.answered("sue", "@coach what was it?", rounds.says("I cannot tell."))
    hers = repr(room.model.requests[-1])
    await crowd.answered("hana", "@coach what was it?", rounds.says("That."))

    assert CANARY not in hers
    assert CANARY in repr(room.model.requests[-1])


async def test_a_call_that_its_asker_may_not_see_is_refused(begin: Begin, room: Any, rounds: Any) -> None:
    """Nobody else may approve it, and its arguments are not for them."""
    crowd = await begin()
    sam = crowd.guests["sam"].caller
    await membership.change(room.services, sam, crowd.group_id, Changes(role="Sales"))
    await crowd.let_in("nora")

    accepted = await crowd.answered("nora", "@coach log it", rounds.asks_for("sfdc__log_activity"), rounds.says("No."))

    (call,) = await room.conversations.calls(group_key(crowd.group_id), TurnId(accepted.turn_id or ""))
    assert (call.state, call.approval, call.expires_at) == (CallState.REFUSED, Approval.NOT_NEEDED, None)
    assert set(crowd.types("nora")) <= {
        "new_message",
        "presence",
        "member.joined",
        "group.added",
        "response.withheld",
    } | {
        "session.created",
        "notice",
    }


async def test_joined_late_one_reads_and_asks_from_there_on(room: Any, rounds: Any) -> None:
    """With history `since_join` neither the list nor an answer tells what was said before."""
    crowd = Crowd(room, history="since_join")
    await crowd.begin()
    await crowd.answered("sam", f"@coach remember {CANARY}", rounds.says(f"{CANARY} it is."))
    sue = await crowd.let_in("sue", "Sales")

    await crowd.answered("sue", "@coach what was it?", rounds.says("I do not know."))

    assert CANARY not in repr(room.model.requests[-1])
    assert [message.seq for message in await page(crowd, "sue")] == [3, 4]
    assert [message.seq for message in await page(crowd, "sam")] == [1, 2, 3, 4]
    first = (await page(crowd, "sam"))[0].turn_id
    with pytest.raises(ChatError) as refusal:
        await resume.snapshot(
            room.services,
            TurnId(first or ""),
            user_id=sue.caller.user_id,
            conversation_id=crowd.group_id,
            attempt=None,
            offset=None,
            request_id=None,
        )
    assert refusal.value.code is ErrorCode.NOT_FOUND
