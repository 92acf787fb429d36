"""Where requests come from, as limits count it: one computer, or the network of many."""

from __future__ import annotations

import ipaddress
from contextlib import suppress


def place(address: str | None) -> str:
    """One computer: its IPv4 address, or the IPv6 network in which it may take any."""
    return network(address, v4_bits=32, v6_bits=64)


def network(address: str | None, *, v4_bits: int, v6_bits: int) -> str:
    """The network of so many bits; an IPv4 address in IPv6's clothes as such. Anything else is itself."""
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return address or ""
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ipaddress.IPv6Address(int(ip))  # Without a zone, `%eth0`: each would be counted by itself.
    bits = v4_bits if ip.version == 4 else v6_bits
    return str(ipaddress.ip_network(f"{ip}/{bits}", strict=False))


def is_loopback(host: str) -> bool:
    """Whether this host is this very computer: no encryption is needed on the way to it."""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
