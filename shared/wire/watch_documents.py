"""Write allowances and security events as Cosmos documents, and read them back."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from shared.domain.allowance import Allowance, StoredAllowance
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.ids import TurnId, UserId
from shared.domain.security import SecurityEvent
from shared.wire.outbound import timestamp, to_json
from shared.wire.reading import expect, read

STAYING = frozenset({"limit", "settled", "rights"})
"""Kinds that a person cannot delete: leaving and coming back would else renew a day's tokens, or undo a sign-out; they
vanish soon."""
ALLOWANCE_ID = "limit:person"
ALLOWANCE_TTL_S = 7 * 24 * 3600
"""A person who was not here for a week uses nothing; connections that the service forgot to end go with it."""
SETTLED_TTL_S = 2 * 24 * 3600
"""No turn is brought to its end so long after its cost was counted."""
EVENT_TTL_S = 90 * 24 * 3600


def allowance_document(allowance: Allowance) -> dict[str, Any]:
    """Write what a person uses of the limits."""
    data: dict[str, Any] = to_json(allowance)
    return data | {"id": ALLOWANCE_ID, "kind": "limit", "ttl": ALLOWANCE_TTL_S}


def allowance_from(user_id: UserId, document: Mapping[str, Any] | None) -> StoredAllowance:
    """Read what a person uses of the limits; nothing if nothing is stored."""
    if document is None:
        return StoredAllowance(Allowance(user_id=user_id), None)
    expect(document, kind="limit")
    return StoredAllowance(read(Allowance, document, document_id=document.get("id")), str(document["_etag"]))


def settled_id(turn_id: TurnId) -> str:
    """Name the mark that a turn's cost was counted."""
    return f"r:{turn_id}"


def settled_document(user_id: UserId, turn_id: TurnId) -> dict[str, Any]:
    """Write the mark that a turn's cost was counted."""
    return {"id": settled_id(turn_id), "user_id": user_id, "kind": "settled", "turn_id": turn_id, "ttl": SETTLED_TTL_S}


def day_of(moment: datetime) -> str:
    """Give the day under which a record is kept, in UTC."""
    return timestamp(moment)[:10]


def day_wanted(text: str | None) -> str | None:
    """Read the day of a request.

    Raises:
        ChatError: `bad_request` for what is no day.
    """
    if text is None:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ChatError(ErrorCode.BAD_REQUEST, "The parameter day is not as expected: YYYY-MM-DD.") from None


def event_document(event: SecurityEvent) -> dict[str, Any]:
    """Write a security event; what is named `kind` there is `event` here, where `kind` names the document's."""
    data: dict[str, Any] = to_json(event)
    data["event"] = data.pop("kind")
    place = f"{timestamp(event.at)}|{event.event_id}"
    return data | {
        "id": event.event_id, "kind": "security_event", "day": day_of(event.at), "place": place, "ttl": EVENT_TTL_S,
    }  # fmt: skip


def event_from(document: Mapping[str, Any]) -> SecurityEvent:
    """Read a security event."""
    expect(document, kind="security_event")
    return read(SecurityEvent, {**document, "kind": document.get("event")}, document_id=document.get("id"))
