"""Rules of kind http: what may be asked of which host."""

import re
from typing import Any

from loom.domain.rules import HttpAllowance, HttpRule
from loom.enforcement.reading.document import Document, Path
from loom.enforcement.reading.kinds.common import (
    Schema,
    flag_of,
    head_of,
    keys_of,
    listed,
    record,
    rule_schema,
    texts,
    texts_of,
)
from loom.enforcement.reading.kinds.hosts import HOST, PORT, host_trouble

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")

_PATH = r"/\*\*|/|(/(\*|[A-Za-z0-9._~!$&'()+,=:@-]+))+(/\*\*|/)?"
_WHERE = f"{HOST}({PORT})?"


def read(document: Document) -> HttpRule:
    keys = keys_of(document, ("hosts", "allow"))
    head = head_of(document, keys)
    hosts = document.texts(("hosts",), keys.get("hosts"), host_trouble)
    return HttpRule(
        id=head.id,
        applies_to=head.applies_to,
        why=head.why,
        hosts=hosts,
        allow=tuple(
            _allowance(document, path, item, hosts)
            for path, item in document.items(("allow",), keys.get("allow"))
        ),
    )


def schema() -> Schema:
    allowance = record(
        {
            "methods": {
                **listed({"enum": [*METHODS]}),
                "uniqueItems": True,
                "description": "in capitals, as they are sent",
            },
            "paths": texts(_PATH, "'/crm/*/search': * is one segment, a final ** everything below"),
            "hosts": texts(_WHERE, "of the rule's hosts, those it holds for; all, if it isn't there"),
            "https_only": {"type": "boolean", "description": "leaves plain http out"},
        },
        required=("methods", "paths"),
    )
    return rule_schema(
        "http",
        "What may be asked of which host. Every rule that names a host must allow a request to it.",
        {
            "hosts": texts(_WHERE, "'api.example.org', 'localhost:8080', '*.example.org' or '*'"),
            "allow": {**listed(allowance), "description": "a request must fit one of these"},
        },
        required=("hosts", "allow"),
    )


def _allowance(document: Document, path: Path, value: Any, rule_hosts: tuple[str, ...]) -> HttpAllowance:
    keys = document.mapping(path, value, ("methods", "paths"), ("hosts", "https_only"))

    def stranger(host: str) -> str | None:
        return None if host in rule_hosts else f"{host!r} isn't among the hosts of the rule"

    return HttpAllowance(
        methods=document.texts((*path, "methods"), keys.get("methods"), _method_trouble),
        paths=document.texts((*path, "paths"), keys.get("paths"), _path_trouble),
        hosts=texts_of(document, path, keys, "hosts", stranger),
        https_only=flag_of(document, path, keys, "https_only"),
    )


def _method_trouble(text: str) -> str | None:
    return None if text in METHODS else f"{text!r} isn't a method; expected one of {', '.join(METHODS)}"


def _path_trouble(text: str) -> str | None:
    segments = text.split("/")
    if re.fullmatch(_PATH, text) and "." not in segments and ".." not in segments:
        return None
    return (
        f"{text!r} isn't a path; expected segments after slashes such as '/crm/*/search', '*' for one whole "
        "segment, '/**' at the end for everything below"
    )
