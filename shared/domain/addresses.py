"""Tell which addresses a tool server may have: those of the open Internet, and this machine where that is admitted.

Whoever names a server, or what its name resolves to, could otherwise have the app ask its own host, its virtual network
or the metadata endpoint that hands out its identity (server-side request forgery).
"""

import ipaddress

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")
_CLOSED = tuple(
    ipaddress.ip_network(text)
    for text in ("192.0.0.0/24", "64:ff9b:1::/48", "100::/64", "2001::/23", "3fff::/20", "5f00::/16", "fec0::/10")
)
"""Special ranges of IANA's registries that not every Python 3.11 knows as such."""
_AZURE_HOST = ipaddress.ip_address("168.63.129.16")
"""A global address that inside Azure belongs to the machine's own host (Azure, WireServer)."""


def is_open(text: str, *, loopback: bool) -> bool:
    """Tell whether an IP address may be called; `loopback` admits this machine."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    meant = _meant(address)
    if any(one.is_loopback for one in meant):
        return loopback and len(meant) == 1
    return all(_is_global(one) for one in meant)


def may_be_called(host: str, *, loopback: bool) -> bool:
    """Tell whether a URL's host may be called as far as it can be seen without resolving it."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return loopback
    # As browsers read it: a host whose last label is a number is an IPv4 address, in whatever notation.
    last = name.rpartition(".")[2]
    if ":" in name or last.isdigit() or last.startswith("0x"):
        return is_open(name, loopback=loopback)
    return bool(name)


def _is_global(address: _Address) -> bool:
    special = address.is_multicast or address == _AZURE_HOST or any(address in network for network in _CLOSED)
    return address.is_global and not special


def _meant(address: _Address) -> list[_Address]:
    """Give the address with the IPv4 addresses that stand in it: mapped, translated or tunnelled."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    inner: list[_Address] = [address]
    if address.sixtofour:
        inner.append(address.sixtofour)
    if address.teredo:
        inner.extend(address.teredo)
    embedded = address in _NAT64 or (address in _COMPATIBLE and int(address) > 0xFFFF)  # noqa: PLR2004  # ::1 is none
    if embedded:
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return inner
