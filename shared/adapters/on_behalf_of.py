"""Exchange a person's token for one of a tool server's audience (OAuth 2.0 on-behalf-of of Entra)."""

import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from azure.core.exceptions import AzureError

from shared.domain.errors import ChatError, ErrorCode
from shared.domain.ids import UserId

Assertion = Callable[[], Awaitable[str]]

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_NEEDS_THE_PERSON = frozenset({"basic_action", "additional_action", "message_only", "consent_required"})
"""Sub-errors of Entra that only the person can clear away."""
CLAIMS_MOST_CHARS = 4096
_EARLY_S = 60.0
_KEPT_MOST = 1000


class OnBehalfOf:
    """Hold exchanged tokens in memory, by person, token and audience, until shortly before their end."""

    def __init__(self, authority: str, client_id: str, proof: str | Assertion) -> None:
        """Take the registration's secret, or what gives an assertion of the managed identity that it trusts."""
        self._authority = authority.rstrip("/")
        self._client_id = client_id
        self._proof = proof
        self._kept: dict[str, tuple[str, float]] = {}

    async def for_user(self, user_id: UserId, user_token: str, audience: str, *, fresh: bool = False) -> str:
        """Give a token on behalf of the person; `fresh` does without the one that was given before.

        Raises:
            ChatError: `interaction_required` when the person must consent, `tool_failed` otherwise.
        """
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "requested_token_use": "on_behalf_of",
            "assertion": user_token,
        }
        return await self._token(user_id.partition(":")[0], user_token, audience, form, fresh=fresh)

    async def for_app(self, tenant: str, audience: str, *, fresh: bool = False) -> str:
        """Give a token of the app itself; for asking a server what it offers.

        Raises:
            ChatError: `tool_failed`.
        """
        return await self._token(tenant, "", audience, {"grant_type": "client_credentials"}, fresh=fresh)

    async def _token(self, tenant: str, user_token: str, audience: str, form: dict[str, str], *, fresh: bool) -> str:
        slot = hashlib.sha256(f"{tenant}\n{user_token}\n{audience}".encode()).hexdigest()
        kept = self._kept.get(slot)
        if kept is not None and kept[1] > time.monotonic() and not fresh:
            return kept[0]
        body = await self._post(
            f"{self._authority}/{tenant}/oauth2/v2.0/token",
            form | await self._proved() | {"client_id": self._client_id, "scope": f"{audience}/.default"},
        )
        if len(self._kept) >= _KEPT_MOST:
            self._kept.pop(next(iter(self._kept)))
        self._kept[slot] = (body["access_token"], time.monotonic() + float(body["expires_in"]) - _EARLY_S)
        return body["access_token"]

    async def _proved(self) -> dict[str, str]:
        """Prove who asks (Entra's v2 token endpoint: shared secret, or federated credential)."""
        if isinstance(self._proof, str):
            return {"client_secret": self._proof}
        try:
            assertion = await self._proof()
        except AzureError as fault:
            raise ChatError(ErrorCode.TOOL_FAILED, "Sign-in for this tool does not answer at present.") from fault
        return {"client_assertion_type": _ASSERTION_TYPE, "client_assertion": assertion}

    async def _post(self, url: str, form: dict[str, str]) -> dict[str, Any]:
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
                session.post(url, data=form) as response,
            ):
                body: dict[str, Any] = await response.json(content_type=None)
                if response.ok:
                    return body
        except (TimeoutError, aiohttp.ClientError, ValueError) as fault:
            raise ChatError(ErrorCode.TOOL_FAILED, "Sign-in for this tool does not answer at present.") from fault
        if body.get("error") == "interaction_required" or body.get("suberror") in _NEEDS_THE_PERSON:
            claims: Any = body.get("claims")
            # Nothing of the issuer's words but the challenge, which the client's sign-in passes back to it.
            fits = isinstance(claims, str) and len(claims) <= CLAIMS_MOST_CHARS
            text = "This tool needs that you sign in once more, or agree to its use."
            raise ChatError(ErrorCode.INTERACTION_REQUIRED, text, claims=claims if fits else None)
        raise ChatError(ErrorCode.TOOL_FAILED, "You could not be signed in to this tool.")
