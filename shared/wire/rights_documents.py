"""Write what is known of people's rights as Cosmos documents, and read it back."""

from collections.abc import Mapping
from typing import Any

from shared.domain.ids import UserId
from shared.domain.rights import Rights, StoredRights
from shared.wire.outbound import to_json
from shared.wire.reading import expect, read

RIGHTS_ID = "rights"
RIGHTS_TTL_S = 26 * 3600
"""No token lives longer (a day and the leeway), so that nothing is left to be judged by what it says."""


def rights_document(rights: Rights) -> dict[str, Any]:
    """Write them."""
    data: dict[str, Any] = to_json(rights)
    return data | {"id": RIGHTS_ID, "kind": "rights", "ttl": RIGHTS_TTL_S}


def rights_from(user_id: UserId, document: Mapping[str, Any] | None) -> StoredRights:
    """Read them; nobody is known to have any if nothing is stored."""
    if document is None:
        return StoredRights(Rights(user_id=user_id), None)
    expect(document, kind="rights")
    return StoredRights(read(Rights, document, document_id=document.get("id")), str(document["_etag"]))
