"""Let stored conversations end: the one place where `HISTORY_RETENTION_DAYS` becomes the TTL of a document."""

from typing import Any

_DAY_S = 86_400


def kept_for(days: int, document: dict[str, Any]) -> dict[str, Any]:
    """Give the document with a TTL of so many days; 0 leaves it as it is, kept until it is deleted.

    The TTL counts from a document's last write (Cosmos DB), so that what is still worked on does not vanish.
    """
    return document | {"ttl": days * _DAY_S} if days else document
