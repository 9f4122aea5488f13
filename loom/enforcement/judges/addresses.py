"""Which network addresses are the public internet. Pure: looks nothing up."""

import ipaddress

# 168.63.129.16 answers inside every Azure machine (hosted runners are such), though it is a public number.
_METADATA = frozenset({ipaddress.ip_address("168.63.129.16")})
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")  # RFC 4291: all that has been given out
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits
_TUNNELS = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32"))  # 6to4, Teredo

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def literal(host: str) -> Address | None:
    """The address that `host` spells, or None when it is a name.

    Reads the old spellings that resolvers still accept: ``127.1``, ``0x7f000001``, ``2130706433``.
    """
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    if not host[:1].isdigit():
        return None
    import socket  # for the few that begin like one

    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def public(address: Address) -> bool:
    """Whether anybody on the internet could be asked at this address: not this machine, not a private
    network, not a cloud's metadata service."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return public(inner)
        if address not in _GLOBAL_UNICAST or any(address in tunnel for tunnel in _TUNNELS):
            return False
    return address.is_global and not address.is_multicast and address not in _METADATA
