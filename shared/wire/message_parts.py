"""Define what clients' messages are made of: ids, bounded texts, and what every message may carry."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.domain.errors import ChatError, ErrorCode

UUID = r"^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$"

MARKS_MOST = 30
"""More combining marks in a row mean nothing in any language (UAX #15, 13), and cost time by their square."""


def composed(text: str) -> str:
    """Write what looks alike alike (NFC).

    Raises:
        ChatError: `bad_request` for heaps of marks on one character.
    """
    marks = 0
    for char in text if not text.isascii() else "":
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks > MARKS_MOST:
            raise ChatError(ErrorCode.BAD_REQUEST, f"More than {MARKS_MOST} marks stand on one character.")
    return unicodedata.normalize("NFC", text)


Composed = Annotated[str, AfterValidator(composed)]
Uuid = Annotated[str, Field(pattern=UUID)]
OpaqueId = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._:-]+$")]

RoleWish = Annotated[str, Field(max_length=64)]
Region = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9 _-]*$")]
Timezone = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_+/-]*$")]
Locale = Annotated[str, Field(max_length=35, pattern=r"^[A-Za-z0-9_-]*$")]


class ClientMessage(BaseModel):
    """What every message may carry; unknown fields are ignored and never read."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    request_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None
