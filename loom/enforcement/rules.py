"""rules/*.yaml -> the rules of the domain. What this version can't enforce isn't accepted."""

import re
import warnings
from typing import Any

from loom.domain.enforcement import HttpAllowance, HttpRule, OutputPattern, OutputRule
from loom.enforcement.addresses import literal
from loom.enforcement.document import Document, Path

KINDS_TO_COME = ("files", "process", "secrets", "limits")
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")

_COMMON = ("id", "kind", "why")
_WORKER = re.compile(r"[A-Za-z0-9*?\[\]!_.-]+")
_LABEL = r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?"
_HOST = re.compile(rf"(\*|(\*\.)?{_LABEL}(\.{_LABEL})*|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{{1,5}}))?")
_PATH = re.compile(r"(/\*\*|/|(/(\*|[A-Za-z0-9._~!$&'()+,=:@-]+))+(/\*\*|/)?)")


def read_rule(document: Document, stem: str) -> HttpRule | OutputRule | None:
    """The rule in a file named `stem`.yaml; None with the reasons in `document.problems`."""
    if document.problems:
        return None
    value = document.value
    kind = value.get("kind") if isinstance(value, dict) else None
    rule: HttpRule | OutputRule | None = None
    match kind:
        case "http":
            rule = _http_rule(document)
        case "output":
            rule = _output_rule(document)
        case str() if kind in KINDS_TO_COME:
            document.say(
                ("kind",),
                f"rules of kind {kind!r} aren't enforced by this version of Loom; "
                "a rule that doesn't bite isn't accepted: take it out until it is",
            )
        case None:
            document.mapping((), value, _COMMON, value if isinstance(value, dict) else ())
        case _:
            document.say(("kind",), f"unknown kind {kind!r}; expected 'http' or 'output'")
    if isinstance(value, dict) and "id" in value and value["id"] != stem:
        document.say(
            ("id",), f"{value['id']!r} isn't the name of its file; expected {stem!r}, or rename the file"
        )
    return None if document.problems else rule


def _http_rule(document: Document) -> HttpRule:
    keys = document.mapping((), document.value, (*_COMMON, "hosts", "allow"), ("applies_to",))
    hosts = document.texts(("hosts",), keys.get("hosts"), _host_trouble)
    return HttpRule(
        id=document.text(("id",), keys.get("id")),
        applies_to=_applies_to(document, keys),
        hosts=hosts,
        allow=tuple(
            _allowance(document, path, item, hosts)
            for path, item in document.items(("allow",), keys.get("allow"))
        ),
        why=document.text(("why",), keys.get("why")),
    )


def _allowance(document: Document, path: Path, value: Any, rule_hosts: tuple[str, ...]) -> HttpAllowance:
    keys = document.mapping(path, value, ("methods", "paths"), ("hosts", "https_only"))
    https_only = keys.get("https_only", False)
    if not isinstance(https_only, bool):
        document.say((*path, "https_only"), f"expected true or false, got {https_only!r}")

    def stranger(host: str) -> str | None:
        return None if host in rule_hosts else f"{host!r} isn't among the hosts of the rule"

    return HttpAllowance(
        methods=document.texts((*path, "methods"), keys.get("methods"), _method_trouble),
        paths=document.texts((*path, "paths"), keys.get("paths"), _path_trouble),
        hosts=document.texts((*path, "hosts"), keys["hosts"], stranger) if "hosts" in keys else (),
        https_only=https_only is True,
    )


def _output_rule(document: Document) -> OutputRule:
    keys = document.mapping((), document.value, (*_COMMON, "action", "patterns"), ("applies_to",))
    return OutputRule(
        id=document.text(("id",), keys.get("id")),
        applies_to=_applies_to(document, keys),
        action=document.one_of(("action",), keys.get("action"), ("reject", "redact")),
        patterns=tuple(
            _pattern(document, path, item)
            for path, item in document.items(("patterns",), keys.get("patterns"))
        ),
        why=document.text(("why",), keys.get("why")),
    )


def _pattern(document: Document, path: Path, value: Any) -> OutputPattern:
    keys = document.mapping(path, value, ("name", "pattern"), ("check",))
    pattern = keys.get("pattern")
    if not isinstance(pattern, str) or not pattern:
        document.say((*path, "pattern"), f"expected a regular expression, got {pattern!r}")
        pattern = ""
    try:
        with warnings.catch_warnings():
            # What a later Python will read otherwise doesn't say what it means.
            warnings.simplefilter("error", FutureWarning)
            if pattern and re.compile(pattern).match("") is not None:
                document.say((*path, "pattern"), "fits the empty text, so it would be found everywhere")
    except (re.error, RecursionError, OverflowError, FutureWarning) as error:
        document.say((*path, "pattern"), f"isn't a regular expression: {error}")
    return OutputPattern(
        name=document.text((*path, "name"), keys.get("name")),
        pattern=pattern,
        check=document.one_of((*path, "check"), keys["check"], ("luhn",)) if "check" in keys else "",
    )


def _applies_to(document: Document, keys: dict[str, Any]) -> tuple[str, ...]:
    if "applies_to" not in keys:
        return ("*",)
    return document.texts(("applies_to",), keys["applies_to"], _worker_trouble)


def _worker_trouble(text: str) -> str | None:
    return None if _WORKER.fullmatch(text) else f"{text!r} isn't a worker's id, an agent's name or a glob"


def _host_trouble(text: str) -> str | None:
    found = _HOST.fullmatch(text)
    good = found is not None and (found["port"] is None or 0 < int(found["port"]) < 65536)
    if good and text.startswith("["):
        good = literal(text[1:].partition("]")[0]) is not None
    if good:
        return None
    return (
        f"{text!r} isn't a host; expected a name in lower case such as 'api.example.org', with ':8080' for "
        "another port than 80 and 443, '*.example.org' or '*' (no scheme, no path, other scripts as xn--)"
    )


def _method_trouble(text: str) -> str | None:
    return None if text in METHODS else f"{text!r} isn't a method; expected one of {', '.join(METHODS)}"


def _path_trouble(text: str) -> str | None:
    segments = text.split("/")
    if _PATH.fullmatch(text) and "." not in segments and ".." not in segments:
        return None
    return (
        f"{text!r} isn't a path; expected segments after slashes such as '/crm/*/search', '*' for one whole "
        "segment, '/**' at the end for everything below"
    )
