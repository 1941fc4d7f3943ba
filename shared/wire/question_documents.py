"""Write the common questions as documents of container `registry`, and read them back."""

from collections.abc import Mapping
from typing import Any

from shared.domain.common_questions import CommonQuestion
from shared.wire.outbound import to_json
from shared.wire.reading import expect, read

QUESTION_KIND = "common_question"
UNASKED_TTL_S = 90 * 24 * 3600
"""A question that nobody new has asked for so long is forgotten."""


def question_document(group: CommonQuestion) -> dict[str, Any]:
    """Write a group of questions."""
    data: dict[str, Any] = to_json(group)
    return data | {"id": f"question:{group.group_id}", "kind": QUESTION_KIND, "ttl": UNASKED_TTL_S}


def question_from(document: Mapping[str, Any]) -> CommonQuestion:
    """Read a group of questions."""
    expect(document, kind=QUESTION_KIND)
    return read(CommonQuestion, document, document_id=document.get("id"))
