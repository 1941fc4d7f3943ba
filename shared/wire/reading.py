"""Read stored JSON as domain values, strictly: a document that does not fit is refused with the place of its fault."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")


class MalformedDocument(Exception):
    """A stored document is not what it should be; names the document and the fields, never their content."""

    def __init__(self, document_id: object, fault: str) -> None:
        super().__init__(f"document {document_id!r}: {fault}")
        self.document_id = document_id
        self.fault = fault


def read(kind: type[T], data: Mapping[str, Any], *, document_id: object) -> T:
    """Make a domain value of JSON data; unknown fields are ignored, so that newer documents stay readable.

    Raises:
        MalformedDocument: a field is missing or has another type.
    """
    try:
        # Strict JSON mode takes times and enum values as text and nothing else for what they are.
        return _adapter(kind).validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        places = (f"{'.'.join(map(str, fault['loc']))}: {fault['type']}" for fault in faults)
        raise MalformedDocument(document_id, "; ".join(places)) from None


def expect(document: Mapping[str, Any], **fields: str) -> None:
    """Check that the document carries these values.

    Raises:
        MalformedDocument: it does not.
    """
    for name, value in fields.items():
        if document.get(name) != value:
            raise MalformedDocument(document.get("id"), f"{name}: is not {value}")


@cache
def _adapter(kind: type[T]) -> TypeAdapter[T]:
    return TypeAdapter(kind)
