"""Web addresses: one spelling for each page, and which of them belong to a site."""

from ipaddress import ip_address
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

_PORTS = {"http": 80, "https": 443}
_LONGEST = 2_000
_ALREADY_QUOTED = "/%:@!$&'()*+,;=~-._"


def normalise(url: str, base: str | None = None) -> str | None:
    """The address in one spelling, without its fragment; None when it can't be asked for over HTTP.

    Scheme and host in lower case, no default port, no dot segments, non-ASCII percent-encoded, '/' for no
    path. Refused: other schemes, no host, user names in the address, more than 2,000 characters.
    """
    # Browsers drop tabs and line ends inside an address, and blanks round it.
    text = url.strip(" \t\r\n\f\v").translate({9: None, 10: None, 13: None})
    try:
        parts = urlsplit(urljoin(base, text) if base else text)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host or parts.username is not None or " " in host:
        return None
    place = f"[{host}]" if ":" in host else host
    if port is not None and port != _PORTS[parts.scheme]:
        place = f"{place}:{port}"
    path = quote(parts.path, safe=_ALREADY_QUOTED) or "/"
    query = quote(parts.query, safe=f"{_ALREADY_QUOTED}?[]")
    whole = urlunsplit((parts.scheme, place, path, query, ""))
    return whole if len(whole) <= _LONGEST else None


def fragment_of(url: str) -> str:
    """What follows '#', as written; '' for none."""
    return url.partition("#")[2]


def same_site(url: str, site: str) -> bool:
    """Whether both normalised addresses name the same host and port; the default ports of http and https
    count as the same, so that a site that moves its visitors to https stays one site."""
    one, other = urlsplit(url), urlsplit(site)
    return one.hostname == other.hostname and one.port == other.port


def is_downgrade(url: str, next_url: str) -> bool:
    """Whether a step from `url` to `next_url` leaves encryption."""
    return urlsplit(url).scheme == "https" and urlsplit(next_url).scheme == "http"


def is_private(url: str) -> bool:
    """Whether the address by its very name leads to the asker's own machine or network, where a visitor from
    elsewhere can't follow."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal", ".lan", ".home.arpa"))
