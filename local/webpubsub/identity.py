"""Tokens between this service and the local identity provider, in both directions."""

import time
from dataclasses import dataclass
from typing import Any

import jwt
from aiohttp import ClientError, ClientSession, ClientTimeout

from local.webpubsub.config import Settings
from local.webpubsub.tokens import TokenRefused

REST_AUDIENCE = "https://webpubsub.azure.com"
# A token is fetched again when it has less than this left, in seconds.
MARGIN_S = 60
# The identity of this service, as the local identity provider knows it.
CLIENT_ID = "44444444-4444-4444-8444-444444444444"
CLIENT_SECRET = "local-webpubsub-secret"
TIMEOUT = ClientTimeout(total=10)


class IdentityUnavailable(Exception):
    """The identity provider gave no token or no keys."""


@dataclass(frozen=True, slots=True)
class _Held:
    token: str
    until: float


class Identity:
    """Gets tokens for event handlers with identity, and verifies tokens of callers with identity."""

    def __init__(self, settings: Settings, session: ClientSession) -> None:
        self._settings = settings
        self._session = session
        self._held: dict[str, _Held] = {}
        self._keys: dict[str, jwt.PyJWK] = {}

    async def token_for(self, audience: str) -> str:
        """Return a token of this service's own identity for the audience.

        Raises IdentityUnavailable.
        """
        held = self._held.get(audience)
        if held is None or held.until < time.monotonic():
            form = {
                "grant_type": "client_credentials",
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "scope": f"{audience}/.default",
            }
            answer = await self._json("POST", f"{self._authority()}/oauth2/v2.0/token", form)
            lifetime = float(answer.get("expires_in", 0))
            held = _Held(str(answer.get("access_token", "")), time.monotonic() + lifetime - MARGIN_S)
            self._held[audience] = held
        return held.token

    async def verify(self, token: str) -> dict[str, Any]:
        """Return the claims of an Entra token for this service.

        Raises TokenRefused, also when no identity provider is configured.
        """
        if self._settings.identity is None:
            raise TokenRefused("Entra tokens need --identity")
        try:
            key = await self._key(str(jwt.get_unverified_header(token).get("kid")))
            return jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=[REST_AUDIENCE, f"{REST_AUDIENCE}/"],
                issuer=f"{self._authority()}/v2.0",
                options={"require": ["exp"]},
            )
        except (jwt.PyJWTError, IdentityUnavailable) as error:
            raise TokenRefused(f"{type(error).__name__}: {error}") from error

    async def _key(self, kid: str) -> jwt.PyJWK:
        if kid not in self._keys:
            answer = await self._json("GET", f"{self._authority()}/discovery/v2.0/keys", None)
            self._keys = {str(key.key_id): key for key in jwt.PyJWKSet.from_dict(answer).keys}
        if kid not in self._keys:
            raise TokenRefused("the token is signed by a key that the identity provider does not have")
        return self._keys[kid]

    def _authority(self) -> str:
        if self._settings.identity is None:
            raise IdentityUnavailable("a handler with managed identity needs --identity")
        return f"{self._settings.identity.rstrip('/')}/{self._settings.tenant}"

    async def _json(self, method: str, url: str, form: dict[str, str] | None) -> dict[str, Any]:
        try:
            async with self._session.request(method, url, data=form, timeout=TIMEOUT) as answer:
                answer.raise_for_status()
                return await answer.json()
        except (ClientError, TimeoutError, ValueError) as error:
            raise IdentityUnavailable(f"{url}: {type(error).__name__}: {error}") from error
