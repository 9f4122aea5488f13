"""How rules write the places on a network."""

import re

from loom.enforcement.addresses import literal

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
    if text.startswith("unix:/"):
        return None
    found = re.fullmatch(rf"(?P<host>{NAME}|{LITERAL})(?P<port>:([0-9]{{1,5}}|\*))", text)
    if (
        found is not None
        and (found["port"] == ":*" or _is_port(found["port"]))
        and _is_literal(found["host"])
    ):
        return None
    return (
        f"{text!r} isn't a place to connect to; expected a host's name in lower case and a port such as "
        "'db.example.org:5432', ':*' for every port, or 'unix:/run/service.sock'"
    )


def _is_port(text: str | None) -> bool:
    return text is None or 0 < int(text[1:]) < 65536


def _is_literal(host: str) -> bool:
    return not host.startswith("[") or literal(host[1:-1]) is not None
