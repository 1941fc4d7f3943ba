"""Read what REST calls about groups say: ids of the path, and bodies."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.domain.errors import ChatError, ErrorCode
from shared.domain.group import NO_SUCH_GROUP, Audience, Changes, Founding, History, ReplyPolicy
from shared.domain.ids import PublicId, UserId, is_uuid
from shared.wire.message_parts import Composed, OpaqueId, RoleWish, Uuid
from shared.wire.rest import body_of, read_as

_USER = re.compile(r"[A-Za-z0-9-]{1,64}:[A-Za-z0-9-]{1,64}")
Title = Annotated[Composed, Field(min_length=1, max_length=200)]


class NewGroup(BaseModel):
    """The body of a request that founds a group; unknown fields are ignored and never read."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    title: Title
    role: RoleWish | None = None
    reply_policy: ReplyPolicy = "mention"
    history: History = "all"
    audience: Audience = "members"
    idempotency_key: Uuid | None = None


class GroupChanges(BaseModel):
    """The body of a request that changes a group; what is left out stays, a `role` of null takes the role away."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    title: Title | None = None
    role: RoleWish | None = None
    reply_policy: ReplyPolicy | None = None
    history: History | None = None
    audience: Audience | None = None
    owner: OpaqueId | None = None
    status: Literal["active", "archived"] | None = None


def new_group(body: bytes) -> Founding:
    """Read the body of a request that founds a group.

    Raises:
        ChatError: `too_large`, or `bad_request`, naming the field.
    """
    read = read_as(NewGroup, body_of(body))
    return Founding(
        title=read.title,
        role=read.role or None,
        reply_policy=read.reply_policy,
        history=read.history,
        audience=read.audience,
        idempotency_key=read.idempotency_key,
    )


def group_changes(body: bytes) -> Changes:
    """Read the body of a request that changes a group.

    Raises:
        ChatError: `too_large`, or `bad_request`, naming the field.
    """
    read = read_as(GroupChanges, body_of(body))
    return Changes(
        title=read.title,
        role=(read.role or "") if "role" in read.model_fields_set else None,
        reply_policy=read.reply_policy,
        history=read.history,
        audience=read.audience,
        owner=UserId(read.owner) if read.owner is not None else None,
        status=read.status,
    )


def group_id(text: str) -> PublicId:
    """Read a group id of a path; what is no UUID cannot exist.

    Raises:
        ChatError: `not_found`.
    """
    if not is_uuid(text):
        raise ChatError(ErrorCode.NOT_FOUND, NO_SUCH_GROUP)
    return PublicId(text.lower())


def member_id(text: str) -> UserId:
    """Read a user id of a path.

    Raises:
        ChatError: `bad_request`; a group's existence is not told by it.
    """
    if _USER.fullmatch(text) is None:
        raise ChatError(ErrorCode.BAD_REQUEST, "This is no user id: search for people by GET /api/people.")
    return UserId(text)
