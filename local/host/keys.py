"""Access keys of the app, kept in DATA/keys.json as the real host keeps them in its storage."""

import hmac
import json
import os
import pathlib
import secrets
from dataclasses import dataclass
from typing import Any

_SYSTEM_KEYS = ("webpubsub_extension", "durabletask_extension")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The master key, the host key, one key per function, one per extension's webhook."""

    master: str
    host: str
    functions: dict[str, str]
    system: dict[str, str]

    def allow(self, level: str, function: str, given: str | None) -> bool:
        """Tell whether a key opens a function of that level; anonymous ones need none."""
        if level == "ANONYMOUS":
            return True
        known = [self.master]
        if level == "FUNCTION":
            known += [self.host, self.functions[function]]
        return any(hmac.compare_digest(key.encode(), (given or "").encode()) for key in known)


def load_keys(path: pathlib.Path, functions: list[str]) -> Keys:
    """Read the keys, making those that are missing; the file is readable by its owner only."""
    content: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    keys = Keys(
        master=content.get("masterKey") or _new(),
        host=content.get("hostKey") or _new(),
        functions={name: content.get("functionKeys", {}).get(name) or _new() for name in functions},
        system={name: content.get("systemKeys", {}).get(name) or _new() for name in _SYSTEM_KEYS},
    )
    text = json.dumps(
        {
            "masterKey": keys.master,
            "hostKey": keys.host,
            "functionKeys": content.get("functionKeys", {}) | keys.functions,
            "systemKeys": keys.system,
        },
        indent=2,
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
    return keys


def _new() -> str:
    return secrets.token_urlsafe(32)
