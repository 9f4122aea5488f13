"""How rules write the places on a network."""

import re

_LABEL = "[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?"
NAME = rf"{_LABEL}(\.{_LABEL})*"
LITERAL = r"\[[0-9a-f:.]+\]"
HOST = rf"(\*|(\*\.)?{NAME}|{LITERAL})"
PORT = ":[0-9]{1,5}"


def host_trouble(text: str) -> str | None:
    """What is wrong with 'api.example.org', 'localhost:8080', '*.example.org', '[::1]' or '*', or None."""
    host, colon, port = (text, "", "") if text.endswith("]") else _parted(text)
    if (host == "*" or _is_name(host.removeprefix("*.")) or _is_literal(host)) and (
        not colon or _is_port(port)
    ):
        return None
    return (
        f"{text!r} isn't a host; expected a name in lower case such as 'api.example.org', with ':8080' for "
        "another port than 80 and 443, '*.example.org' or '*' (no scheme, no path, other scripts as xn--)"
    )


SOCKET = rf"({NAME}|{LITERAL}):([0-9]{{1,5}}|\*)|unix:/[^\x00]*"


def socket_trouble(text: str) -> str | None:
    """What is wrong with 'db.example.org:5432', 'localhost:*', '[::1]:53' or 'unix:/run/x.sock', or None."""
    if text.startswith("unix:/") and "\x00" not in text:
        return None
    host, colon, port = text.rpartition(":")
    if colon and (_is_name(host) or _is_literal(host)) and (port == "*" or _is_port(port)):
        return None
    return (
        f"{text!r} isn't a place to connect to{_mistake(text)}; expected a host's name in lower case and a "
        "port such as 'db.example.org:5432', ':*' for every port, or 'unix:/run/service.sock'"
    )


def _mistake(text: str) -> str:
    """What is most likely wrong with it, in brackets; empty if that can't be said."""
    host, colon, port = text.rpartition(":")
    if "://" in text:
        why = "it begins with a scheme"
    elif text.startswith("/") or text.startswith("unix:"):
        why = "a socket's path begins with unix:/"
    elif "*" in host or text == "*":
        why = "each host is named; '*' only stands for a port"
    elif "/" in text:
        why = "it ends with a path"
    elif not colon or text.endswith("]"):
        why = "its port is missing"
    elif ":" in host and not host.startswith("["):
        why = "an IPv6 address stands in brackets"
    elif port.isdecimal():
        why = "a port is a number from 1 to 65535" if not _is_port(port) else ""
    else:
        why = ""
    return f" ({why})" if why else ""


def _parted(text: str) -> tuple[str, str, str]:
    """Host, colon and port; without a colon it is all host."""
    host, colon, port = text.rpartition(":")
    return (host, colon, port) if colon else (text, "", "")


def _is_name(host: str) -> bool:
    # Label by label: compiling `NAME` costs three times as much, on each tick.
    return all(re.fullmatch(_LABEL, label) for label in host.split("."))


def _is_port(text: str) -> bool:
    return re.fullmatch("[0-9]{1,5}", text) is not None and 0 < int(text) < 65536


def _is_literal(host: str) -> bool:
    if not host.startswith("[") or not re.fullmatch(LITERAL, host):
        return False
    # Few rules name an address.
    from loom.enforcement.judges.addresses import literal

    return literal(host[1:-1]) is not None
