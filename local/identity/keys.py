"""Keep the issuer's signing keys on disk, so that tokens stay valid over a restart and a rotation."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

# What Entra signs with; the app fixes the same algorithm.
ALGORITHM = "RS256"
_FILE = "signing-keys.json"

SigningKey = Literal["ours", "foreign", "forged"]


class KeyRing:
    """The signing keys, oldest first; the last one signs, all of them are published."""

    def __init__(self, directory: Path) -> None:
        """Load the keys of `directory`, or make the first one there."""
        directory.mkdir(parents=True, exist_ok=True)
        self._file = directory / _FILE
        self._keys: dict[str, RSAPrivateKey] = _load(self._file) if self._file.exists() else {}
        self._foreign: RSAPrivateKey | None = None
        if not self._keys:
            self.rotate()

    @property
    def current_kid(self) -> str:
        """The id of the key that signs now."""
        return list(self._keys)[-1]

    def rotate(self) -> str:
        """Sign with a new key from now on and return its id; older keys stay published."""
        key = _new_key()
        self._keys[_kid(key.public_key())] = key
        _store(self._file, self._keys)
        return self.current_kid

    def sign(self, claims: dict[str, Any], key: SigningKey = "ours") -> str:
        """Return `claims` as a signed token.

        A foreign key is published nowhere; a forged token names our key and is signed by the foreign one.
        """
        if key == "ours":
            return _signed(claims, self._keys[self.current_kid], self.current_kid)
        if self._foreign is None:
            self._foreign = _new_key()
        named = self.current_kid if key == "forged" else _kid(self._foreign.public_key())
        return _signed(claims, self._foreign, named)

    def public_key(self, kid: str) -> RSAPublicKey | None:
        """Return the published key `kid`, if there is one."""
        key = self._keys.get(kid)
        return key.public_key() if key else None

    def jwks(self, issuer: str) -> dict[str, Any]:
        """Return the key set as Entra writes it: with the issuer, without `alg`."""
        return {"keys": [_published(kid, key, issuer) for kid, key in self._keys.items()]}


def _signed(claims: dict[str, Any], key: RSAPrivateKey, kid: str) -> str:
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": kid})


def _published(kid: str, key: RSAPrivateKey, issuer: str) -> dict[str, Any]:
    numbers = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {"kty": "RSA", "use": "sig", "kid": kid, "n": numbers["n"], "e": numbers["e"], "issuer": issuer}


def _new_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def _kid(key: RSAPublicKey) -> str:
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


def _load(file: Path) -> dict[str, RSAPrivateKey]:
    keys: dict[str, RSAPrivateKey] = {}
    for kid, pem in json.loads(file.read_text(encoding="utf-8")).items():
        key = serialization.load_pem_private_key(pem.encode(), password=None)
        if not isinstance(key, RSAPrivateKey):
            raise TypeError(f"{file} holds a key that is not RSA: {kid}")
        keys[kid] = key
    return keys


def _store(file: Path, keys: dict[str, RSAPrivateKey]) -> None:
    pems = {
        kid: key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
        for kid, key in keys.items()
    }
    # Written beside and moved, so that a kill in between leaves the old keys whole.
    beside = file.with_suffix(".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(pems, stream)
    beside.replace(file)
