"""Documents: what stands in the database, written and read back without loss, refused when malformed."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared.domain.conversation import Message
from shared.domain.frames import NewMessage
from shared.domain.tools import Approval, CallState, ToolCall, feedback
from shared.domain.turns import Turn, TurnStatus
from shared.wire.bound_documents import conversation_documents, usage_document
from shared.wire.documents import (
    LEDGER_TTL_S,
    call_document,
    call_from,
    head_document,
    head_from,
    message_from,
    question_document,
    turn_document,
    turn_from,
)
from shared.wire.outbound import frame_data
from shared.wire.reading import MalformedDocument

from .chats import Chat, a_call, a_round

ANSWER_FIELDS = {
    "v", "conversation_id", "session_id", "seq", "message_id", "turn_id", "author", "content", "input_type",
    "created_at", "status", "question_id", "attempt", "model", "finish_reason", "usage", "tables", "chart_data",
    "tool_feedback", "prompt_version",
}  # fmt: skip
QUESTION_FIELDS = {
    "v", "conversation_id", "session_id", "seq", "message_id", "turn_id", "author", "sender", "content", "input_type",
    "created_at", "status",
}  # fmt: skip
SYSTEM = {"id", "kind", "_rid", "_self", "_etag", "_ts", "_attachments"}


async def a_sealed_turn(chat: Chat) -> tuple[Turn, list[ToolCall]]:
    """Run a turn with two calls to its seal; the second one's outcome is not known."""
    turn = await chat.claimed()
    done = a_call(turn, 0, state=CallState.DONE, duration_ms=40, summary="3 deals", result='{"deals": 3}')
    open_call = a_call(turn, 1, state=CallState.OPEN, approval=Approval.APPROVED, started_at=chat.stores.clock.now())
    record = a_round(calls=[done, open_call])
    await chat.stores.conversations.end_round(turn.ref(), 1, record, [done, open_call], chat.lease())
    told = [feedback(done), feedback(open_call)]
    sealed = await chat.sealed(turn, tool_feedback=told, prompt_version="abc", chart_data=None)
    return sealed, [done, open_call]


async def test_question_and_answer_stand_in_the_store_as_the_protocol_shows_them(chat: Chat) -> None:
    """Stored message = REST item = `new_message`."""
    sealed, calls = await a_sealed_turn(chat)
    key = chat.conversation.key
    for document in conversation_documents(sealed, calls):
        await chat.stores.bind(document)

    question = await chat.stores.stored(key, f"u:{sealed.question_id}")
    answer = await chat.stores.stored(key, f"a:{sealed.turn_id}")

    assert question.keys() - SYSTEM == QUESTION_FIELDS
    assert answer.keys() - SYSTEM == ANSWER_FIELDS
    assert question["created_at"] == "2026-01-05T09:00:00.000Z"
    assert (question["conversation_id"], question["session_id"]) == (key, chat.session)
    frame = frame_data(NewMessage(message=message_from(question), session_id=chat.session))
    shown = {name: value for name, value in question.items() if name not in SYSTEM}
    assert frame == shown | {"type": "new_message", "conversation_id": chat.session}


async def test_repeats_bind_the_same_bytes_whatever_late_executions_did(chat: Chat) -> None:
    """The output binding overwrites without a condition; it must always write the same."""
    sealed, calls = await a_sealed_turn(chat)
    first = json.dumps([conversation_documents(sealed, calls), usage_document(sealed)])
    chat.stores.clock.advance(5)
    late = replace(calls[1], state=CallState.DONE, duration_ms=9000, summary="late", result="late", as_of="now")

    again = json.dumps([conversation_documents(await chat.turn(sealed), [late, calls[0]]), usage_document(sealed)])

    assert again == first


async def test_an_outcome_that_was_open_at_the_seal_is_unknown_for_ever(chat: Chat) -> None:
    """The ledger says what the person was told."""
    sealed, calls = await a_sealed_turn(chat)

    answer, done, unknown = conversation_documents(sealed, calls)

    assert (answer["id"], answer["kind"]) == (f"a:{sealed.turn_id}", "message")
    assert call_from(done) == calls[0]
    assert (unknown["state"], unknown["approval"], unknown["result"]) == ("unknown", "cancelled", "")
    assert done["ttl"] == unknown["ttl"] == LEDGER_TTL_S == 2_592_000


async def test_usage_is_kept_with_its_asker_and_without_content(chat: Chat) -> None:
    """What a turn cost belongs to the one who asked."""
    sealed, _ = await a_sealed_turn(chat)

    document = usage_document(sealed)

    assert (document["id"], document["user_id"]) == (f"use:{sealed.turn_id}", chat.user)
    assert (document["input_tokens"], document["output_tokens"], document["rounds"]) == (10, 3, 1)
    assert "content" not in document


async def test_only_a_sealed_turn_is_bound(chat: Chat) -> None:
    """There is nothing to persist before the end."""
    turn = await chat.claimed()

    with pytest.raises(ValueError, match="sealed"):
        conversation_documents(turn, [])
    with pytest.raises(ValueError, match="sealed"):
        usage_document(turn)


async def test_the_lease_stands_in_the_document_as_seconds_and_only_while_a_turn_runs(chat: Chat) -> None:
    """The search for stalled turns compares numbers, in an index of the few turns that run."""
    turn = await chat.claimed()
    waiting = await chat.ask("second")

    running, queued = turn_document(turn), turn_document(waiting)

    assert running["lease_until"] == turn.lease_until.timestamp()
    assert "lease_until" not in queued
    assert "lease_until" not in turn_document(replace(turn, status=TurnStatus.DONE))
    assert turn_from(queued).lease_until == waiting.created_at


def a_group_message() -> Message:
    """Make a group's question with times finer than what is kept."""
    return Message(
        conversation_id="g-1",
        seq=7,
        message_id="m",
        author="user",
        content="x",
        created_at=datetime(2026, 1, 5, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2))),
        input_type="audio",
    )


async def test_a_group_is_named_by_its_own_field(chat: Chat) -> None:
    """`session_id` is for sessions, `group_id` for groups."""
    group = replace(chat.conversation, kind="group", public_id="g-1")

    document = question_document(group, a_group_message())

    assert (document["group_id"], document["conversation_id"]) == ("g-1", group.key)
    assert "session_id" not in document
    assert document["created_at"] == "2026-01-05T10:00:00.123Z"
    read = message_from(document)
    assert read == replace(a_group_message(), created_at=datetime(2026, 1, 5, 10, 0, 0, 123000, tzinfo=UTC))


async def test_a_turn_of_a_group_keeps_group_and_session_apart(chat: Chat) -> None:
    """The session's token serves a turn that belongs to a group."""
    turn = await chat.ask()
    grouped = replace(turn, conversation=replace(chat.conversation, kind="group", public_id="g-1"))

    assert turn_from(turn_document(grouped)) == grouped


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("next_seq", "3", "next_seq: int_type"),
        ("next_seq", None, "next_seq: int_type"),
        ("waiting", "t-1", "waiting: tuple_type"),
        ("kind", "turn", "kind: is not head"),
        ("owner", 5, "conversation.owner: string_type"),
        ("session_id", None, "conversation.public_id: string_type"),
        ("recent", [{"sender": "SECRET"}], "recent.0.text_hash: missing"),
    ],
)
async def test_a_malformed_document_names_the_place_and_no_content(
    chat: Chat, field: str, value: object, fault: str
) -> None:
    """Errors reach the logs, content never does."""
    await chat.ask("SECRET")
    document = head_document((await chat.stored_head()).head) | {field: value}

    with pytest.raises(MalformedDocument) as raised:
        head_from(document)

    assert fault in str(raised.value)
    assert "SECRET" not in str(raised.value)
    assert raised.value.document_id == "head"


@pytest.mark.parametrize("lease", ["soon", True, {"at": 1}])
async def test_a_lease_that_is_no_number_is_malformed(chat: Chat, lease: object) -> None:
    """A turn whose lease cannot be read is not taken for one without."""
    document = turn_document(await chat.claimed()) | {"lease_until": lease}

    with pytest.raises(MalformedDocument, match="lease_until"):
        turn_from(document)


async def test_unknown_fields_of_a_newer_version_are_ignored(chat: Chat) -> None:
    """Two versions of the app work on one database during a release."""
    turn = await chat.claimed()
    call = a_call(turn)

    document = call_document(chat.conversation.key, turn.turn_id, call) | {"later": {"a": 1}, "_ts": 5}

    assert call_from(document) == call
