"""Bounds and repetitions of what guards people, to the last unit: what `make mutation` found untested."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.allowance import Allowance, Connected, Counted, PersonLimits, Reserved, Seat, count, give_back, sit
from shared.domain.conversation import Usage
from shared.domain.errors import ChatError, ErrorCode, StoreUnavailable
from shared.domain.ids import ConnectionId, ConversationKey, TurnId
from shared.flow import limits
from shared.flow.rights import CHANGE_TRIES, sign_out

ONE, TWO = TurnId("k.1"), TurnId("k.2")


def kept(waits: list[float]) -> Callable[[float], float]:
    """A jitter that waits for nothing and keeps what it was asked for."""

    def jitter(most_s: float) -> float:
        waits.append(most_s)
        return 0.0

    return jitter


async def sealed(room: Any, rounds: Any) -> Any:
    """Ask, answer, and give the sealed turn."""
    room.scripted(rounds.says("Done."))
    await room.ask()
    await room.run()
    return await room.turn(room.started())


async def test_giving_back_touches_its_own_turn_alone(room: Any, rounds: Any) -> None:
    """Of what was counted, of seats, of tokens."""
    at = room.clock.now()
    both = Allowance(
        user_id=rounds.SAM,
        counted=(Counted(turn_id=ONE, at=at), Counted(turn_id=TWO, at=at)),
        seats=(Seat(key=ConversationKey("k"), turn_id=ONE, at=at), Seat(key=ConversationKey("l"), turn_id=TWO, at=at)),
    )

    left = give_back(both, ONE)

    assert left == replace(both, counted=both.counted[1:], seats=both.seats[1:])
    assert give_back(left, ONE) == left


async def test_what_was_counted_already_is_kept_without_what_is_a_minute_old(room: Any, rounds: Any) -> None:
    """And not counted again."""
    now = room.clock.now()
    old = Counted(turn_id=TWO, at=now - timedelta(seconds=60))
    known = Allowance(user_id=rounds.SAM, counted=(old, Counted(turn_id=ONE, at=now)))

    assert count(known, ONE, PersonLimits(), now).counted == known.counted[1:]


async def test_a_conversation_has_one_seat(room: Any, rounds: Any) -> None:
    """The latest one's."""
    seat = Seat(key=ConversationKey("k"), turn_id=ONE, at=room.clock.now())
    again = replace(seat, turn_id=TWO)

    assert sit(sit(Allowance(user_id=rounds.SAM), seat, PersonLimits()), again, PersonLimits()).seats == (again,)


async def test_the_count_of_a_turn_is_repeated_until_nobody_is_faster(
    room: Any, rounds: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With pauses that grow to 0.3 s; after twenty times the step is tried anew."""
    turn = await sealed(room, rounds)
    other = replace(turn, turn_id=TurnId(f"{turn.turn_id}x"))
    real, asked, waits = room.allowances.settle, [0], list[float]()

    async def overtaken(*given: Any) -> str:
        asked[0] += 1
        return "changed" if asked[0] <= 3 else await real(*given)

    async def always(*_: Any) -> str:
        return "changed"

    monkeypatch.setattr(room.clock, "jitter", kept(waits))
    monkeypatch.setattr(room.allowances, "settle", overtaken)
    await limits.settle(room.services, other)
    assert (asked[0], (await limits.spending(room.services, rounds.SAM)).used) == (4, 30)
    assert waits == [0.01, 0.02, 0.04]

    monkeypatch.setattr(room.allowances, "settle", always)
    waits.clear()
    with pytest.raises(StoreUnavailable):
        await limits.settle(room.services, other)
    assert waits[:7] == [0.01, 0.02, 0.04, 0.08, 0.16, 0.3, 0.3]
    assert len(waits) == limits.CHANGE_TRIES == 20


async def test_a_turn_without_a_seal_costs_nothing_yet(room: Any, rounds: Any) -> None:
    """Nothing is marked either."""
    turn = await sealed(room, rounds)
    other = replace(turn, turn_id=TurnId(f"{turn.turn_id}x"))

    await limits.settle(room.services, replace(other, sealed=None))
    before = (await limits.spending(room.services, rounds.SAM)).used
    await limits.settle(room.services, other)

    assert (before, (await limits.spending(room.services, rounds.SAM)).used) == (15, 30)


@pytest.mark.parametrize(
    ("status", "attempts", "rounds_done", "cost"),
    [("cancelled", 2, 1, 10_000), ("cancelled", 1, 1, 7), ("final", 2, 1, 7), ("failed", 2, 1, 7)],
)
async def test_only_a_model_call_that_was_stopped_costs_what_was_set_aside(
    room: Any, rounds: Any, status: str, attempts: int, rounds_done: int, cost: int
) -> None:
    """What the sealed answer says is what counts otherwise."""
    await room.ask("?")
    turn = await room.turn(room.started())
    room.scripted(rounds.says("Done."))
    await room.run()
    ended = await room.turn(room.started())
    fresh = TurnId(f"{turn.turn_id}y")
    held = (await room.allowances.allowance(rounds.SAM)).allowance
    stored = await room.allowances.allowance(rounds.SAM)
    aside = replace(held, reserved=(set_aside(room, fresh),))
    await room.allowances.put_allowance(aside, stored.etag)
    answer = replace(ended.sealed, status=status, usage=Usage(input_tokens=4, output_tokens=3))

    await limits.settle(
        room.services,
        replace(ended, turn_id=fresh, sealed=answer, attempt=attempts, rounds=ended.rounds[:1] * rounds_done),
    )

    assert (await limits.spending(room.services, rounds.SAM)).used - 15 == cost


def set_aside(room: Any, turn: TurnId) -> Any:
    """Ten thousand tokens set aside for a turn."""
    return Reserved(turn_id=turn, tokens=10_000, until=room.clock.now() + timedelta(hours=1))


async def test_what_the_seal_does_not_say_is_the_sum_of_the_rounds(room: Any, rounds: Any) -> None:
    """An older answer may lack it."""
    turn = await sealed(room, rounds)
    other = replace(turn, turn_id=TurnId(f"{turn.turn_id}x"), sealed=replace(turn.sealed, usage=None))

    await limits.settle(room.services, other)

    assert (await limits.spending(room.services, rounds.SAM)).used == 30


async def test_a_waiting_question_takes_no_seat(room: Any, rounds: Any) -> None:
    """Only a turn that runs does."""
    await room.ask("One?")
    await room.ask("Two?")

    seats = (await room.allowances.allowance(rounds.SAM)).allowance.seats

    assert [seat.turn_id for seat in seats] == [room.started().turn_id]


async def test_a_full_house_stays_full_when_nothing_is_free(room: Any, rounds: Any) -> None:
    """Looking for free seats frees none that are taken."""
    seats = (await room.allowances.allowance(rounds.SAM)).allowance.seats

    assert await limits._tidy(room.services, rounds.SAM) is False
    await room.ask()
    assert await limits._tidy(room.services, rounds.SAM) is False
    assert len((await room.allowances.allowance(rounds.SAM)).allowance.seats) == len(seats) + 1


@pytest.mark.parametrize(("seconds", "taken"), [(9.9, True), (10.0, False)])
async def test_a_seat_whose_turn_is_not_stored_is_kept_ten_seconds(room: Any, seconds: float, taken: bool) -> None:
    """Acceptance takes two at most."""
    seat = Seat(key=ConversationKey("nowhere"), turn_id=ONE, at=room.clock.now())
    room.clock.advance(seconds)

    assert await limits._is_taken(room.services, seat) is taken


async def test_a_connection_is_noted_with_its_time_and_forgotten_by_its_name(room: Any, rounds: Any) -> None:
    """A store that is down stops neither."""
    for name in ("a", "b"):
        await limits.note_connection(room.services, rounds.SAM, ConnectionId(name))
    await limits.forget_connection(room.services, rounds.SAM, ConnectionId("a"))
    known = (await room.allowances.allowance(rounds.SAM)).allowance.connected

    assert known == (Connected(connection_id=ConnectionId("b"), at=room.clock.now()),)

    async def down(*_: Any) -> Any:
        raise StoreUnavailable("down")

    room.allowances.allowance = down
    await limits.note_connection(room.services, rounds.SAM, ConnectionId("c"))
    await limits.forget_connection(room.services, rounds.SAM, ConnectionId("b"))


async def test_rights_are_changed_by_ten_tries_at_most(room: Any, rounds: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With pauses of up to 0.05 s between them; what was voided is told with its time."""
    admin = replace(room.callers["sam's token"], roles=("Admin",))
    waits = list[float]()
    monkeypatch.setattr(room.clock, "jitter", kept(waits))

    done = await sign_out(room.services, admin, rounds.SAM)

    async def refused(*_: Any) -> bool:
        return False

    monkeypatch.setattr(room.services.watch.rights, "put_rights", refused)
    room.clock.advance(5)
    with pytest.raises(StoreUnavailable):
        await sign_out(room.services, admin, rounds.SAM)
    assert done.void_before == room.clock.now() - timedelta(seconds=5)
    assert waits == [0.05] * CHANGE_TRIES
    with pytest.raises(ChatError) as gone:
        await room.sign_in()
    assert gone.value.code is ErrorCode.UNAUTHENTICATED
