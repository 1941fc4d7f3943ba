"""Define what clients send about groups besides questions."""

from typing import Annotated, Literal

from pydantic import Field

from shared.wire.message_parts import ClientMessage, OpaqueId, Uuid


class JoinGroup(ClientMessage):
    """Lets this connection hear a group."""

    type: Literal["join_group"]
    group_id: OpaqueId
    accessToken: Annotated[str, Field(min_length=1, max_length=16_384)] | None = None  # noqa: N815  # inherited name


class LeaveGroup(ClientMessage):
    """Lets this connection hear no more of a group."""

    type: Literal["leave_group"]
    group_id: OpaqueId


class ShowTyping(ClientMessage):
    """Says that the person writes, or has stopped."""

    type: Literal["typing"]
    group_id: OpaqueId
    typing: bool


class MarkRead(ClientMessage):
    """Says up to where the person has read."""

    type: Literal["message.read"]
    conversation_id: OpaqueId
    message_id: Uuid
