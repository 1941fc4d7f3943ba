"""Which addresses a tool server may have, in all the ways of writing them."""

import pytest

from shared.domain.addresses import is_open, may_be_called

OPEN = ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8", "2002:808:808::1", "64:ff9b::808:808"]
LOOPBACK = ["127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"]
CLOSED = [
    *("10.0.0.4", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "0.0.0.0", "255.255.255.255"),  # noqa: S104
    *("169.254.169.254", "169.254.170.2", "168.63.129.16", "192.0.0.192", "192.0.2.1", "198.18.0.1", "203.0.113.1"),
    *("224.0.0.1", "240.0.0.1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1"),
    *("::ffff:10.0.0.4", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "::169.254.169.254", "::10.0.0.4"),
    *("64:ff9b::a9fe:a9fe", "64:ff9b::10.0.0.4", "64:ff9b:1::1", "2002:a9fe:a9fe::1", "2002:7f00:1::", "2001:db8::1"),
    *("64:ff9b::127.0.0.1", "2001:0:7f00:1::", "::ffff:168.63.129.16"),
]  # fmt: skip
NAMES_OF_NUMBERS = [
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "127.1",
    "10.4",
    "0xa9fea9fe",
    "169.254.43518",
    "1.2.3.4.5",
]


@pytest.mark.requirement("tools:addresses")
@pytest.mark.parametrize("address", CLOSED)
@pytest.mark.parametrize("loopback", [True, False])
def test_an_address_that_is_not_of_the_open_internet_is_never_called(address: str, *, loopback: bool) -> None:
    """Private, link-local, metadata, Azure's own host, multicast; also inside IPv6."""
    assert not is_open(address, loopback=loopback)
    assert not may_be_called(address, loopback=loopback)


@pytest.mark.requirement("tools:addresses")
@pytest.mark.parametrize("address", LOOPBACK)
def test_this_machine_is_called_only_where_the_setting_admits_it(address: str) -> None:
    """As the local stack needs it."""
    assert is_open(address, loopback=True)
    assert not is_open(address, loopback=False)
    for name in ("localhost", "LOCALHOST.", "mcp.localhost"):
        assert may_be_called(name, loopback=True)
        assert not may_be_called(name, loopback=False)


@pytest.mark.parametrize("address", OPEN)
def test_an_address_of_the_open_internet_may_be_called(address: str) -> None:
    """In either family."""
    assert is_open(address, loopback=False)
    assert may_be_called(address, loopback=False)


@pytest.mark.requirement("tools:addresses")
@pytest.mark.parametrize("name", NAMES_OF_NUMBERS)
def test_a_number_in_another_notation_is_no_name(name: str) -> None:
    """Resolvers read it as an address."""
    assert not may_be_called(name, loopback=True)
    assert not is_open(name, loopback=True)


def test_a_name_is_looked_at_when_it_is_resolved() -> None:
    """What it leads to decides."""
    assert may_be_called("tools.example.com", loopback=False)
    assert not may_be_called("", loopback=True)
