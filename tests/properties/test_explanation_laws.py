"""What is explained is what the guard does, on whatever rules and acts Hypothesis can think of."""

import os
import socket
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from loom.domain.cron import parse_cron
from loom.domain.enforcement import GUARD, EnforcementContext, Refusal
from loom.domain.explanation import Explanation, Says
from loom.domain.rules import (
    FilesRule,
    HttpAllowance,
    HttpRule,
    ProcessRule,
    ProgramAllowance,
    Rule,
    SecretsRule,
    SocketsRule,
)
from loom.domain.schedule import Schedule
from loom.domain.worker import Requires, Worker
from loom.enforcement.asking.explaining import explain
from loom.enforcement.asking.questions import Questions
from loom.enforcement.guarding.client import asked_by
from loom.enforcement.guarding.gate import Gate
from loom.enforcement.guarding.guard import RunGuard
from loom.enforcement.judges.places import Places
from loom.enforcement.reading.document import Document
from loom.enforcement.reading.rules import read_rule
from loom.worker import Refused

PLACES = Places(
    project="/nowhere/project", tmp="/nowhere/tmp", home="/nowhere/home", env={"PATH": "/usr/bin:/bin"}
)
WORKER = Worker(
    id="echo",
    agent="Echo",
    schedule=Schedule("0 * * * *", parse_cron("0 * * * *"), "UTC"),
    entrypoint="workers.echo:run",
    requires=Requires(env=("TOKEN", "OTHER_TOKEN")),
)
WHOM = st.sampled_from([("*",), ("echo",), ("Echo",), ("media-*",), ("e*", "other")])


def some(words: Sequence[str], least: int = 0) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(words), min_size=least, max_size=3, unique=True).map(tuple)


HOSTS = [
    "api.example.org",
    "example.org",
    "*.example.org",
    "api.example.org:8443",
    "*",
    "*:8443",
    "[2001:db8::1]",
]
METHODS = ["GET", "HEAD", "POST", "DELETE"]
allowances = st.builds(
    HttpAllowance,
    methods=some(METHODS, 1),
    paths=some(["/**", "/", "/a", "/a/*", "/a/**", "/a/*/c"], 1),
    https_only=st.booleans(),
)
http_rules = st.builds(
    HttpRule,
    id=st.just("x"),
    why=st.just("Because."),
    applies_to=WHOM,
    hosts=some(HOSTS, 1),
    allow=st.lists(allowances, min_size=1, max_size=2).map(tuple),
)
TO = [
    "localhost:5432",
    "localhost:*",
    "127.0.0.1:5432",
    "[::1]:*",
    "unix:/run/x.sock",
    "unix:/run/*",
]
sockets_rules = st.builds(
    SocketsRule,
    id=st.just("x"),
    why=st.just("W."),
    applies_to=WHOM,
    connect=some(TO),
    listen=some(TO),
    deny=some(TO),
)
PATTERNS = [
    "**",
    "drafts/**",
    "drafts/*.md",
    "drafts/x",
    "/nowhere/**",
    "$TMP/**",
    "$HOME/.ssh/**",
    "a*/b",
    "/**",
]
files_rules = st.builds(
    FilesRule,
    id=st.just("x"),
    why=st.just("W."),
    applies_to=WHOM,
    write=some(PATTERNS),
    deny_write=some(PATTERNS),
    deny_read=some(PATTERNS),
)
PROGRAMS = ["sh", "/bin/ls", "*", "cat", "no-such-program"]
ARGUMENTS = st.one_of(st.none(), st.lists(some(["-l", "x", "*", "**"], 1), max_size=2).map(tuple))
process_rules = st.builds(
    ProcessRule,
    id=st.just("x"),
    why=st.just("W."),
    applies_to=WHOM,
    programs=st.lists(
        st.builds(
            ProgramAllowance, program=st.sampled_from(PROGRAMS), arguments=ARGUMENTS, never=some(["-f", "x*"])
        ),
        max_size=2,
    ).map(tuple),
    fork=st.booleans(),
    native=st.booleans(),
    deny_programs=some(PROGRAMS),
    deny_modules=some(["boto*", "os", "a.b"]),
)
secrets_rules = st.builds(
    SecretsRule,
    id=st.just("x"),
    why=st.just("W."),
    applies_to=WHOM,
    allow=some(["TOKEN", "*", "OTHER_*"]),
    deny=some(["TOKEN", "T*", "X"]),
)


def contexts(rules: st.SearchStrategy[Any]) -> st.SearchStrategy[EnforcementContext]:
    """Up to three rules of a kind, each with an id of its own."""

    def context(found: list[Any]) -> EnforcementContext:
        named = tuple(replace(rule, id=f"rule-{number}") for number, rule in enumerate(found))
        return EnforcementContext(digest="sha256:0", rules=named)

    return st.lists(rules, max_size=3).map(context)


requests = st.builds(
    lambda method, scheme, host, path: (method, f"{scheme}://{host}{path}"),
    st.sampled_from([*METHODS, "post", "PROPFIND"]),
    st.sampled_from(["https", "http", "https", "ftp"]),
    st.sampled_from(
        [
            "api.example.org",
            "API.example.org.",
            "example.org:8443",
            "other.org",
            "10.0.0.1",
            "[2001:db8::1]",
            "a_.b",
        ]
    ),
    st.sampled_from(
        [
            "",
            "/",
            "/a",
            "/a/b",
            "/a//c",
            "/a/b/c?x=1",
            "/a/../b",
            "/a/%2e%2e/b",
            "/a;x",
            "/b?_method=DELETE",
            "/%C3%A9",
        ]
    ),
)


def explained(context: EnforcementContext, *words: str) -> Explanation:
    return explain(context, WORKER, Questions(WORKER, PLACES), words)


def gate(context: EnforcementContext) -> Gate:
    mine = context.narrowed(WORKER.id, WORKER.agent)
    return Gate(mine, WORKER.id, places=PLACES, alone=True)


def check(found: Explanation, guards: Refusal | None, context: EnforcementContext) -> None:
    """The explanation says what the guard did, and by whom; what it shows of the rules fits that."""
    assert found.ruling.allowed == (guards is None)
    if guards is not None:
        assert (found.ruling.rule, found.ruling.why) == (guards.rule, guards.why)
    deciding = [opinion for opinion in found.opinions if opinion.decides]
    assert [opinion.rule for opinion in deciding] == [r for r in context.rule_ids if r == found.ruling.rule]
    assert {opinion.says for opinion in deciding} <= {Says.ALLOWS if guards is None else Says.DENIES}
    if guards is None:
        assert not any(opinion.applies and opinion.says is Says.DENIES for opinion in found.opinions)
    assert all(opinion.because for opinion in found.opinions)
    assert not (found.remedy and found.ruling.allowed)
    event(f"allowed: {guards is None}, by a rule: {found.ruling.rule != GUARD}, remedy: {found.remedy != ''}")


def with_remedy(found: Explanation, context: EnforcementContext) -> EnforcementContext:
    name = found.remedy.partition("\n")[0].removeprefix("id: ")
    document = Document("remedy.yaml", found.remedy.encode())
    rule: Rule | None = read_rule(document, name)
    assert rule is not None, document.problems
    assert rule.applies_to == (WORKER.id,)
    return replace(context, rules=(*context.rules, rule))


@settings(max_examples=150)
@given(context=contexts(http_rules), request=requests)
def test_a_request_is_explained_as_the_guard_judges_it(
    context: EnforcementContext, request: tuple[str, str]
) -> None:
    method, url = request
    found = explained(context, f"{method} {url}")
    check(found, refusal_of(context, method, url), context)
    if found.remedy:
        assert refusal_of(with_remedy(found, context), method, url) is None


def refusal_of(context: EnforcementContext, method: str, url: str) -> Refusal | None:
    try:
        gate(context).admit(asked_by(httpx.Request(method, url)))
    except Refused as refused:
        return refused.refusal
    return None


@pytest.fixture(scope="module")
def connection() -> Iterator[socket.socket]:
    with socket.socket() as found:
        yield found


places = st.sampled_from(
    [("localhost", 5432), ("localhost", 1), ("127.0.0.1", 5432), ("::1", 53), ("10.0.0.1", 80)]
)


@given(context=contexts(sockets_rules), place=places, verb=st.sampled_from(["connect", "listen", "look up"]))
def test_a_connection_is_explained_as_the_guard_judges_it(
    connection: socket.socket, context: EnforcementContext, place: tuple[str, int], verb: str
) -> None:
    host, port = place
    written = f"[{host}]" if ":" in host else host
    events = {
        "connect": ("socket.connect", (connection, place)),
        "listen": ("socket.bind", (connection, place)),
        "look up": ("socket.getaddrinfo", (host, port, 0, 0, 0)),
    }
    judge(context, events[verb], verb, host if verb == "look up" else f"{written}:{port}")


@given(
    context=contexts(files_rules),
    path=st.sampled_from(
        [
            "drafts/x",
            "drafts/x.md",
            "drafts",
            "abc/b",
            "../x",
            "enforcement/x",
            ".git/x",
            "/nowhere/tmp/x",
            "/dev/null",
            "/nowhere/home/.ssh/id",
            "/proc/self/environ",
            "/etc/x",
        ]
    ),
    verb=st.sampled_from(["write", "read"]),
)
def test_a_file_is_explained_as_the_guard_judges_it(
    context: EnforcementContext, path: str, verb: str
) -> None:
    whole = os.path.join(PLACES.project, path)  # noqa: PTH118
    flags = os.O_WRONLY | os.O_CREAT if verb == "write" else os.O_RDONLY
    judge(context, ("open", (whole, "w" if verb == "write" else "r", flags)), verb, path)


@given(
    context=contexts(process_rules),
    command=st.lists(
        st.sampled_from(["sh", "ls", "/bin/ls", "-l", "x", "-f", "nothing"]), min_size=1, max_size=3
    ),
)
def test_a_program_is_explained_as_the_guard_judges_it(
    context: EnforcementContext, command: list[str]
) -> None:
    started = (command[0], command, PLACES.project, dict(PLACES.env))
    judge(context, ("subprocess.Popen", started), "run", *command)


@given(
    context=contexts(process_rules),
    act=st.sampled_from(["fork", "native", "import boto3", "import a.b.c", "import json"]),
)
def test_what_python_lends_is_explained_as_the_guard_judges_it(context: EnforcementContext, act: str) -> None:
    module = act.removeprefix("import ")
    events: dict[str, tuple[str, tuple[Any, ...]]] = {
        "fork": ("os.fork", ()),
        "native": ("ctypes.dlopen", ("x.so",)),
    }
    judge(context, events.get(act, ("import", (module, None, sys.path, None, None))), act)


@given(context=contexts(secrets_rules), name=st.sampled_from(["TOKEN", "OTHER_TOKEN"]))
def test_a_secret_is_explained_as_the_guard_judges_it(context: EnforcementContext, name: str) -> None:
    def refusal(context: EnforcementContext) -> Refusal | None:
        guard = RunGuard(context, worker_id=WORKER.id, agent=WORKER.agent, places=PLACES)
        try:
            guard.admit_secret(name)
        except Refused as refused:
            return refused.refusal
        return None

    found = explained(context, "secret", name)
    check(found, refusal(context), context)
    if found.remedy:
        assert refusal(with_remedy(found, context)) is None


def judge(context: EnforcementContext, act: tuple[str, tuple[Any, ...]], *words: str) -> None:
    found = explained(context, *words)
    refused = _by_gate(context, act)
    check(found, refused, context)
    if found.remedy:
        assert _by_gate(with_remedy(found, context), act) is None


def _by_gate(context: EnforcementContext, act: tuple[str, tuple[Any, ...]]) -> Refusal | None:
    refused = gate(context).consider(*act)
    if refused is None:
        return None
    assert isinstance(refused, Refused)
    return refused.refusal
