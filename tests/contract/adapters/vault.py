"""Stand in for Azure Key Vault over TLS, as far as wrapping goes: challenge, versions, a key to read, unwrapping."""

import base64
import ssl
import uuid
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web
from azure.core.credentials import AccessToken, AccessTokenInfo
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

NAME = "sealing"
_OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


class Credential:
    """A credential whose token the vault takes."""

    token = "good"

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """Give the token; the scope is the one that the challenge named."""
        assert scopes == ("https://vault.azure.net/.default",)
        return AccessToken(self.token, 2**31)

    async def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:  # noqa: ARG002
        """Give the token in the SDK's newer form."""
        return AccessTokenInfo((await self.get_token(*scopes)).token, 2**31)

    async def close(self) -> None:
        """Have nothing to close."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


@dataclass
class Vault:
    """One vault with one key of several versions."""

    address: str = ""
    versions: dict[str, rsa.RSAPrivateKey] = field(default_factory=dict[str, rsa.RSAPrivateKey])
    disabled: set[str] = field(default_factory=set[str])
    asked: list[str] = field(default_factory=list[str])
    down: bool = False

    def rotate(self) -> str:
        """Make a new version of the key, which is the newest from now on."""
        version = uuid.uuid4().hex
        self.versions[version] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return version

    @property
    def key_id(self) -> str:
        """The key's address without a version."""
        return f"{self.address}/keys/{NAME}"

    async def start(self, tls: ssl.SSLContext) -> web.AppRunner:
        """Serve on a free port."""
        app = web.Application()
        app.router.add_get(f"/keys/{NAME}/{{version:.*}}", self._read)
        app.router.add_post(f"/keys/{NAME}/{{version}}/unwrapkey", self._unwrap)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        self.address = f"https://127.0.0.1:{runner.addresses[0][1]}"
        self.rotate()
        return runner

    async def _read(self, request: web.Request) -> web.Response:
        version = request.match_info["version"] or list(self.versions)[-1]
        if (refusal := self._refusal(request, version)) is not None:
            return refusal
        numbers = self.versions[version].public_key().public_numbers()
        key = {
            "kid": f"{self.key_id}/{version}",
            "kty": "RSA",
            "key_ops": ["wrapKey", "unwrapKey"],
            "n": _text(numbers.n.to_bytes(256, "big")),
            "e": _text(numbers.e.to_bytes(3, "big")),
        }
        return web.json_response({"key": key, "attributes": {"enabled": True}})

    async def _unwrap(self, request: web.Request) -> web.Response:
        version = request.match_info["version"]
        if (refusal := self._refusal(request, version)) is not None:
            return refusal
        asked = await request.json()
        assert asked["alg"] == "RSA-OAEP-256"
        try:
            plain = self.versions[version].decrypt(base64.urlsafe_b64decode(asked["value"] + "=="), _OAEP)
        except ValueError:
            return _refused(400, "BadParameter")
        return web.json_response({"kid": f"{self.key_id}/{version}", "value": _text(plain)})

    def _refusal(self, request: web.Request, version: str) -> web.Response | None:
        if request.headers.get("Authorization") != f"Bearer {Credential.token}":
            challenge = 'Bearer authorization="https://login.example/tenant", resource="https://vault.azure.net"'
            return web.Response(status=401, headers={"WWW-Authenticate": challenge})
        self.asked.append(f"{request.method} {version}")
        if self.down:
            return _refused(503, "ServerBusy")
        if version not in self.versions:
            return _refused(404, "KeyNotFound")
        return _refused(403, "KeyDisabled") if version in self.disabled else None


def _text(number: bytes) -> str:
    return base64.urlsafe_b64encode(number).decode().rstrip("=")


def _refused(status: int, code: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": code}}, status=status)
