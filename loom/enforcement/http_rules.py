"""May this worker ask this of that host? Pure: judges what would be sent, word for word."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, unquote_to_bytes

from loom.domain.enforcement import GUARD, Refusal
from loom.domain.rules import HttpRule, applies
from loom.enforcement.addresses import literal, public

_DEFAULT_PORTS = {"http": 80, "https": 443}
_METHOD_OVERRIDES = frozenset({"x-http-method-override", "x-http-method", "x-method-override"})
_PATH_OVERRIDES = frozenset({"x-original-url", "x-rewrite-url"})
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_LONGEST_NAME = 253  # RFC 1035, as text
_UNCLEAR = re.compile(r"[/\\%;#\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it would go over the wire.

    host: as it stands in the request, without a port, user or brackets. target: path and query, from the
    first slash. headers: names and values in the order they are sent.
    """

    method: str
    scheme: str
    host: str
    port: int
    target: str
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def act(self) -> str:
        """What to call it in a record. The query is left out: it may hold what nobody should read."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if _DEFAULT_PORTS.get(self.scheme) == self.port else f":{self.port}"
        return f"{self.method} {self.scheme}://{host}{port}{self.target.partition('?')[0]}"


def decide_http(rules: Sequence[HttpRule], worker_id: str, agent: str | None, asked: Asked) -> Refusal | None:
    """None when the request is allowed; else who refuses it, and why.

    Only rules that apply to the worker are asked. Of these, every rule that names the host must allow the
    request (deny wins); a rule that reaches it by ``*`` alone has a say only where no other names it.
    A header or parameter that asks the server to treat the request as another method counts as that
    method too. A wildcard never reaches an address that isn't public.
    """
    host = plain_host(asked.host)
    trouble = _malformed(asked, host)
    if trouble is not None:
        return Refusal(GUARD, asked.act, trouble)
    deciding = _deciding(rules, worker_id, agent, host, asked.port)
    if not deciding:
        return Refusal(GUARD, asked.act, _nobody_grants(worker_id, host, asked.port))
    methods = sorted(_methods(asked))
    for rule in deciding:
        for method in methods:
            if not _allows(rule, method, host, asked):
                as_what = "" if method == asked.method.upper() else f" (it asks to be treated as {method})"
                return Refusal(rule.id, asked.act, f"not among what it allows{as_what}. {rule.why}")
    return None


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
        if text in {".", ".."} or _UNCLEAR.search(text) or (text == "" and place < len(parts)):
            return None
        decoded.append(text)
    return tuple(decoded)


def _malformed(asked: Asked, host: str) -> str | None:
    """Why the request may not be sent whatever the rules say: it says two things at once."""
    if asked.scheme not in _DEFAULT_PORTS:
        return f"expected http or https, got {asked.scheme!r}"
    if literal(host) is None and (len(host) > _LONGEST_NAME or not _NAME.fullmatch(host)):
        return f"{host!r} isn't a host name"
    named = [value for name, value in asked.headers if name.lower() == "host"]
    for value in named:
        if not _same_host(value.strip(), host, asked.port, asked.scheme):
            return f"its Host header names {value!r}, another host than it is sent to"
    if len(named) > 1:
        return "it has more than one Host header"
    for name, _ in asked.headers:
        if name.lower() in _PATH_OVERRIDES:
            return f"its header {name} may make the server read another path than the one asked for"
    return None


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


def _deciding(
    rules: Sequence[HttpRule], worker_id: str, agent: str | None, host: str, port: int
) -> list[HttpRule]:
    named: list[HttpRule] = []
    anywhere: list[HttpRule] = []
    for rule in rules:
        if not applies(rule.applies_to, worker_id, agent):
            continue
        fitting = [pattern for pattern in rule.hosts if _host_fits(pattern, host, port)]
        if any(pattern.partition(":")[0] != "*" for pattern in fitting):
            named.append(rule)
        elif fitting:
            anywhere.append(rule)
    return named or anywhere


def _methods(asked: Asked) -> set[str]:
    """Every method that a server might take the request for."""
    method = asked.method.upper()
    methods = {method}
    methods.update(
        value.strip().upper() for name, value in asked.headers if name.lower() in _METHOD_OVERRIDES
    )
    if method not in {"GET", "HEAD"}:  # frameworks that know `_method` don't look for it in those
        query = asked.target.partition("?")[2].replace(";", "&")
        methods.update(value.strip().upper() for name, value in parse_qsl(query) if name == "_method")
    return methods


def _allows(rule: HttpRule, method: str, host: str, asked: Asked) -> bool:
    parts = segments(asked.target)
    return any(
        method in allowance.methods
        and (asked.scheme == "https" or not allowance.https_only)
        and (not allowance.hosts or any(_host_fits(each, host, asked.port) for each in allowance.hosts))
        and any(_path_fits(pattern, parts) for pattern in allowance.paths)
        for allowance in rule.allow
    )


def _path_fits(pattern: str, parts: tuple[str, ...] | None) -> bool:
    if pattern == "/**":
        return True
    if parts is None:
        return False
    wanted = pattern[1:].split("/")
    if wanted[-1] == "**":
        wanted.pop()
        if len(parts) <= len(wanted):
            return False
    elif len(parts) != len(wanted):
        return False
    return all(part != "" if want == "*" else part == want for want, part in zip(wanted, parts, strict=False))


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
