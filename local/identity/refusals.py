"""Say no as Entra's token endpoint does, with its error names and AADSTS numbers."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

_STATUS = {"invalid_client": 401, "temporarily_unavailable": 503}


class TokenRefused(Exception):
    """The token endpoint refuses; carries what its error document shall say."""

    def __init__(
        self, error: str, number: int, text: str, *, suberror: str = "", claims: dict[str, Any] | None = None
    ) -> None:
        super().__init__(f"AADSTS{number}: {text}")
        self.error = error
        self.number = number
        self.suberror = suberror
        self.claims = claims

    @property
    def status(self) -> int:
        """The HTTP status that goes with the error name."""
        return _STATUS.get(self.error, 400)

    def document(self, now: datetime | None = None) -> dict[str, Any]:
        """Return the error document, with fresh trace and correlation ids."""
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        moment = (now or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M:%SZ")
        document: dict[str, Any] = {
            "error": self.error,
            "error_description": f"{self} Trace ID: {trace} Correlation ID: {correlation}",
            "error_codes": [self.number],
            "timestamp": moment,
            "trace_id": trace,
            "correlation_id": correlation,
        }
        if self.suberror:
            document["suberror"] = self.suberror
        if self.claims is not None:
            # Entra sends the challenge as JSON within a JSON string.
            document["claims"] = json.dumps(self.claims)
        return document


def interaction_required() -> TokenRefused:
    """Return the refusal of a conditional-access rule, with the challenge the client must pass on."""
    challenge = {"access_token": {"polids": {"essential": True, "values": ["sample-policy"]}}}
    return TokenRefused(
        "interaction_required",
        50076,
        "The user must use multi-factor authentication to access the resource.",
        suberror="basic_action",
        claims=challenge,
    )


def consent_required() -> TokenRefused:
    """Return the refusal of a resource to which the user has not consented."""
    return TokenRefused(
        "invalid_grant",
        65001,
        "The user or administrator has not consented to use the application.",
        suberror="consent_required",
    )


def unavailable() -> TokenRefused:
    """Return the answer of an issuer that is down for a while."""
    return TokenRefused("temporarily_unavailable", 90033, "A transient error has occurred. Please try again.")
