"""Reckon what one person may still do at once (docs/protocol.md, rule 14)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.errors import ChatError, ErrorCode
from shared.domain.ids import ConnectionId, ConversationKey, TurnId, UserId

MINUTE = timedelta(seconds=60)
SEAT_UNSURE_S = 10.0
"""A seat whose turn is not stored yet is kept this long: acceptance takes 2 s at most, and clocks differ."""
SEAT_WAIT_S = 5.0
"""Whoever has too many running turns is told to come back then; nobody knows when one ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLimits:
    """Bounds of one person, over all conversations and connections."""

    messages_a_minute: int = 20
    running_turns: int = 2
    connections: int = 5
    tokens_a_day: int = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A question that was accepted, or is about to be."""

    turn_id: TurnId
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A conversation in which a turn of the person runs."""

    key: ConversationKey
    turn_id: TurnId
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """An open connection of the person, as far as the service told."""

    connection_id: ConnectionId
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """Tokens set aside for a turn that has not ended."""

    turn_id: TurnId
    tokens: int
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DayUsed:
    """What ended turns cost on a day (`YYYY-MM-DD`, UTC)."""

    day: str
    questions: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What one person uses of the limits; one item, changed on the condition that nobody else changed it."""

    user_id: UserId
    counted: tuple[Counted, ...] = ()
    seats: tuple[Seat, ...] = ()
    connected: tuple[Connected, ...] = ()
    reserved: tuple[Reserved, ...] = ()
    days: tuple[DayUsed, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredAllowance:
    """An allowance as read, with the ETag that a change of it must find; None when there is none yet."""

    allowance: Allowance
    etag: str | None


def count(allowance: Allowance, turn: TurnId, limits: PersonLimits, now: datetime) -> Allowance:
    """Count a question in the minute that ends now; one that is counted already is not counted twice.

    Raises:
        ChatError: `rate_limited`, with the time until the oldest one is a minute old.
    """
    recent = tuple(one for one in allowance.counted if one.at > now - MINUTE)
    if any(one.turn_id == turn for one in recent):
        return replace(allowance, counted=recent)
    if len(recent) >= limits.messages_a_minute:
        wait = (recent[-limits.messages_a_minute].at + MINUTE - now).total_seconds()
        raise ChatError(ErrorCode.RATE_LIMITED, "Too many questions in one minute.", retry_after_s=max(wait, 1.0))
    return replace(allowance, counted=(*recent, Counted(turn_id=turn, at=now)))


def sit(allowance: Allowance, seat: Seat, limits: PersonLimits) -> Allowance:
    """Take a seat for a conversation; it has one at most.

    Raises:
        ChatError: `rate_limited` when all are taken by other conversations.
    """
    others = tuple(one for one in allowance.seats if one.key != seat.key)
    if len(others) >= limits.running_turns:
        text = "Your other questions are still being answered."
        raise ChatError(ErrorCode.RATE_LIMITED, text, retry_after_s=SEAT_WAIT_S)
    return replace(allowance, seats=(*others, seat))


def give_back(allowance: Allowance, turn: TurnId) -> Allowance:
    """Forget a question that was refused after all."""
    return replace(
        allowance,
        counted=tuple(one for one in allowance.counted if one.turn_id != turn),
        seats=tuple(one for one in allowance.seats if one.turn_id != turn),
        reserved=tuple(one for one in allowance.reserved if one.turn_id != turn),
    )


def connect(
    allowance: Allowance, connection: ConnectionId, limits: PersonLimits, now: datetime
) -> tuple[Allowance, tuple[ConnectionId, ...]]:
    """Note a connection, and name the oldest ones that must go for it."""
    others = tuple(one for one in allowance.connected if one.connection_id != connection)
    known = (*others, Connected(connection_id=connection, at=now))
    extra = known[: max(0, len(known) - limits.connections)]
    return replace(allowance, connected=known[len(extra) :]), tuple(one.connection_id for one in extra)


def disconnect(allowance: Allowance, connection: ConnectionId) -> Allowance:
    """Forget a connection that ended."""
    return replace(allowance, connected=tuple(one for one in allowance.connected if one.connection_id != connection))
