"""Decide which port each part listens on, and find out which of them are taken."""

from __future__ import annotations

import socket

HOST = "127.0.0.1"
# In the order of --port-base N: the web client takes N, the Functions host N+1, and so on.
DEFAULTS = {
    "web": 4280,
    "app": 7071,
    "webpubsub": 8080,
    "cosmos": 8081,
    "blob": 10000,
    "identity": 8082,
    "model": 8083,
    "mcp": 8084,
    "durable RPC": 17071,
    "queue": 10001,
    "table": 10002,
}
# Azurite's queue and table serve the real Functions host only (--host func).
STORAGE_ONLY = ("queue", "table")
HIGHEST_BASE = 65535 - len(DEFAULTS)


def plan(base: int | None, *, storage: bool = False) -> dict[str, int]:
    """Give each part its port: the documented ones, or consecutive ones from base on."""
    names = [name for name in DEFAULTS if storage or name not in STORAGE_ONLY]
    if base is None:
        return {name: DEFAULTS[name] for name in names}
    return {name: base + offset for offset, name in enumerate(names)}


def is_taken(port: int) -> bool:
    """Tell whether somebody listens on this loopback port already."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Without SO_REUSEADDR connections of a stack that just ended (TIME_WAIT) would count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def taken(ports: dict[str, int]) -> list[tuple[str, int]]:
    """List the (part, port) pairs that cannot be used."""
    return [(part, port) for part, port in ports.items() if is_taken(port)]
