"""Write the items of container `users` as Cosmos documents, and read them back."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.domain.entries import ConversationEntry
from shared.domain.identity import SessionGrant
from shared.domain.ids import ConversationKey, PublicId
from shared.wire.outbound import timestamp, to_json
from shared.wire.reading import expect, read


def entry_id(key: ConversationKey) -> str:
    """Name the entry of a conversation in a person's list."""
    return f"c:{key}"


def grant_id(session_id: PublicId) -> str:
    """Name a session's grant."""
    return f"sealed:{session_id}"


def entry_place(entry: ConversationEntry) -> str:
    """Give the entry's place in the list: one text that sorts by time and is never shared by two entries.

    Cosmos orders by several fields only with a composite index; one field needs none.
    """
    return f"{timestamp(entry.created_at)}|{entry.key}"


def entry_document(entry: ConversationEntry) -> dict[str, Any]:
    """Write one entry of a person's list."""
    data: dict[str, Any] = to_json(entry)
    # `kind` names the document's kind everywhere; the conversation's own kind stands beside it.
    data["conversation_kind"] = data.pop("kind")
    data["conversation_id"] = data.pop("key")
    return data | {"id": entry_id(entry.key), "kind": "entry", "place": entry_place(entry)}


def entry_from(document: Mapping[str, Any]) -> ConversationEntry:
    """Read one entry of a person's list."""
    expect(document, kind="entry")
    data = {**document, "kind": document.get("conversation_kind"), "key": document.get("conversation_id")}
    return read(ConversationEntry, data, document_id=document.get("id"))


def grant_document(grant: SessionGrant, now: datetime) -> dict[str, Any]:
    """Write a session's grant, which the database removes when the token's time is over."""
    data: dict[str, Any] = to_json(grant)
    # A TTL must be positive; a grant that is over already is not given out by the reader either.
    ttl = max(1, math.ceil((grant.expires_at - now).total_seconds()))
    return data | {"id": grant_id(grant.session_id), "kind": "grant", "ttl": ttl}


def grant_from(document: Mapping[str, Any]) -> SessionGrant:
    """Read a session's grant."""
    expect(document, kind="grant")
    return read(SessionGrant, document, document_id=document.get("id"))
