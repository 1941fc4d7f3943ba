"""A group's conversation in memory: who is answered, who hears what, and who may do what."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.domain.errors import ChatError, ErrorCode
from shared.domain.group import Changes
from shared.domain.ids import ConnectionId, MessageId, PublicId, TurnId, group_key, key_of, room_name
from shared.domain.text import paced
from shared.domain.tools import Approval
from shared.flow import approvals, attend, history, membership, presence, resume, tools
from shared.flow.standing import in_group
from tests.unit.flow.crowd import Crowd

Begin = Callable[..., Awaitable[Crowd]]


@pytest.fixture
def begin(room: Any) -> Begin:
    """Found a group of Sam's."""

    async def found(**wish: Any) -> Crowd:
        crowd = Crowd(room, **wish)
        await crowd.begin()
        return crowd

    return found


async def refused(work: Awaitable[Any]) -> ErrorCode:
    """Give the code of a refusal."""
    with pytest.raises(ChatError) as refusal:
        await work
    return refusal.value.code


async def read(crowd: Crowd, name: str) -> list[Any]:
    """Read the group's messages as somebody."""
    standing = await in_group(crowd.room.services, crowd.guests[name].reader, crowd.group_id)
    page = await history.read(crowd.room.services, standing, after_seq=0, before_seq=None, limit=100)
    return page.messages if page else []


async def test_what_people_say_to_each_other_is_stored_without_a_turn(begin: Begin, room: Any) -> None:
    """No mention, no model call, no tokens set aside; everyone else is shown the message."""
    crowd = await begin()
    await crowd.let_in("sue", "Sales")

    accepted = await crowd.say("sam", "Good morning")

    (message,) = await read(crowd, "sue")
    assert (accepted.turn_id, message.turn_id, message.seq, message.content) == (None, None, 1, "Good morning")
    assert room.engine.started == []
    assert "new_message" in crowd.types("sue")
    assert "new_message" not in crowd.types("sam")
    allowance = (await room.allowances.allowance(crowd.guests["sam"].caller.user_id)).allowance
    assert allowance.reserved == ()
    assert len(allowance.counted) == 1


async def test_a_mention_is_answered_to_everyone(begin: Begin, room: Any, rounds: Any) -> None:
    """The answer streams to all who joined; the model is told who said what."""
    crowd = await begin()
    await crowd.let_in("sue", "Sales")
    await crowd.say("sam", "The budget is 40")

    accepted = await crowd.answered("sue", "@coach what is the budget?", rounds.says("It is ", "40."))

    assert {"response.started", "response.delta", "response", "response.committed"} <= set(crowd.types("sam"))
    assert crowd.types("sam").count("response.delta") == crowd.types("sue").count("response.delta")
    said = [one.text for one in room.model.requests[-1].said]
    assert said == ["[Sam]\nThe budget is 40", "[Sue]\n@coach what is the budget?"]
    assert [one.turn_id for one in await read(crowd, "sam")][1:] == [accepted.turn_id] * 2


@pytest.mark.parametrize(
    ("policy", "who", "content", "answered"),
    [
        ("mention", "sue", "hello", False),
        ("always", "sue", "hello", True),
        ("quiet", "sue", "@coach hello", False),
        ("quiet", "sam", "@coach hello", True),
        ("mention", "sue", "@guide hello", True),
    ],
)
async def test_the_policy_and_the_configured_name_decide(
    begin: Begin, room: Any, policy: str, who: str, content: str, answered: bool
) -> None:
    """A turn starts or none does, without a model call."""
    room.services = replace(room.services, coach_names=("coach", "guide"))
    crowd = await begin(reply_policy=policy)
    await crowd.let_in("sue", "Sales")

    accepted = await crowd.say(who, content)

    assert (accepted.turn_id is not None) is answered
    assert bool(room.engine.started) is answered
    assert room.model.requests == []


@pytest.mark.requirement("group:query-checks-membership")
async def test_only_members_of_an_active_group_that_was_joined_may_speak(begin: Begin, room: Any) -> None:
    """A stranger and who was removed find no group; archived and not joined are a conflict; nothing is stored."""
    crowd = await begin()
    await crowd.let_in("sue", "Sales")
    await crowd.meet("eve", "Sales")
    sam = crowd.guests["sam"].caller

    strange = await refused(crowd.say("eve", "let me in"))
    apart = await refused(crowd.say("sam", "hello", joined=False))
    await crowd.put_out("sue")
    removed = await refused(crowd.say("sue", "still here"))
    await membership.change(room.services, sam, crowd.group_id, Changes(status="archived"))
    archived = await refused(crowd.say("sam", "hello"))

    assert (strange, removed) == (ErrorCode.NOT_FOUND, ErrorCode.NOT_FOUND)
    assert (apart, archived) == (ErrorCode.CONFLICT, ErrorCode.CONFLICT)
    assert await room.conversations.head(group_key(crowd.group_id)) is None


async def test_the_same_words_within_ten_seconds_are_a_duplicate(begin: Begin, room: Any) -> None:
    """From the same sender, without an id; then they are said anew. With ids the id alone counts."""
    crowd = await begin()
    await crowd.let_in("sue", "Sales")

    first, again = await crowd.say("sam", "yes"), await crowd.say("sam", "yes")
    other = await crowd.say("sue", "yes")
    room.clock.advance(10.5)
    later = await crowd.say("sam", "yes")
    named = "0e3c0d3e-0000-4000-8000-000000000001"
    ids = [await crowd.say("sam", "yes", named), await crowd.say("sam", "yes", named)]

    assert [one.duplicate for one in (first, again, other, later)] == [False, True, False, False]
    assert again.message_id == first.message_id
    assert [one.duplicate for one in ids] == [False, True]
    assert len(await read(crowd, "sam")) == 4
    assert crowd.types("sue").count("new_message") == 3


async def test_a_foreign_message_id_is_a_conflict(begin: Begin) -> None:
    """Somebody else's id, or the same with other words."""
    crowd = await begin()
    await crowd.let_in("sue", "Sales")
    named = "0e3c0d3e-0000-4000-8000-000000000002"
    await crowd.say("sam", "mine", named)

    assert await refused(crowd.say("sue", "mine", named)) is ErrorCode.CONFLICT
    assert await refused(crowd.say("sam", "other", named)) is ErrorCode.CONFLICT


@pytest.mark.requirement("group:asker-only")
async def test_arguments_and_approvals_reach_the_asker_alone(begin: Begin, room: Any, rounds: Any) -> None:
    """Everyone sees that a tool is called; with what, and whether it may, is the asker's."""
    crowd = await begin(role="Sales")
    await crowd.let_in("sue", "Sales")
    room.answers("sfdc/pipeline")
    room.scripted(rounds.asks_for("sfdc__pipeline"), rounds.asks_for("sfdc__log_activity"), rounds.says("Done."))
    await crowd.say("sue", "@coach log it")

    await room.run()

    started = {name: [f for f in crowd.heard(name) if f["type"] == "tool.started"] for name in ("sam", "sue")}
    assert ["arguments" in frame for frame in started["sam"]] == [False]
    assert ["arguments" in frame for frame in started["sue"]] == [False, True]
    assert len({frame["call_id"] for frame in started["sue"]}) == 1
    assert "tool.approval_required" in crowd.types("sue")
    assert "tool.approval_resolved" in crowd.types("sue")
    assert not {"tool.approval_required", "tool.approval_resolved"} & set(crowd.types("sam"))
    (call,) = [call.context for call in room.tools.called]
    assert (call.user_id, call.email) == (crowd.guests["sue"].caller.user_id, "sam@example.com")


async def test_an_approval_waits_for_two_minutes(begin: Begin, room: Any, rounds: Any) -> None:
    """In a group others wait, too."""
    crowd = await begin(role="Sales")
    room.scripted(rounds.asks_for("sfdc__log_activity"), rounds.says("Not done."))
    began = room.clock.now()
    accepted = await crowd.say("sam", "@coach log it")

    await room.run()

    (call,) = await room.conversations.calls(group_key(crowd.group_id), TurnId(accepted.turn_id or ""))
    assert call.approval is Approval.TIMEOUT
    assert call.expires_at is not None
    assert 119 < (call.expires_at - began).total_seconds() < 125


async def test_everyone_works_in_the_groups_role(begin: Begin, room: Any, rounds: Any) -> None:
    """Nora holds no role, and is offered the tools of the group's; in a group without one, none."""
    bound, free = await begin(role="Sales"), await begin()
    for crowd in (bound, free):
        await crowd.let_in("nora")
        await crowd.answered("nora", "@coach?", rounds.says("Yes."))

    offered = [[tool.name for tool in request.tools] for request in room.model.requests]
    assert offered == [["pipeline", "log_activity"], []]


@pytest.mark.requirement("group:cancel")
async def test_asker_owner_and_admin_may_stop_an_answer(begin: Begin, room: Any) -> None:
    """Another member may not; for a stranger there is no such turn."""
    crowd = await begin()
    for name, role in {"sue": "Sales", "tom": "Sales"}.items():
        await crowd.let_in(name, role)
    for name, role in {"eve": "Sales", "ada": "Admin"}.items():
        await crowd.meet(name, role)
    far = replace(crowd.guests["ada"].caller, user_id="other:ada")

    async def stop(name: str, **other: Any) -> None:
        caller = replace(crowd.guests[name].caller, **other)
        await resume.cancel(room.services, room.engine, turn, caller.user_id, caller.roles)

    accepted = await crowd.say("sue", "@coach tell me all")
    turn = TurnId(accepted.turn_id or "")

    assert await refused(stop("tom")) is ErrorCode.FORBIDDEN
    assert await refused(stop("eve")) is ErrorCode.NOT_FOUND
    assert await refused(stop("ada", user_id=far.user_id)) is ErrorCode.NOT_FOUND
    for name in ("sam", "ada", "sue"):
        await stop(name)


async def test_turns_of_a_group_run_one_at_a_time_and_in_order(begin: Begin, room: Any, rounds: Any) -> None:
    """Three people call at once: the second and third wait."""
    crowd = await begin()
    for name in ("sue", "tom"):
        await crowd.let_in(name, "Sales")

    turns = [(await crowd.say(name, f"@coach {name}?")).turn_id for name in ("sam", "sue", "tom")]
    for name in ("sam", "sue", "tom"):
        room.scripted(rounds.says(f"For {name}."))
        await room.run()

    assert [ref.turn_id for ref in room.engine.started] == turns
    answers = [one for one in await read(crowd, "tom") if one.author == "assistant"]
    assert [(one.turn_id, one.content) for one in answers] == [
        (turn, f"For {name}.") for turn, name in zip(turns, ("sam", "sue", "tom"), strict=True)
    ]


async def test_a_question_that_waited_long_is_found_behind_much_talk(begin: Begin, room: Any, rounds: Any) -> None:
    """More was said since than the model is given; the question and the answer before it are there."""
    crowd = await begin()
    await crowd.let_in("sue", "Sales")
    await crowd.say("sam", "@coach one?")
    await crowd.say("sue", "@coach two?")
    for number in range(45):
        room.clock.advance(6)
        await crowd.say("sam", f"by the way {number}")
    room.scripted(rounds.says("One."))
    await room.run()
    room.scripted(rounds.says("Two."))

    await room.run()

    said = [one.text for one in room.model.requests[-1].said]
    assert said == ["[Sam]\n@coach one?", "One.", "[Sue]\n@coach two?"]


@pytest.mark.requirement("group:join-then-read")
async def test_joining_enters_the_rooms_before_the_state_is_read(begin: Begin, room: Any) -> None:
    """What is said in between is heard; a turn that runs is named."""
    crowd = await begin(role="Sales")
    sue = await crowd.let_in("sue", "Sales")
    accepted = await crowd.say("sam", "@coach?")

    joined = await crowd.join("sue", again=True)

    assert joined.active_turn is not None
    assert (joined.active_turn.turn_id, joined.last_seq, joined.policy) == (accepted.turn_id, 1, "mention")
    assert [member.name for member in joined.members] == ["Sam", "Sue"]
    entered = {place for place, connection in room.channel.entered if connection == sue.connection}
    assert entered == {crowd.hall, room_name(group_key(crowd.group_id), "Sales")}


@pytest.mark.requirement("group:removed-while-joining")
async def test_who_is_removed_while_joining_is_taken_out_again(
    begin: Begin, room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The removal emptied the rooms before the connection came in."""
    crowd = await begin()
    sue = await crowd.let_in("sue", "Sales")
    await attend.leave_rooms(room.services, group_key(crowd.group_id), sue.connection)
    enter = room.channel.enter

    async def enter_late(place: Any, connection: Any) -> None:
        if connection == sue.connection and place == crowd.hall:
            await crowd.put_out("sue")
        await enter(place, connection)

    monkeypatch.setattr(room.channel, "enter", enter_late)

    assert await refused(crowd.join("sue")) is ErrorCode.NOT_FOUND
    assert sue.connection not in {connection for _, connection in room.channel.entered}


async def test_strangers_cannot_join_and_learn_nothing(begin: Begin) -> None:
    """The same words for their group and for none."""
    crowd = await begin()
    await crowd.meet("eve", "Sales")

    assert await refused(crowd.join("eve")) is ErrorCode.NOT_FOUND
    crowd.group_id = PublicId("0e3c0d3e-0000-4000-8000-000000000003")
    assert await refused(crowd.join("sam")) is ErrorCode.NOT_FOUND


async def test_a_new_token_opens_and_closes_the_rooms_of_roles(begin: Begin, room: Any) -> None:
    """Who lost a role is out of its room with the next `session.update`, who was removed out of all."""
    crowd = await begin(role="Sales", audience="role")
    sue = await crowd.let_in("sue", "Sales")
    key = group_key(crowd.group_id)

    await attend.renew(room.services, replace(sue.reader, roles=()), sue.connection, (crowd.group_id,))
    poorer = {place for place, connection in room.channel.entered if connection == sue.connection}
    await membership.remove(room.services, crowd.guests["sam"].caller, crowd.group_id, sue.caller.user_id)
    await attend.renew(room.services, sue.reader, sue.connection, (crowd.group_id,))

    assert poorer == {room_name(key)}
    assert sue.connection not in {connection for _, connection in room.channel.entered}


async def test_leaving_is_silent_from_then_on(begin: Begin, room: Any) -> None:
    """For this connection; what it never joined does not exist for it."""
    crowd = await begin()
    sue = await crowd.let_in("sue", "Sales")
    wish = attend.Attend(reader=sue.reader, connection=sue.connection, group_id=crowd.group_id, again=True)

    left = await attend.leave(room.services, wish)
    crowd.forget()
    await crowd.say("sam", "Is she gone?")

    assert left.group_id == crowd.group_id
    assert crowd.heard("sue") == []
    assert await refused(attend.leave(room.services, replace(wish, again=False))) is ErrorCode.NOT_FOUND


@pytest.mark.requirement("group:removed-mid-answer")
async def test_a_removed_member_hears_nothing_more_of_an_answer(begin: Begin, room: Any, rounds: Any) -> None:
    """Neither what goes to all nor what was for the asker alone."""
    crowd = await begin(role="Sales")
    await crowd.let_in("sue", "Sales")
    room.scripted(rounds.asks_for("sfdc__pipeline", first="Let me see."), rounds.says("The canary is 7."))
    await crowd.say("sue", "@coach?")
    room.answers("sfdc/pipeline")
    run_tool = tools.run_tool

    async def run_late(*arguments: Any) -> Any:
        await crowd.put_out("sue")
        crowd.forget()
        return await run_tool(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tools, "run_tool", run_late)
        await room.run()

    assert crowd.heard("sue") == []
    assert crowd.knows("sam", "The canary is 7.")


async def test_presence_tells_who_is_there(begin: Begin, room: Any) -> None:
    """Once for each person who comes or goes; a second device tells nobody anything new."""
    crowd = await begin()
    sue = await crowd.let_in("sue", "Sales")
    phone = ConnectionId("sue-phone")
    room.channel.people[phone] = sue.caller.user_id
    shown = [frame["online"] for frame in crowd.heard("sam") if frame["type"] == "presence"]
    crowd.forget()

    await attend.join(room.services, attend.Attend(reader=sue.reader, connection=phone, group_id=crowd.group_id))
    quiet = crowd.types("sam")
    room.channel.entered -= {(crowd.hall, phone)}
    await presence.went(room.services, crowd.group_id, sue.caller.user_id, phone)
    still = crowd.types("sam")
    await presence.went(room.services, crowd.group_id, sue.caller.user_id, sue.connection)

    sam = crowd.guests["sam"].caller.user_id
    assert shown == [[sam], sorted([sam, sue.caller.user_id])]
    assert (quiet, still) == ([], [])
    assert crowd.heard("sam")[-1]["online"] == [sam]


@pytest.mark.requirement("group:presence-expires")
async def test_a_lost_disconnected_is_noticed_by_the_next_who_does_something(begin: Begin, room: Any) -> None:
    """The service knows who is there; half a minute later somebody looks."""
    crowd = await begin()
    sue = await crowd.let_in("sue", "Sales")
    room.channel.entered -= {(crowd.hall, sue.connection)}

    await crowd.say("sam", "anybody?")
    early = crowd.heard("sam")[-1]
    room.clock.advance(31)
    await crowd.say("sam", "hello?")

    assert early["type"] != "presence" or len(early["online"]) == 2
    assert crowd.heard("sam")[-1]["online"] == [crowd.guests["sam"].caller.user_id]


@pytest.mark.requirement("group:typing")
async def test_typing_is_relayed_once_in_three_seconds_and_stored_nowhere(begin: Begin, room: Any) -> None:
    """To the others; who sends more often is not told off."""
    crowd = await begin()
    sue = await crowd.let_in("sue", "Sales")
    who = presence.Here(reader=sue.reader, name="Sue", connection=sue.connection)
    before = json.dumps([room.conversations.everything()], default=str)
    crowd.forget()

    async def write(at: float, *, joined: bool = True) -> float:
        return await presence.typing(room.services, who, crowd.group_id, writes=True, joined=joined, typed_at=at)

    at = await write(0.0)
    assert await write(at) == at
    room.clock.advance(3)
    assert await write(at) > at

    shown = [frame for frame in crowd.heard("sam") if frame["type"] == "typing"]
    assert [frame["user"] for frame in shown] == [{"id": sue.caller.user_id, "name": "Sue"}] * 2
    assert "typing" not in crowd.types("sue")
    assert json.dumps([room.conversations.everything()], default=str) == before
    assert await refused(write(0.0, joined=False)) is ErrorCode.CONFLICT


@pytest.mark.requirement("group:read-markers")
async def test_a_read_marker_moves_forward_and_is_shown(begin: Begin, room: Any) -> None:
    """One write of the reader; a message costs none per member."""
    crowd = await begin()
    sue = await crowd.let_in("sue", "Sales")
    who = presence.Here(reader=sue.reader, name="Sue", connection=sue.connection)
    first, second = [await crowd.say("sam", text) for text in ("one", "two")]
    key = group_key(crowd.group_id)

    async def mark(message: str) -> None:
        await presence.mark_read(room.services, who, crowd.group_id, MessageId(message))

    entry = await room.users.entry(sue.caller.user_id, key)
    assert (entry.read_seq if entry else None) == 0
    await mark(second.message_id)
    await mark(first.message_id)
    entry = await room.users.entry(sue.caller.user_id, key)

    assert (entry.read_seq if entry else None) == 2
    shown = [frame["message_id"] for frame in crowd.heard("sam") if frame["type"] == "message.read"]
    assert shown == [second.message_id]
    assert await refused(mark("0e3c0d3e-0000-4000-8000-000000000009")) is ErrorCode.NOT_FOUND


@pytest.mark.parametrize(("people", "interval_s"), [(1, 0.05), (25, 0.05), (50, 0.1), (200, 0.4)])
def test_frames_become_rarer_with_more_listeners(people: int, interval_s: float) -> None:
    """Listeners times frames a second stay at 500 (decision 7), and text is no reason to send earlier."""
    coalescer = paced(people)

    assert coalescer.interval_s == pytest.approx(interval_s)
    assert coalescer.most_bytes >= 1024 * interval_s / 0.05 - 1


async def test_an_asker_who_was_removed_can_no_longer_approve(begin: Begin, room: Any, rounds: Any) -> None:
    """What they asked is not theirs any more."""
    crowd = await begin(role="Sales")
    await crowd.let_in("sue", "Sales")
    room.scripted(rounds.asks_for("sfdc__log_activity"), rounds.says("Not done."))
    accepted = await crowd.say("sue", "@coach log it")
    turn = TurnId(accepted.turn_id or "")
    codes: list[ErrorCode] = []
    settle = approvals.settle

    async def settle_late(*arguments: Any) -> Any:
        await crowd.put_out("sue")
        (call,) = await room.conversations.calls(key_of(turn), turn)
        verdict = approvals.Verdict(
            user_id=crowd.guests["sue"].caller.user_id, turn_id=turn, call_id=call.call_id, approved=True
        )
        codes.append(await refused(approvals.decide(room.services, room.engine, verdict)))
        return await settle(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(approvals, "settle", settle_late)
        await room.run()

    assert codes == [ErrorCode.NOT_FOUND]
    assert room.tools.called == []
