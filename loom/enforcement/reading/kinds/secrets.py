"""Rules of kind secrets: which of the secrets that it requires a worker may read."""

import re

from loom.domain.rules import SecretsRule
from loom.enforcement.reading.document import Document
from loom.enforcement.reading.kinds.common import (
    Schema,
    head_of,
    keys_of,
    rule_schema,
    something,
    texts,
    texts_of,
)

_NAME = r"[A-Za-z_*?\[][A-Za-z0-9_*?\[\]!-]*"


def read(document: Document) -> SecretsRule:
    keys = keys_of(document, (), ("allow", "deny"))
    something(document, keys, ("allow", "deny"))
    head = head_of(document, keys)
    return SecretsRule(
        id=head.id,
        applies_to=head.applies_to,
        why=head.why,
        allow=texts_of(document, (), keys, "allow", _name_trouble),
        deny=texts_of(document, (), keys, "deny", _name_trouble),
    )


def schema() -> Schema:
    names = "globs of the names of environment variables"
    return rule_schema(
        "secrets",
        "Which of the secrets that it requires a worker may read. One that some rule allows to anybody is "
        "read only by those it is allowed to.",
        {"allow": texts(_NAME, names), "deny": texts(_NAME, f"{names}, whoever allows them")},
    ) | {"anyOf": [{"required": ["allow"]}, {"required": ["deny"]}]}


def _name_trouble(text: str) -> str | None:
    if re.fullmatch(_NAME, text):
        return None
    return f"{text!r} isn't the name of an environment variable; expected HUBSPOT_ACCESS_TOKEN, or HUBSPOT_*"
