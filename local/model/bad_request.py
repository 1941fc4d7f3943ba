"""Refuse requests that OpenAI would refuse, in its words, so that mistakes show locally."""

from __future__ import annotations

from typing import Any


class BadRequest(ValueError):
    """The request cannot be served; carries the error document's parts."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.param = param
        self.code = code
        self.status = status

    def document(self) -> dict[str, Any]:
        """Return the error document."""
        return error(str(self), param=self.param, code=self.code)


def error(
    message: str, *, param: str | None = None, code: str | None = None, kind: str = "invalid_request_error"
) -> dict[str, Any]:
    """Return an error document in OpenAI's shape."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def content_filter() -> dict[str, Any]:
    """Return Azure's answer to a prompt that its filter stops."""
    document = error(
        "The response was filtered due to the prompt triggering the content management policy.",
        param="prompt",
        code="content_filter",
    )
    document["error"] |= {
        "status": 400,
        "innererror": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {"hate": {"filtered": True, "severity": "medium"}},
        },
    }
    return document


def context_length() -> dict[str, Any]:
    """Return the answer to a prompt that is too long."""
    return error("This model's maximum context length was exceeded.", param="messages", code="context_length_exceeded")
