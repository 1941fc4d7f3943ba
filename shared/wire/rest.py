"""Read REST parameters."""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.domain.conversation import NO_SUCH_SESSION
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.ids import PublicId, is_uuid
from shared.wire.inbound import Query, load
from shared.wire.message_parts import Composed, Locale, Region, RoleWish, Timezone

Read = TypeVar("Read", bound=BaseModel)


class Bounds(BaseModel):
    """Which part of a list is wanted."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    after_seq: Annotated[int, Field(ge=0, le=2**53)] | None = None
    before_seq: Annotated[int, Field(ge=1, le=2**53)] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


def bounds(parameters: dict[str, str]) -> Bounds:
    """Read `after_seq`, `before_seq` and `limit`.

    Raises:
        ChatError: `bad_request`, naming the parameter.
    """
    return read_as(Bounds, parameters, "parameter")


def read_as(kind: type[Read], given: dict[str, Any], what: str = "field") -> Read:
    """Read what a request gives.

    Raises:
        ChatError: `bad_request`, naming the first that is not as expected, and no value.
    """
    try:
        return kind.model_validate(given)
    except ValidationError as fault:
        part = fault.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(item) for item in part["loc"]) or "body"
        raise ChatError(ErrorCode.BAD_REQUEST, f"The {what} {name} is not as expected: {part['msg']}.") from None


class NewTitle(BaseModel):
    """The body of a request that renames."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    title: Annotated[Composed, Field(min_length=1, max_length=200)]


def new_title(body: bytes) -> str:
    """Read the body of a request that renames.

    Raises:
        ChatError: `bad_request`, naming the field.
    """
    return read_as(NewTitle, body_of(body)).title


class AcceptedTool(BaseModel):
    """What an Admin accepts: the digest of the tool as it was shown."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def accepted_digest(body: bytes) -> str:
    """Read the body of a request that accepts a tool as it is described now.

    Raises:
        ChatError: `bad_request`, naming the field.
    """
    return read_as(AcceptedTool, body_of(body)).digest


class Posted(Query):
    """A question that came over REST, with what its session is told by `session.update` otherwise."""

    type: Literal["query"] = "query"
    role: RoleWish | None = None
    region: Region | None = None
    timezone: Timezone | None = None
    locale: Locale | None = None


def posted(body: bytes) -> Posted:
    """Read the body of a request that asks.

    Raises:
        ChatError: `too_large`, or `bad_request`, naming the field.
    """
    return read_as(Posted, body_of(body) | {"type": "query"})


def body_of(body: bytes) -> dict[str, Any]:
    """Read a body by the same rules as a client's message.

    Raises:
        ChatError: `too_large` or `bad_request`.
    """
    try:
        return load(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise ChatError(ErrorCode.BAD_REQUEST, "The body is not UTF-8.") from None


def session_id(text: str) -> PublicId:
    """Read a session id of a path; what is no UUID cannot exist.

    Raises:
        ChatError: `not_found`.
    """
    if not is_uuid(text):
        raise ChatError(ErrorCode.NOT_FOUND, NO_SUCH_SESSION)
    return PublicId(text.lower())
