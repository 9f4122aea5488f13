"""What rules say, in plain words."""

from collections.abc import Iterator, Sequence

from loom.domain.rules import (
    FilesRule,
    HttpRule,
    LimitsRule,
    OutputRule,
    ProcessRule,
    ProgramAllowance,
    Rule,
    SecretsRule,
    SocketsRule,
)

_LIMITS = {
    "requests": "requests",
    "bytes_out": "bytes sent",
    "bytes_in": "bytes received",
    "output_bytes": "bytes of output",
    "findings": "findings",
}


def whom(applies_to: Sequence[str]) -> str:
    return "everybody" if "*" in applies_to else ", ".join(applies_to)


def sentences(rule: Rule) -> tuple[str, ...]:
    """What it allows and denies, one thing each."""
    return tuple(_said(rule))


def limits(of: dict[str, int]) -> str:
    """``100 requests, 1,000,000 bytes sent``; of: by their names in `LimitsRule`."""
    return ", ".join(f"{most:,} {_LIMITS[name]}" for name, most in of.items())


def _said(rule: Rule) -> Iterator[str]:
    match rule:
        case HttpRule():
            yield from _of_http(rule)
        case SocketsRule():
            yield from _listed("may connect to", rule.connect)
            yield from _listed("may listen at", rule.listen)
            yield from _listed("may neither connect to nor listen at", rule.deny)
        case FilesRule():
            yield from _listed("may write", rule.write)
            yield from _listed("may not write", rule.deny_write)
            yield from _listed("may not read", rule.deny_read)
        case ProcessRule():
            yield from _of_process(rule)
        case SecretsRule():
            if rule.allow:
                yield f"may read {', '.join(rule.allow)}; nobody else may whom no rule allows it"
            yield from _listed("may not read", rule.deny)
        case LimitsRule():
            given = {name: most for name in _LIMITS if (most := getattr(rule, name)) is not None}
            yield f"one run: at most {limits(given)}"
        case OutputRule():
            blocked = (
                "an output that holds one is rejected" if rule.action == "reject" else "blanked in outputs"
            )
            names = dict.fromkeys(pattern.name for pattern in rule.patterns)
            yield f"{blocked}: {', '.join(names)}"


def _of_http(rule: HttpRule) -> Iterator[str]:
    for each in rule.allow:
        paths = "every path" if "/**" in each.paths else ", ".join(each.paths)
        hosts = ", ".join(each.hosts or rule.hosts)
        hosts = "any public host that no other rule names" if hosts == "*" else hosts
        https = ", by https alone" if each.https_only else ""
        yield f"may {_and(each.methods)} {paths} of {hosts}{https}"
    left = [host for host in rule.hosts if not any(not e.hosts or host in e.hosts for e in rule.allow)]
    yield from _listed("may ask nothing of", left)


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _of_process(rule: ProcessRule) -> Iterator[str]:
    for each in rule.programs:
        yield f"may start {_program(each)}"
    if rule.fork:
        yield "may copy its process (fork)"
    if rule.native:
        yield "may call into libraries (ctypes, extensions of SQLite)"
    yield from _listed("may not start", rule.deny_programs)
    yield from _listed("may not import", rule.deny_modules)


def _program(each: ProgramAllowance) -> str:
    program = "any program" if each.program == "*" else each.program
    if each.arguments is None:
        arguments = " with any arguments"
    else:
        arguments = "".join(f" {'|'.join(choices)}" for choices in each.arguments) or " without arguments"
    never = f", never with {' or '.join(each.never)}" if each.never else ""
    return f"{program}{arguments}{never}"


def _listed(verb: str, what: Sequence[str]) -> Iterator[str]:
    if what:
        yield f"{verb} {', '.join(what)}"
