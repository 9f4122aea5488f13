"""May this worker ask this of that host? Pure: judges what would be sent, word for word."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote_to_bytes

from loom.domain.enforcement import GUARD, Refusal
from loom.domain.rules import HttpRule
from loom.enforcement.judges.addresses import literal, public

_DEFAULT_PORTS = {"http": 80, "https": 443}
_METHOD_OVERRIDES = frozenset({"x-http-method-override", "x-http-method", "x-method-override"})
_PATH_OVERRIDES = frozenset({"x-original-url", "x-rewrite-url"})
TELLING = frozenset({"host"}) | _METHOD_OVERRIDES | _PATH_OVERRIDES
"""The headers, in lower case, by which a server may take a request for another one."""

_MOST_KEPT = 1_000
# Compiled when they are first asked: most runs ask no host anything.
_NAME = r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*"
_LONGEST_NAME = 253  # RFC 1035, as text
_AS_UNDERSCORE = r"[. \[]"
_DOTS = frozenset({".", ".."})
_SLASHES = "[/\\\\\u2044\u2215]"
_UNCLEAR = r"[/\\%;#\x00-\x20\x7f]"


class Asked(NamedTuple):
    """A request as it would go over the wire.

    host: as it stands in the request, without a port, user or brackets. target: path and query, from the
    first slash. headers: names and values in the order they are sent, of those that `TELLING` names; others
    make no difference. form: the body, if it is that of a form.
    """

    method: str
    scheme: str
    host: str
    port: int
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    form: str = ""

    @property
    def act(self) -> str:
        """What to call it in a record. The query is left out: it may hold what nobody should read."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if _DEFAULT_PORTS.get(self.scheme) == self.port else f":{self.port}"
        return f"{self.method} {self.scheme}://{host}{port}{self.target.partition('?')[0]}"


def decide_http(rules: Sequence[HttpRule], worker_id: str, agent: str | None, asked: Asked) -> Refusal | None:
    """As `HttpRuler`, of any rules: only those that apply to the worker are asked."""
    mine = tuple(rule for rule in rules if rule.is_for(worker_id, agent))
    return HttpRuler(mine, worker_id).decide(asked)


class HttpRuler:
    """rules: those that apply to the worker. Keeps what it found out about a host."""

    def __init__(self, rules: Sequence[HttpRule], worker_id: str) -> None:
        self._rules = rules
        self._worker_id = worker_id
        self._hosts: dict[tuple[str, int], tuple[_Deciding, ...]] = {}
        self._plain: dict[tuple[str, str, str, int, str], Refusal | None] = {}

    def decide(self, asked: Asked) -> Refusal | None:
        """None when the request is allowed; else who refuses it, and why.

        Every rule that names the host must allow the request (deny wins); a rule that reaches it by ``*``
        alone has a say only where no other names it. A header or parameter that asks the server to treat the
        request as another method counts as that method too. A wildcard never reaches an address that isn't
        public.
        """
        path, _, query = asked.target.partition("?")
        if "method" in query or "%" in query or asked.form or not _is_usual(asked):
            return self._decide(asked)
        # Nothing but these five makes a difference: a worker that turns pages asks for the same again.
        known = asked.method, asked.scheme, asked.host, asked.port, path
        try:
            return self._plain[known]
        except KeyError:
            refusal = self._decide(asked)
            if len(self._plain) < _MOST_KEPT:
                self._plain[known] = refusal
            return refusal

    def _decide(self, asked: Asked) -> Refusal | None:
        host = plain_host(asked.host)
        trouble = _malformed(asked, host)
        if trouble is not None:
            return Refusal(GUARD, asked.act, trouble)
        deciding = self.deciding(host, asked.port)
        if not deciding:
            return Refusal(GUARD, asked.act, _nobody_grants(self._worker_id, host, asked.port))
        methods = _methods(asked)
        parts = segments(asked.target)
        for each in deciding:
            for method in methods:
                if not each.allows(method, asked.scheme, parts):
                    as_what = "" if method == methods[0] else f" (it asks to be treated as {method})"
                    why = f"not among what it allows{as_what}. {each.rule.why}"
                    return Refusal(each.rule.id, asked.act, why)
        if not asked.target.startswith("/"):
            return Refusal(GUARD, asked.act, "its target isn't a path, and may name another host")
        return None

    def deciding(self, host: str, port: int) -> "tuple[_Deciding, ...]":
        """The rules that have a say in requests to a host."""
        found = self._hosts.get((host, port))
        if found is None:
            found = tuple(_Deciding(rule, host, port) for rule in _naming(self._rules, host, port))
            if len(self._hosts) < _MOST_KEPT:
                self._hosts[host, port] = found
        return found


class _Deciding:
    """A rule, as far as it is about one host."""

    def __init__(self, rule: HttpRule, host: str, port: int) -> None:
        self.rule = rule
        self._allowances = tuple(
            (frozenset(each.methods), each.https_only, tuple(map(_path_pattern, each.paths)))
            for each in rule.allow
            if not each.hosts or any(_host_fits(pattern, host, port) for pattern in each.hosts)
        )

    def allows(self, method: str, scheme: str, parts: tuple[str, ...] | None) -> bool:
        for methods, https_only, paths in self._allowances:
            if method not in methods or (https_only and scheme != "https"):
                continue
            for wanted, below in paths:
                if _path_fits(wanted, below, parts):
                    return True
        return False


def names(rules: Sequence[HttpRule], host: str, port: int) -> bool:
    """Whether a rule names exactly this host, not by a wildcard: then its address may be a private one."""
    wanted = plain_host(host)
    return any(
        "*" not in pattern and _host_fits(pattern, wanted, port) for rule in rules for pattern in rule.hosts
    )


def plain_host(host: str) -> str:
    """The host in lower case, without the final dot that DNS allows and without IPv6 brackets."""
    return host.lower().removesuffix(".").removeprefix("[").removesuffix("]")


def segments(target: str) -> tuple[str, ...] | None:
    """The decoded segments of a request target's path, or None when a server might read it otherwise."""
    path = target.partition("?")[0]
    if not path.startswith("/"):
        return None
    parts = path[1:].split("/")
    decoded: list[str] = []
    for place, part in enumerate(parts, start=1):
        try:
            text = unquote_to_bytes(part).decode()
        except UnicodeDecodeError:
            return None
        # What one server decodes before it looks for slashes and parameters, another decodes after.
        if (
            not _DOTS.isdisjoint(_steps(text))
            or re.search(_UNCLEAR, text)
            or (text == "" and place < len(parts))
        ):
            return None
        decoded.append(text)
    return tuple(decoded)


def _steps(text: str) -> Sequence[str]:
    """A segment as a server may see it that takes letters which look alike for the same."""
    return (text,) if text.isascii() else re.split(_SLASHES, unicodedata.normalize("NFKC", text))


def _malformed(asked: Asked, host: str) -> str | None:
    """Why the request may not be sent whatever the rules say: it says two things at once."""
    if asked.scheme not in _DEFAULT_PORTS:
        return f"expected http or https, got {asked.scheme!r}"
    if not _is_host(host):
        return f"{host!r} isn't a host name"
    named = 0
    for name, value in asked.headers:
        if name.lower() == "host":
            named += 1
            if not _same_host(value.strip(" \t"), host, asked.port, asked.scheme):
                return f"its Host header names {value!r}, another host than it is sent to"
        elif _as_read(name) in _PATH_OVERRIDES:
            return f"its header {name} may make the server read another path than the one asked for"
    return "it has more than one Host header" if named > 1 else None


def _is_usual(asked: Asked) -> bool:
    """Whether of the headers that may change what is asked it has the Host alone, as it should be."""
    if len(asked.headers) != 1 or asked.scheme not in _DEFAULT_PORTS:
        return False
    name, value = asked.headers[0]
    return name == "Host" and _same_host(value, asked.host, asked.port, asked.scheme)


@lru_cache(maxsize=1024)
def _is_host(host: str) -> bool:
    return literal(host) is not None or (len(host) <= _LONGEST_NAME and re.fullmatch(_NAME, host) is not None)


@lru_cache(maxsize=1024)
def _same_host(value: str, host: str, port: int, scheme: str) -> bool:
    name, colon, number = value.rpartition(":")
    if colon and number.isascii() and number.isdecimal() and not (value.count(":") > 1 and "]" not in name):
        return plain_host(name) == host and int(number) == port
    return plain_host(value) == host and port == _DEFAULT_PORTS[scheme]


def _nobody_grants(worker_id: str, host: str, port: int) -> str:
    place = host if port in _DEFAULT_PORTS.values() else f"{host}:{port}"
    return (
        f"no rule that applies to worker {worker_id!r} names {place}; if it is meant, add a rule of kind "
        "http to enforcement/rules/, its id to enforcement/manifest.yaml, and run `loom enforcement seal`"
    )


def _naming(rules: Sequence[HttpRule], host: str, port: int) -> list[HttpRule]:
    named: list[HttpRule] = []
    anywhere: list[HttpRule] = []
    for rule in rules:
        fitting = [pattern for pattern in rule.hosts if _host_fits(pattern, host, port)]
        if any(pattern.partition(":")[0] != "*" for pattern in fitting):
            named.append(rule)
        elif fitting:
            anywhere.append(rule)
    return named or anywhere


def _as_read(header: str) -> str:
    """As servers in the manner of CGI read a header's name: to them an underscore is a hyphen."""
    return header.lower().replace("_", "-")


def asks_for_a_method(parameter: str) -> bool:
    """Whether a server may take its value for the method; PHP reads dots and spaces as underscores."""
    return re.sub(_AS_UNDERSCORE, "_", parameter.lstrip(" ").partition("\0")[0]) == "_method"


def _methods(asked: Asked) -> list[str]:
    """Every method that a server might take the request for, its own first."""
    methods = [asked.method]
    for name, value in asked.headers:
        if name != "Host" and _as_read(name) in _METHOD_OVERRIDES:
            methods.append(value.strip().upper())
    if asked.method not in ("GET", "HEAD"):  # frameworks that know `_method` don't look for it in those
        for text in (asked.target.partition("?")[2], asked.form):
            if text:
                query = parse_qsl(text.replace(";", "&"))
                methods += [value.strip().upper() for name, value in query if asks_for_a_method(name)]
    return methods


def _path_pattern(text: str) -> tuple[tuple[str, ...], bool]:
    """The segments of a rule's path, and whether everything below them is meant."""
    wanted = tuple(text[1:].split("/"))
    return (wanted[:-1], True) if wanted[-1] == "**" else (wanted, False)


def _path_fits(wanted: tuple[str, ...], below: bool, parts: tuple[str, ...] | None) -> bool:
    if below and not wanted:
        return True
    if parts is None or (len(parts) <= len(wanted) if below else len(parts) != len(wanted)):
        return False
    for want, part in zip(wanted, parts, strict=False):
        if part == "" if want == "*" else part != want:
            return False
    return True


@lru_cache(maxsize=1024)
def _host_fits(pattern: str, host: str, port: int) -> bool:
    name, colon, number = pattern.rpartition(":")
    if not colon or pattern.endswith("]"):
        name, number = pattern, ""
    if (port != int(number)) if number else (port not in _DEFAULT_PORTS.values()):
        return False
    name = plain_host(name)
    address = literal(host)
    if "*" not in name:
        return name == host or (address is not None and literal(name) == address)
    if address is not None and not (name == "*" and public(address)):
        return False
    return name == "*" or host.endswith(name.removeprefix("*"))
