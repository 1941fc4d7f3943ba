"""Read REST parameters."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.domain.errors import ChatError, ErrorCode
from shared.domain.ids import PublicId, is_uuid


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
    try:
        return Bounds.model_validate(parameters)
    except ValidationError as fault:
        part = fault.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(item) for item in part["loc"])
        raise ChatError(ErrorCode.BAD_REQUEST, f"The parameter {name} is not as expected: {part['msg']}.") from None


class _Renamed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    title: Annotated[str, Field(min_length=1, max_length=200)]


def new_title(body: bytes) -> str:
    """Read the body of a request that renames.

    Raises:
        ChatError: `bad_request`, naming the field.
    """
    try:
        return _Renamed.model_validate_json(body).title
    except ValidationError as fault:
        part = fault.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(item) for item in part["loc"]) or "body"
        raise ChatError(ErrorCode.BAD_REQUEST, f"The field {name} is not as expected: {part['msg']}.") from None


def session_id(text: str) -> PublicId:
    """Read a session id of a path; what is no UUID cannot exist.

    Raises:
        ChatError: `not_found`.
    """
    if not is_uuid(text):
        raise ChatError(ErrorCode.NOT_FOUND, "There is no such session.")
    return PublicId(text.lower())
