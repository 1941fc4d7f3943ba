"""Ending turns: sealed once, bound by the host, released to the next."""

import asyncio
from dataclasses import replace

import pytest

from shared.domain.charts import Chart, Point, Series
from shared.domain.conversation import pass_on
from shared.domain.tables import Column, Table
from shared.domain.tools import CallState, feedback
from shared.domain.turns import TurnStatus
from shared.wire.bound_documents import conversation_documents

from .chats import Chat, a_call, a_round


async def test_the_seal_takes_the_next_seq_and_freezes_the_answer(chat: Chat) -> None:
    """The answer has its place in the conversation from the moment it is sealed."""
    turn = await chat.claimed()
    later = await chat.ask("And then?")

    points = [Point(label="one", value=1), Point(label="two", value=2.5)]
    chart = Chart(chartType="bar", title="t", data=points, series=[Series(name="s", values=[1, None])])
    column = Column(name="a", type="number", unit="EUR", align="right")
    shown = {"chart_data": chart, "tables": [Table(columns=[column], rows=[[1], [2.5], [None], ["x"]])]}

    sealed = await chat.sealed(turn, content="All is well.\n\n| a |", **shown)

    assert sealed.sealed == chat.answer(turn, "All is well.\n\n| a |", seq=3, **shown)
    assert (await chat.stored_head()).head.next_seq == 4
    assert (await chat.turn(later)) == later


async def test_a_sealed_turn_never_changes(chat: Chat) -> None:
    """No execution, however late, alters what was sealed."""
    store, turn = chat.stores.conversations, await chat.claimed()
    sealed = await chat.sealed(turn)

    assert await store.claim(turn.ref(), chat.lease(99)) is None
    assert await store.checkpoint(turn.ref(), turn.attempt, "late", chat.lease(99)) is None
    assert await store.end_round(turn.ref(), turn.attempt, a_round(), [], chat.lease(99)) is None
    assert await store.request_cancel(chat.conversation.key, turn.turn_id, chat.lease(99)) is None
    assert await store.renew(turn.ref(), chat.lease(99)) is None
    head = await chat.stored_head()
    assert await store.seal(turn.ref(), chat.answer(turn, "Something else."), head) == "stale"
    assert await chat.turn(turn) == sealed
    assert await chat.stored_head() == head


async def test_the_same_seal_again_is_no_failure_and_takes_no_second_seq(chat: Chat) -> None:
    """A seal that was applied without an answer is found again, with its first time."""
    turn = await chat.claimed()
    sealed = await chat.sealed(turn)
    head = await chat.stored_head()
    chat.stores.clock.advance(2)

    outcome = await chat.stores.conversations.seal(turn.ref(), chat.answer(turn), head)

    assert outcome == "sealed"
    assert await chat.turn(turn) == sealed
    assert await chat.stored_head() == head


async def test_a_changed_head_refuses_the_seal(chat: Chat) -> None:
    """Question and answer never get the same seq."""
    turn = await chat.claimed()
    old = await chat.stored_head()
    await chat.ask("In between")

    outcome = await chat.stores.conversations.seal(turn.ref(), chat.answer(turn), old)

    assert outcome == "changed"
    assert (await chat.turn(turn)).sealed is None
    assert await chat.stores.conversations.seal(turn.ref(), chat.answer(turn), None) == "changed"


async def test_the_error_of_a_failed_turn_is_kept_with_the_seal(chat: Chat) -> None:
    """Whoever comes later is told the same reason."""
    turn = await chat.claimed()

    await chat.stores.conversations.seal(
        turn.ref(), chat.answer(turn, "", status="failed"), await chat.stored_head(), error="model_unavailable"
    )

    assert (await chat.turn(turn)).error == "model_unavailable"


@pytest.mark.parametrize(
    ("answer", "turn_status"),
    [("final", TurnStatus.DONE), ("cancelled", TurnStatus.CANCELLED), ("failed", TurnStatus.FAILED)],
)
async def test_release_ends_the_turn_as_its_answer_says(chat: Chat, answer: str, turn_status: TurnStatus) -> None:
    """An ended turn has no lease and cannot be taken over."""
    store, turn = chat.stores.conversations, await chat.claimed()
    sealed = await chat.sealed(turn, status=answer)
    stored = await chat.stored_head()

    assert await store.release(sealed, pass_on(stored.head), stored.etag, chat.lease())

    assert (await chat.turn(turn)).status is turn_status
    assert (await chat.stored_head()).head.active_turn is None
    assert await store.take_over(turn.ref(), chat.lease()) is None
    late = await store.expired(chat.lease(3600), 1000)
    assert [ref for ref in late if ref.key == chat.conversation.key] == []


async def test_release_starts_the_turn_that_waits_longest(chat: Chat) -> None:
    """End and beginning are one write, so that no turn is forgotten between them."""
    store, first = chat.stores.conversations, await chat.claimed()
    second, third = await chat.ask("second"), await chat.ask("third")
    sealed = await chat.sealed(first)
    stored = await chat.stored_head()

    assert await store.release(sealed, pass_on(stored.head), stored.etag, chat.lease(31))

    started = await chat.turn(second)
    assert (started.status, started.epoch, started.lease_until) == (TurnStatus.RUNNING, 1, chat.lease(31))
    head = (await chat.stored_head()).head
    assert (head.active_turn, head.waiting) == (second.turn_id, (third.turn_id,))
    assert await chat.turn(third) == third


async def test_release_again_is_no_failure_and_starts_nothing_twice(chat: Chat) -> None:
    """A release that was applied without an answer is found again."""
    store, first = chat.stores.conversations, await chat.claimed()
    second = await chat.ask("second")
    sealed = await chat.sealed(first)
    stored = await chat.stored_head()

    outcomes = [await store.release(sealed, pass_on(stored.head), stored.etag, chat.lease()) for _ in range(2)]

    assert outcomes == [True, True]
    assert (await chat.turn(second)).epoch == 1


async def test_a_changed_head_refuses_the_release(chat: Chat) -> None:
    """A question that arrives meanwhile finds its place before the slot is passed on."""
    store, first = chat.stores.conversations, await chat.claimed()
    sealed = await chat.sealed(first)
    stored = await chat.stored_head()
    second = await chat.ask("second")

    assert not await store.release(sealed, pass_on(stored.head), stored.etag, chat.lease())

    assert (await chat.turn(first)).status is TurnStatus.RUNNING
    assert (await chat.turn(second)).status is TurnStatus.WAITING


async def test_only_the_owner_of_a_sealed_turn_releases_it(chat: Chat) -> None:
    """A turn that goes on, or that another execution owns, keeps its slot."""
    store, turn = chat.stores.conversations, await chat.claimed()
    stored = await chat.stored_head()
    assert not await store.release(turn, pass_on(stored.head), stored.etag, chat.lease())
    sealed = await chat.sealed(turn)
    await store.take_over(turn.ref(), chat.lease())
    stored = await chat.stored_head()

    assert not await store.release(sealed, pass_on(stored.head), stored.etag, chat.lease())

    assert (await chat.turn(turn)).status is TurnStatus.RUNNING


async def test_a_sealed_turn_that_was_not_released_can_be_taken_over_and_released(chat: Chat) -> None:
    """A crash between seal and release loses nothing."""
    store, turn = chat.stores.conversations, await chat.claimed()
    sealed = await chat.sealed(turn)

    taken = await store.take_over(turn.ref(), chat.lease())

    assert taken is not None
    assert taken.sealed == sealed.sealed
    stored = await chat.stored_head()
    assert await store.release(taken, pass_on(stored.head), stored.etag, chat.lease())


async def test_a_waiting_turn_that_is_withdrawn_leaves_the_queue_sealed_and_starts_nothing(chat: Chat) -> None:
    """Its end needs no slot; the turn that runs is not touched, and upkeep finds what is left half done."""
    store, running = chat.stores.conversations, await chat.claimed()
    second, third = await chat.ask("second"), await chat.ask("third")
    stored = await chat.stored_head()
    empty = chat.answer(second, "", status="cancelled")

    assert await store.withdraw(second, empty, stored, chat.lease()) == "withdrawn"
    assert await store.withdraw(second, empty, stored, chat.lease()) == "changed"
    assert await store.withdraw(running, empty, await chat.stored_head(), chat.lease()) == "changed"

    withdrawn, left = await chat.turn(second), await chat.stored_head()
    assert (withdrawn.epoch, withdrawn.sealed) == (1, replace(empty, seq=stored.head.next_seq))
    assert (left.head.waiting, left.head.next_seq) == ((third.turn_id,), stored.head.next_seq + 1)
    assert withdrawn.ref() in await store.expired(chat.lease(31), 1000)
    assert await store.claim(withdrawn.ref(), chat.lease()) is None
    assert await store.release(withdrawn, left.head, left.etag, chat.lease(99), starts=False)
    assert (await chat.turn(second)).status is TurnStatus.CANCELLED
    assert await chat.turn(running) == running


async def test_the_bound_answer_is_in_the_history_after_its_question(chat: Chat) -> None:
    """What the output binding writes is read as a message like any other."""
    turn = await chat.claimed()
    calls = [a_call(turn, state=CallState.DONE, result="{}")]
    await chat.stores.conversations.end_round(turn.ref(), 1, a_round(calls=calls), calls, chat.lease())
    sealed = await chat.sealed(turn, tool_feedback=[feedback(call) for call in calls])

    for document in conversation_documents(sealed, calls) * 2:
        await chat.stores.bind(document)

    history = await chat.stores.conversations.messages(chat.conversation.key, after_seq=0, before_seq=None, limit=9)
    assert [message.author for message in history] == ["user", "assistant"]
    assert history[1] == sealed.sealed
    assert await chat.stores.conversations.calls(chat.conversation.key, turn.turn_id) == calls


async def test_questions_and_seals_at_once_never_share_a_seq(chat: Chat) -> None:
    """One head orders questions and answers alike."""
    turn = await chat.claimed()

    async def seal() -> None:
        while await chat.stores.conversations.seal(turn.ref(), chat.answer(turn), await chat.stored_head()) != "sealed":
            pass

    async def ask(text: str) -> None:
        while True:
            stored = await chat.stored_head()
            head, message, made = chat.records(stored.head, text, turn.question_id.__class__(f"{text}-id"))
            if await chat.stores.conversations.accept(head, stored.etag, message, made) == "accepted":
                return

    await asyncio.gather(seal(), ask("one"), ask("two"))

    await chat.bind_answer(await chat.turn(turn))
    history = await chat.stores.conversations.messages(chat.conversation.key, after_seq=0, before_seq=None, limit=9)
    assert [message.seq for message in history] == [1, 2, 3, 4]
