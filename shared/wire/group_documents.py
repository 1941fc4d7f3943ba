"""Write groups and people's profiles as Cosmos documents, and read them back."""

from collections.abc import Mapping
from typing import Any

from shared.domain.group import Group
from shared.domain.ids import UserId, tenant_of
from shared.domain.people import Profile
from shared.wire.outbound import to_json
from shared.wire.reading import expect, read

GROUP_ID = "g"
DELETED_TTL_S = 7 * 24 * 3600
"""A deleted group's item stays this long, so that whatever still works on it finds that it has ended."""


def group_document(group: Group) -> dict[str, Any]:
    """Write a group; it is kept as long as it is not deleted, whatever becomes of its messages."""
    data: dict[str, Any] = to_json(group)
    data["conversation_id"] = data.pop("key")
    ttl = {"ttl": DELETED_TTL_S} if group.status == "deleted" else {}
    return data | {"id": GROUP_ID, "kind": "group"} | ttl


def group_from(document: Mapping[str, Any]) -> Group:
    """Read a group."""
    expect(document, kind="group")
    return read(Group, {**document, "key": document.get("conversation_id")}, document_id=document.get("id"))


def people_partition(user_id: UserId) -> str:
    """Name the partition of container `users` that holds the profiles of this person's tenant.

    A search reads one partition, and can never see another tenant's.
    """
    return f"people:{tenant_of(user_id)}"


def profile_id(user_id: UserId) -> str:
    """Name a person's profile."""
    return f"profile:{user_id}"


def profile_document(profile: Profile) -> dict[str, Any]:
    """Write a profile, with what it is found by and ordered by."""
    data: dict[str, Any] = to_json(profile)
    words = f"{profile.name}\n{profile.email or ''}"
    return {
        **data,
        "user_id": people_partition(profile.user_id),
        "person": profile.user_id,
        "id": profile_id(profile.user_id),
        "kind": "profile",
        "sought": " ".join(words.split()).casefold(),
        "place": f"{profile.name.casefold()}|{profile.user_id}",
    }


def profile_from(document: Mapping[str, Any]) -> Profile:
    """Read a profile."""
    expect(document, kind="profile")
    return read(Profile, {**document, "user_id": document.get("person")}, document_id=document.get("id"))
