"""Name the ids of SalesCoach, and derive those that are made from others."""

import hashlib
import re
import uuid
from typing import NewType

UserId = NewType("UserId", str)
"""`<tenant id>:<object id>` of the person; never an e-mail address (those are reassigned)."""
ConversationKey = NewType("ConversationKey", str)
"""Partition key of a conversation's items; for a session derived from user and session id."""
PublicId = NewType("PublicId", str)
"""The session or group id that clients know; `conversation_id` on the wire."""
MessageId = NewType("MessageId", str)
TurnId = NewType("TurnId", str)
CallId = NewType("CallId", str)
ConnectionId = NewType("ConnectionId", str)
RoomName = NewType("RoomName", str)
"""A Web PubSub group: the connections that get the same frames."""

_ANSWERS = uuid.UUID("6f0f7a3e-5d0b-5b0e-9a58-0d8a4d9e6c11")
_GROUPS = uuid.UUID("d7e62cb4-93b4-4a4e-b8f5-2f6f1f3d0a57")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def is_uuid(text: str) -> bool:
    """Tell whether the text is a UUID in its canonical form of 36 characters."""
    return _UUID.fullmatch(text) is not None


def user_id(tenant_id: str, object_id: str) -> UserId:
    """Make the user id from the token's `tid` and `oid`."""
    return UserId(f"{tenant_id}:{object_id}")


def tenant_of(user: UserId) -> str:
    """Read the tenant from a user id."""
    return user.partition(":")[0]


def founded_id(founder: UserId, idempotency_key: str) -> PublicId:
    """Derive a group's id from its founder and the key of the founding, so that a repetition finds the same group."""
    return PublicId(str(uuid.uuid5(_GROUPS, f"{founder} {idempotency_key.lower()}")))


def group_key(group_id: PublicId) -> ConversationKey:
    """Derive a group's stored key from its id; who may see the group is decided by its members."""
    return ConversationKey("g-" + _digest("group", group_id.lower()))


def room_name(key: ConversationKey, role: str | None = None) -> RoomName:
    """Name the room of the connections that joined a group; with a role, of those of them whose people hold it."""
    return RoomName(key if role is None else f"{key}:{role.casefold()}")


def session_key(owner: UserId, session_id: PublicId) -> ConversationKey:
    """Derive a session's stored key from its user and id, so that a foreign session id names a new session."""
    return ConversationKey("s-" + _digest(owner, session_id.lower()))


def turn_id(key: ConversationKey, message_id: MessageId) -> TurnId:
    """Derive the turn from its question, so that a repeated acceptance finds the same turn.

    The id begins with its conversation's key, so that a client's `turn_id` alone leads to the turn; whether the
    client may see it is decided by what is stored there.
    """
    return TurnId(f"{key}.{_digest(key, message_id)[:20]}")


def key_of(turn: TurnId) -> ConversationKey:
    """Read the conversation's key from a turn's id; a made-up id leads to a partition that holds nothing."""
    return ConversationKey(turn.rpartition(".")[0])


def answer_id(turn: TurnId) -> MessageId:
    """Derive the answer's message id from its turn."""
    return MessageId(str(uuid.uuid5(_ANSWERS, turn)))


def call_id(turn: TurnId, round_number: int, index: int) -> CallId:
    """Name one tool call of a turn; unique for ever, since a round's calls are stored once."""
    return CallId(f"{turn}.{round_number}.{index}")


def text_hash(text: str) -> str:
    """Digest a message's text for the comparison of duplicates."""
    return _digest(text)


def _digest(*parts: str) -> str:
    joined = "\x00".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).hexdigest()[:32]
