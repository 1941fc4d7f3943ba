"""Running turns: claims, fences, checkpoints, rounds, cancels, leases."""

import asyncio
from dataclasses import replace

from shared.domain.tools import CallState
from shared.domain.turns import TurnStatus

from .chats import Chat, a_call, a_round


async def test_every_claim_raises_the_attempt_and_empties_the_checkpoint(chat: Chat) -> None:
    """Two executions never share an attempt."""
    store, turn = chat.stores.conversations, await chat.ask()

    first = await store.claim(turn.ref(), chat.lease())
    await store.checkpoint(turn.ref(), 1, "What I said fir", chat.lease())
    second = await store.claim(turn.ref(), chat.lease(60))

    assert first is not None
    assert second is not None
    assert (first.attempt, first.checkpoint, second.attempt, second.checkpoint) == (1, "", 2, "")
    assert second.lease_until == chat.lease(60)
    assert await chat.turn(turn) == second


async def test_claims_at_the_same_time_get_attempts_of_their_own(chat: Chat) -> None:
    """The number is raised by the store, not by the caller."""
    store, turn = chat.stores.conversations, await chat.ask()

    claims = await asyncio.gather(*(store.claim(turn.ref(), chat.lease()) for _ in range(8)))

    assert sorted(claim.attempt for claim in claims if claim) == list(range(1, 9))


async def test_a_waiting_turn_cannot_be_claimed_or_taken_over(chat: Chat) -> None:
    """Turns of one conversation run one at a time."""
    await chat.ask()
    waiting = await chat.ask("And then?")

    assert await chat.stores.conversations.claim(waiting.ref(), chat.lease()) is None
    assert await chat.stores.conversations.take_over(waiting.ref(), chat.lease()) is None
    assert await chat.turn(waiting) == waiting


async def test_an_unknown_turn_can_be_neither_claimed_nor_changed(chat: Chat) -> None:
    """An absent turn refuses as a foreign one does."""
    store = chat.stores.conversations
    turn = await chat.ask()
    ref = replace(turn.ref(), turn_id="t-unknown")

    assert await store.turn(ref.key, ref.turn_id) is None
    assert await store.claim(ref, chat.lease()) is None
    assert await store.take_over(ref, chat.lease()) is None
    assert await store.checkpoint(ref, 1, "text", chat.lease()) is None
    assert await store.end_round(ref, 1, a_round(), [], chat.lease()) is None
    assert await store.request_cancel(ref.key, ref.turn_id, chat.lease()) is None
    assert await store.calls(ref.key, ref.turn_id) == []
    assert await store.seal(ref, chat.answer(turn), await chat.stored_head()) == "stale"


async def test_a_checkpoint_keeps_the_text_and_renews_the_lease(chat: Chat) -> None:
    """One write is progress and sign of life."""
    turn = await chat.claimed()
    text = "Zeile eins\n\n| a | b |\n" + "📈 ü " * 1000

    written = await chat.stores.conversations.checkpoint(turn.ref(), 1, text, chat.lease(45))

    assert written is not None
    assert (written.checkpoint, written.lease_until) == (text, chat.lease(45))


async def test_a_zombie_writes_nothing_after_a_newer_attempt(chat: Chat) -> None:
    """The attempt is the fence between executions of one epoch."""
    store, old = chat.stores.conversations, await chat.claimed()
    new = await store.claim(old.ref(), chat.lease())

    assert await store.checkpoint(old.ref(), old.attempt, "late", chat.lease(99)) is None
    assert await store.end_round(old.ref(), old.attempt, a_round(), [a_call(old)], chat.lease(99)) is None
    assert await chat.turn(old) == new
    assert await store.calls(chat.conversation.key, old.turn_id) == []


async def test_a_zombie_writes_nothing_after_a_newer_epoch(chat: Chat) -> None:
    """The epoch is the fence between orchestrations of one turn."""
    store, old = chat.stores.conversations, await chat.claimed()
    new = await store.take_over(old.ref(), chat.lease(40))
    assert new is not None
    assert (new.epoch, new.attempt, new.lease_until) == (2, 1, chat.lease(40))

    assert await store.claim(old.ref(), chat.lease(99)) is None
    assert await store.checkpoint(old.ref(), old.attempt, "late", chat.lease(99)) is None
    assert await store.end_round(old.ref(), old.attempt, a_round(), [], chat.lease(99)) is None
    assert await store.renew(old.ref(), chat.lease(99), status=TurnStatus.AWAITING_APPROVAL) is None
    assert await store.seal(old.ref(), chat.answer(old), await chat.stored_head()) == "stale"
    assert await store.take_over(old.ref(), chat.lease(99)) is None
    assert await chat.turn(old) == new


async def test_of_two_who_take_a_turn_over_at_once_one_wins(chat: Chat) -> None:
    """A turn is restarted once."""
    store, turn = chat.stores.conversations, await chat.ask()

    outcomes = await asyncio.gather(*(store.take_over(turn.ref(), chat.lease(40 + n)) for n in range(4)))

    assert [outcome.epoch for outcome in outcomes if outcome] == [2]
    assert (await chat.turn(turn)).epoch == 2


async def test_the_same_take_over_again_is_found(chat: Chat) -> None:
    """A take-over that was applied without an answer is known by its lease."""
    store, turn = chat.stores.conversations, await chat.ask()
    lease = chat.lease(44)

    outcomes = [await store.take_over(turn.ref(), lease) for _ in range(2)]

    assert outcomes[0] == outcomes[1] == await chat.turn(turn)
    assert (await chat.turn(turn)).epoch == 2


async def test_a_round_is_stored_with_the_intents_of_its_calls(chat: Chat) -> None:
    """Calls exist in the ledger before any of them is made."""
    store, turn = chat.stores.conversations, await chat.claimed()
    calls = [a_call(turn, index, safe_to_repeat=index == 0) for index in range(3)]

    stored = await store.end_round(turn.ref(), 1, a_round("Let me see.", calls), calls, chat.lease(50))

    assert stored is not None
    assert stored.rounds == (a_round("Let me see.", calls),)
    assert (stored.finished_text(), stored.lease_until) == ("Let me see.", chat.lease(50))
    assert await store.calls(chat.conversation.key, turn.turn_id) == calls


async def test_a_round_is_stored_once_however_often_its_attempt_asks(chat: Chat) -> None:
    """A write that was applied without an answer is found again."""
    store, turn = chat.stores.conversations, await chat.claimed()
    calls = [a_call(turn)]
    first = await store.end_round(turn.ref(), 1, a_round("One.", calls), calls, chat.lease())

    again = await store.end_round(turn.ref(), 1, a_round("One.", calls), calls, chat.lease())

    assert again == first
    assert again is not None
    assert len(again.rounds) == 1


async def test_each_attempt_adds_the_round_after_the_ones_before(chat: Chat) -> None:
    """The text of the turn is that of all rounds."""
    store, turn = chat.stores.conversations, await chat.claimed()
    await store.end_round(turn.ref(), 1, a_round("One."), [], chat.lease())
    await store.claim(turn.ref(), chat.lease())

    stored = await store.end_round(turn.ref(), 2, a_round("Two."), [], chat.lease())

    assert stored is not None
    assert stored.finished_text() == "One.\n\nTwo."
    assert stored.usage().rounds == 2


async def test_a_cancel_is_seen_by_the_next_checkpoint(chat: Chat) -> None:
    """Truth first: the wish to stop is on the turn."""
    store, turn = chat.stores.conversations, await chat.claimed()

    asked = await store.request_cancel(chat.conversation.key, turn.turn_id, chat.lease())
    seen = await store.checkpoint(turn.ref(), 1, "so far", chat.lease())

    assert asked is not None
    assert seen is not None
    assert asked.cancel_requested
    assert seen.cancel_requested


async def test_a_turn_that_waits_for_its_asker_keeps_its_lease_until_claimed_again(chat: Chat) -> None:
    """A wait is not a stall."""
    store, turn = chat.stores.conversations, await chat.claimed()

    await store.renew(turn.ref(), chat.lease(660), status=TurnStatus.AWAITING_APPROVAL)

    waiting = await chat.turn(turn)
    assert (waiting.status, waiting.lease_until) == (TurnStatus.AWAITING_APPROVAL, chat.lease(660))
    claimed = await store.claim(turn.ref(), chat.lease())
    assert claimed is not None
    assert claimed.status is TurnStatus.RUNNING


async def test_only_leases_that_ran_out_are_found(chat: Chat) -> None:
    """Upkeep restarts what stalled, not what runs."""
    store, turn = chat.stores.conversations, await chat.ask()
    elsewhere = Chat(stores=chat.stores)
    other = await elsewhere.ask()
    await store.claim(other.ref(), chat.lease(300))

    async def found(seconds: float) -> list[object]:
        refs = await store.expired(chat.lease(seconds), 1000)
        return [ref for ref in refs if ref.key in (chat.conversation.key, elsewhere.conversation.key)]

    assert await found(29) == []
    assert await found(31) == [turn.ref()]
    assert len(await found(301)) == 2
    assert len(await store.expired(chat.lease(301), 1)) == 1


async def test_what_was_just_written_is_left_out_by_the_clock_of_the_store(chat: Chat) -> None:
    """Whose clock is ahead sees every lease ended; the store knows better who still works."""
    store, turn = chat.stores.conversations, await chat.ask()

    assert turn.ref() in await store.expired(chat.lease(3600), 1000)
    assert turn.ref() not in await store.expired(chat.lease(3600), 1000, quiet_s=30)


async def test_a_call_moves_only_from_the_expected_state(chat: Chat) -> None:
    """Of two who open a call one wins."""
    store, turn = chat.stores.conversations, await chat.claimed()
    key, planned = chat.conversation.key, a_call(turn)
    await store.end_round(turn.ref(), 1, a_round(calls=[planned]), [planned], chat.lease())
    opened = replace(planned, state=CallState.OPEN, started_at=chat.stores.clock.now())

    outcomes = await asyncio.gather(*(store.move_call(key, turn.turn_id, opened, expected=planned) for _ in range(3)))

    assert [outcome for outcome in outcomes if outcome] == [opened]
    assert await store.calls(key, turn.turn_id) == [opened]


async def test_the_outcome_of_a_call_is_written_once(chat: Chat) -> None:
    """A settled outcome stays; to write the same again is no failure."""
    store, turn = chat.stores.conversations, await chat.claimed()
    key, opened = chat.conversation.key, a_call(turn, state=CallState.OPEN)
    await store.end_round(turn.ref(), 1, a_round(calls=[opened]), [opened], chat.lease())
    done = replace(
        opened, state=CallState.DONE, duration_ms=12, summary="3 deals", result="{}", links=("https://x.example/1",)
    )

    assert await store.move_call(key, turn.turn_id, done, expected=opened) == done
    assert await store.move_call(key, turn.turn_id, done, expected=opened) == done
    assert await store.move_call(key, turn.turn_id, replace(done, summary="4 deals"), expected=opened) is None
    assert await store.calls(key, turn.turn_id) == [done]


async def test_calls_of_other_turns_are_not_in_the_ledger(chat: Chat) -> None:
    """Each turn has a ledger of its own."""
    store, turn = chat.stores.conversations, await chat.claimed()
    calls = [a_call(turn)]
    await store.end_round(turn.ref(), 1, a_round(calls=calls), calls, chat.lease())
    other = await chat.ask("And then?")

    assert await store.calls(chat.conversation.key, other.turn_id) == []
