"""Resolve a server's name, look at what it leads to, and call exactly that: it cannot lead elsewhere in between."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable

import httpx2

from shared.domain.addresses import is_open, may_be_called

FRESH_S = 60.0
"""A name is resolved again after this; a server that moves is found within it."""


Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Gives the addresses of a name.

Raises:
    httpx2.ConnectError: it has none.
"""


class AddressRefused(httpx2.ConnectError):
    """The server's name leads to an address that may not be called."""


class PinnedAddresses:
    """The addresses that one server's name has, looked at before they are used."""

    def __init__(self, *, loopback: bool, resolve: Resolve | None = None) -> None:
        """Take whether this machine may be called, and what resolves names if not the system."""
        self._loopback = loopback
        self._resolve = resolve or _resolve
        self._known: dict[tuple[str, int], tuple[float, list[str]]] = {}

    async def pinned(self, request: httpx2.Request) -> httpx2.Request:
        """Give the request to the address that its host has, with the host's name for TLS and the server.

        Raises:
            AddressRefused: it may not be called.
            httpx2.ConnectError: the name cannot be resolved.
        """
        host = request.url.host
        if not may_be_called(host, loopback=self._loopback):
            raise AddressRefused("the address may not be called")
        if is_open(host, loopback=self._loopback):
            return request
        address = (await self._resolved(host, request.url.port or _port(request.url.scheme)))[0]
        return httpx2.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )

    def failed(self, request: httpx2.Request) -> None:
        """Use the next of the host's addresses for what follows."""
        for _, addresses in self._known.values():
            if request.url.host in addresses:
                addresses.append(addresses.pop(0))

    async def _resolved(self, host: str, port: int) -> list[str]:
        until, addresses = self._known.get((host, port), (0.0, []))
        if time.monotonic() >= until:
            addresses = await self._resolve(host, port)
            # One bad address among good ones is no accident.
            if not all(is_open(address, loopback=self._loopback) for address in addresses):
                raise AddressRefused("the name leads to an address that may not be called")
            self._known[host, port] = (time.monotonic() + FRESH_S, addresses)
        return addresses


async def _resolve(host: str, port: int) -> list[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as fault:
        raise httpx2.ConnectError("the name cannot be resolved") from fault
    addresses = list(dict.fromkeys(str(place[4][0]) for place in found))
    if not addresses:
        raise httpx2.ConnectError("the name has no address")
    return addresses


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80
