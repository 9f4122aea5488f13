"""Rules of kind sockets: connections beside the guarded HTTP client."""

from loom.domain.rules import SocketsRule
from loom.enforcement.reading.document import Document
from loom.enforcement.reading.kinds.common import (
    Schema,
    head_of,
    keys_of,
    record,
    rule_schema,
    something,
    texts,
    texts_of,
)
from loom.enforcement.reading.kinds.hosts import SOCKET, socket_trouble


def read(document: Document) -> SocketsRule:
    keys = keys_of(document, (), ("allow", "deny"))
    something(document, keys, ("allow", "deny"))
    head = head_of(document, keys)
    allow = document.some(keys, "allow", ("connect", "listen"))
    return SocketsRule(
        id=head.id,
        applies_to=head.applies_to,
        why=head.why,
        connect=texts_of(document, ("allow",), allow, "connect", socket_trouble),
        listen=texts_of(document, ("allow",), allow, "listen", socket_trouble),
        deny=texts_of(document, (), keys, "deny", socket_trouble),
    )


def schema() -> Schema:
    place = "'db.example.org:5432', 'localhost:*', 'unix:/run/service.sock'"
    allow = record(
        {"connect": texts(SOCKET, place), "listen": texts(SOCKET, place)},
        what="where it may connect or send to, and where wait for others",
    )
    return rule_schema(
        "sockets",
        "Where a worker may connect by other means than the guarded HTTP client.",
        {"allow": allow, "deny": texts(SOCKET, f"whoever allows it: {place}")},
    ) | {"anyOf": [{"required": ["allow"]}, {"required": ["deny"]}]}
