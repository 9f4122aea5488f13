"""Rules of kind files: what a worker may write, and what it may not read."""

import re

from loom.domain.rules import FilesRule
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

_SEGMENT = r"[^/\x00$]+"
PATH = rf"(?!~)(\$(TMP|HOME)/|/)?{_SEGMENT}(/{_SEGMENT})*"


def read(document: Document) -> FilesRule:
    keys = keys_of(document, (), ("allow", "deny"))
    something(document, keys, ("allow", "deny"))
    head = head_of(document, keys)
    allow = document.some(keys, "allow", ("write",))
    deny = document.some(keys, "deny", ("write", "read"))
    return FilesRule(
        id=head.id,
        applies_to=head.applies_to,
        why=head.why,
        write=texts_of(document, ("allow",), allow, "write", _path_trouble),
        deny_write=texts_of(document, ("deny",), deny, "write", _path_trouble),
        deny_read=texts_of(document, ("deny",), deny, "read", _path_trouble),
    )


def schema() -> Schema:
    path = "'drafts/**' from the project's folder, '/var/lib/x', '$TMP/**', '$HOME/.ssh/**'"
    return rule_schema(
        "files",
        "What a worker may make, change and remove, and what it may not read.",
        {
            "allow": record({"write": texts(PATH, path)}, what="what may be made, changed, removed"),
            "deny": record(
                {"write": texts(PATH, path), "read": texts(PATH, path)},
                what="what may not, whoever allows it",
            ),
        },
    ) | {"anyOf": [{"required": ["allow"]}, {"required": ["deny"]}]}


def _path_trouble(text: str) -> str | None:
    why = _mistake(text)
    if why is None and re.fullmatch(PATH, text):
        return None
    return (
        f"{text!r} isn't a path{f' ({why})' if why else ''}; expected 'drafts/**' (from the project's "
        "folder), '/var/lib/x', '$TMP/**' or '$HOME/x', with '*' within a name and '**' at the end for a "
        "folder and everything below"
    )


def _mistake(text: str) -> str | None:
    """None if nothing strikes the eye."""
    names = text.split("/")
    if text.startswith("~"):
        return "a home is written $HOME"
    if "$" in text.removeprefix("$TMP/").removeprefix("$HOME/"):
        return "'$' only stands in $TMP/ and $HOME/, at the beginning"
    if "." in names or ".." in names:
        return "a path has no '.' and '..' in it"
    if any("**" in name for name in names[:-1]) or ("**" in names[-1] and names[-1] != "**"):
        return "'**' is a name by itself, and the last one"
    if text.endswith("/"):
        return "for a folder and everything below it write '/**' at the end"
    return None
