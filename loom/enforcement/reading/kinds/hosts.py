"""How rules write the places on a network."""

import re

_LABEL = "[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?"
NAME = rf"{_LABEL}(\.{_LABEL})*"
LITERAL = r"\[[0-9a-f:.]+\]"
HOST = rf"(\*|(\*\.)?{NAME}|{LITERAL})"
PORT = ":[0-9]{1,5}"


def host_trouble(text: str) -> str | None:
    """What is wrong with 'api.example.org', 'localhost:8080', '*.example.org', '[::1]' or '*', or None."""
    found = re.fullmatch(f"(?P<host>{HOST})(?P<port>{PORT})?", text)
    if found is not None and _is_port(found["port"]) and _is_literal(found["host"]):
        return None
    return (
        f"{text!r} isn't a host; expected a name in lower case such as 'api.example.org', with ':8080' for "
        "another port than 80 and 443, '*.example.org' or '*' (no scheme, no path, other scripts as xn--)"
    )


SOCKET = rf"({NAME}|{LITERAL}):([0-9]{{1,5}}|\*)|unix:/[^\x00]*"


def socket_trouble(text: str) -> str | None:
    """What is wrong with 'db.example.org:5432', 'localhost:*', '[::1]:53' or 'unix:/run/x.sock', or None."""
    if re.fullmatch(SOCKET, text):
        host, _, port = text.rpartition(":")
        if text.startswith("unix:/") or (_is_literal(host) and (port == "*" or _is_port(f":{port}"))):
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
        why = "a port is a number from 1 to 65535" if not _is_port(f":{port}") else ""
    else:
        why = ""
    return f" ({why})" if why else ""


def _is_port(text: str | None) -> bool:
    return text is None or 0 < int(text[1:]) < 65536


def _is_literal(host: str) -> bool:
    if not host.startswith("["):
        return True
    # Few rules name an address.
    from loom.enforcement.judges.addresses import literal

    return literal(host[1:-1]) is not None
