"""Every way to get a rule wrong has a message that names the place, says what is wrong, and what to write."""

import pytest

from loom.domain.rules import (
    FilesRule,
    LimitsRule,
    ProcessRule,
    ProgramAllowance,
    SecretsRule,
    SocketsRule,
)
from loom.enforcement.reading.document import Document
from loom.enforcement.reading.rules import read_rule

PLACE = "isn't a place to connect to"
SIZE = "expected a size such as 512KiB, 1MB or 1000000"
UNITS = "; the units are B, kB, KiB, MB, MiB, GB, GiB"
WHOLE = "expected a whole number from 0 to 1000000000000000"
NOTHING = "it says nothing; write at least one of"
LIST = "expected a list with at least one item"
ALLOW_OR_DENY = f"{NOTHING} 'allow', 'deny'"

# What stands below the head of the rule, on which line, at which address, what it is told.
SOCKETS = [
    ("", 1, "", ALLOW_OR_DENY),
    ("allow:", 4, "allow", "expected a mapping with 'connect', 'listen', got nothing"),
    ("allow: {}", 4, "allow", f"{NOTHING} 'connect', 'listen' in it"),
    ("allow: ['db:1']", 4, "allow", "expected a mapping with 'connect', 'listen', got ['db:1']"),
    ("allow:\n  connect: []", 5, "allow connect", f"{LIST}, got []"),
    ("allow:\n  connect: db:5432", 5, "allow connect", f"{LIST}, got 'db:5432'; write [db:5432]"),
    ("allow:\n  listen:\n    - 5432", 6, "allow listen 1", "expected text, got 5432; write it in quotes"),
    ("allow:\n  conect: ['db:1']", 5, "allow conect", "unknown key; did you mean 'connect'?"),
    ("allow:\n  ports: ['db:1']", 5, "allow ports", "unknown key; expected one of 'connect', 'listen'"),
    ("allows: {}", 4, "allows", "unknown key; did you mean 'allow'?"),
    ("deny: db:1", 4, "deny", f"{LIST}, got 'db:1'; write [db:1]"),
    ("deny: {connect: ['db:1']}", 4, "deny", f"{LIST}, got {{'connect': ['db:1']}}"),
    ("deny: ['db:1', 'db:1']", 4, "deny 2", "'db:1' stands here twice"),
    ("deny: [db]", 4, "deny 1", f"'db' {PLACE} (its port is missing)"),
    ("deny: ['[::1]']", 4, "deny 1", f"'[::1]' {PLACE} (its port is missing)"),
    ("deny: ['tcp://db:1']", 4, "deny 1", f"'tcp://db:1' {PLACE} (it begins with a scheme)"),
    ("deny: ['db:1/x']", 4, "deny 1", f"'db:1/x' {PLACE} (it ends with a path)"),
    ("deny: ['db:0']", 4, "deny 1", f"'db:0' {PLACE} (a port is a number from 1 to 65535)"),
    ("deny: ['db:70000']", 4, "deny 1", f"'db:70000' {PLACE} (a port is a number from 1 to 65535)"),
    ("deny: ['unix:65536']", 4, "deny 1", f"'unix:65536' {PLACE}"),
    ("deny: ['*:53']", 4, "deny 1", f"'*:53' {PLACE} (each host is named; '*' only stands for a port)"),
    ("deny: ['*.db.org:1']", 4, "deny 1", f"'*.db.org:1' {PLACE} (each host is named;"),
    ("deny: ['::1:53']", 4, "deny 1", f"'::1:53' {PLACE} (an IPv6 address stands in brackets)"),
    ("deny: ['[::1::2]:53']", 4, "deny 1", f"'[::1::2]:53' {PLACE}; expected a host's name in lower case"),
    ("deny: ['DB:53']", 4, "deny 1", f"'DB:53' {PLACE}; expected a host's name in lower case and a port"),
    ("deny: [/run/x]", 4, "deny 1", f"'/run/x' {PLACE} (a socket's path begins with unix:/)"),
    ("deny: ['unix:x']", 4, "deny 1", f"'unix:x' {PLACE} (a socket's path begins with unix:/)"),
    ('deny: ["unix:/a\\0b"]', 4, "deny 1", f"'unix:/a\\x00b' {PLACE}"),
]
FILES = [
    ("", 1, "", ALLOW_OR_DENY),
    ("allow:", 4, "allow", "expected a mapping with 'write', got nothing"),
    ("allow: {}", 4, "allow", "it says nothing; write 'write' in it"),
    ("allow: drafts/**", 4, "allow", "expected a mapping with 'write', got 'drafts/**'"),
    ("allow:\n  read: [x]", 5, "allow read", "unknown key; expected 'write'"),
    ("allow:\n  wirte: [x]", 5, "allow wirte", "unknown key; did you mean 'write'?"),
    ("allow:\n  write: x", 5, "allow write", f"{LIST}, got 'x'; write [x]"),
    ("deny: {}", 4, "deny", f"{NOTHING} 'write', 'read' in it"),
    ("deny: [x]", 4, "deny", "expected a mapping with 'write', 'read', got ['x']"),
    ("deny: {exec: [x]}", 4, "deny exec", "unknown key; expected one of 'read', 'write'"),
    ("deny: {read: [7]}", 4, "deny read 1", "expected text, got 7; write it in quotes"),
    ("deny: {read: [x, x]}", 4, "deny read 2", "'x' stands here twice"),
    ("deny: {read: ['']}", 4, "deny read 1", "'' isn't a path; expected 'drafts/**' (from the project's"),
    ("deny: {read: [/]}", 4, "deny read 1", "'/' isn't a path (for a folder and everything below it write"),
    ("deny: {read: [a/]}", 4, "deny read 1", "'a/' isn't a path (for a folder and everything below it write"),
    ("deny: {read: [a//b]}", 4, "deny read 1", "'a//b' isn't a path; expected"),
    ("deny: {read: [../a]}", 4, "deny read 1", "'../a' isn't a path (a path has no '.' and '..' in it)"),
    ("deny: {read: [./a]}", 4, "deny read 1", "'./a' isn't a path (a path has no '.' and '..' in it)"),
    ("deny: {read: [a/**/b]}", 4, "deny read 1", "('**' is a name by itself, and the last one)"),
    ("deny: {read: [a**]}", 4, "deny read 1", "('**' is a name by itself, and the last one)"),
    ("deny: {read: ['~/x']}", 4, "deny read 1", "'~/x' isn't a path (a home is written $HOME)"),
    ("deny: {read: [$TMP]}", 4, "deny read 1", "('$' only stands in $TMP/ and $HOME/, at the beginning)"),
    ("deny: {read: [$DATA/x]}", 4, "deny read 1", "('$' only stands in $TMP/ and $HOME/, at the beginning)"),
    ('deny: {read: ["a\\0"]}', 4, "deny read 1", "'a\\x00' isn't a path"),
]
PROCESS = [
    ("", 1, "", ALLOW_OR_DENY),
    ("allow: {}", 4, "allow", f"{NOTHING} 'programs', 'fork', 'native' in it"),
    (
        "allow: {modules: [x]}",
        4,
        "allow modules",
        "unknown key; expected one of 'fork', 'native', 'programs'",
    ),
    ("allow: {program: [x]}", 4, "allow program", "unknown key; did you mean 'programs'?"),
    ("allow: {fork: 1}", 4, "allow fork", "expected true or false, got 1"),
    ("allow: {native: 'yes'}", 4, "allow native", "expected true or false, got 'yes'"),
    ("allow: {programs: git}", 4, "allow programs", f"{LIST}, got 'git'; write [git]"),
    ("allow: {programs: [git]}", 4, "allow programs 1", "got 'git'; write {program: git}"),
    ("allow: {programs: [{}]}", 4, "allow programs 1", "key 'program' is missing; write 'program'"),
    ("allow: {programs: [{program: }]}", 4, "allow programs 1 program", "expected text, got nothing"),
    ("allow: {programs: [{program: 7}]}", 4, "allow programs 1 program", "got 7; write it in quotes"),
    ("allow: {programs: [{program: ' '}]}", 4, "allow programs 1 program", "isn't a program's name or path"),
    (
        "allow: {programs: [{program: git log}]}",
        4,
        "allow programs 1 program",
        "'git log' isn't a program's name or path; expected 'git' or '/usr/bin/git'; what follows the name "
        "stands under 'arguments'",
    ),
    (
        "allow: {programs: [{program: git, args: [x]}]}",
        4,
        "allow programs 1 args",
        "unknown key; did you mean 'arguments'?",
    ),
    (
        "allow: {programs: [{program: git, arguments: log}]}",
        4,
        "allow programs 1 arguments",
        f"{LIST}, got 'log'; write [log]",
    ),
    (
        "allow:\n  programs:\n    - program: git\n      arguments:\n        - log\n        - 1",
        9,
        "allow programs 1 arguments 2",
        "expected an argument, or a list of those it may be, got 1; write it in quotes",
    ),
    (
        "allow: {programs: [{program: git, arguments: [[log, log]]}]}",
        4,
        "allow programs 1 arguments 1 2",
        "'log' stands here twice",
    ),
    (
        "allow: {programs: [{program: git, arguments: ['**', log]}]}",
        4,
        "allow programs 1 arguments 1",
        "'**' stands for whatever arguments are left, so it must come last",
    ),
    (
        "allow: {programs: [{program: git, never: ['']}]}",
        4,
        "allow programs 1 never 1",
        "an argument without a letter is none",
    ),
    ("deny: {}", 4, "deny", f"{NOTHING} 'programs', 'modules' in it"),
    ("deny: {fork: true}", 4, "deny fork", "unknown key; expected one of 'modules', 'programs'"),
    ("deny: {programs: [{program: x}]}", 4, "deny programs 1", "expected text, got {'program': 'x'}"),
    ("deny: {programs: ['']}", 4, "deny programs 1", "'' isn't a program's name or path"),
    ("deny: {modules: [a b]}", 4, "deny modules 1", "'a b' isn't a module; expected a name such as"),
    ("deny: {modules: [a..b]}", 4, "deny modules 1", "'a..b' isn't a module"),
    ("deny: {modules: [1a]}", 4, "deny modules 1", "'1a' isn't a module"),
]
SECRETS = [
    ("", 1, "", ALLOW_OR_DENY),
    ("allow:", 4, "allow", f"{LIST}, got nothing"),
    ("allow: TOKEN", 4, "allow", f"{LIST}, got 'TOKEN'; write [TOKEN]"),
    ("allow: [1]", 4, "allow 1", "expected text, got 1; write it in quotes"),
    ("allow: [A, A]", 4, "allow 2", "'A' stands here twice"),
    ("allow: [$A]", 4, "allow 1", "'$A' isn't the name of an environment variable; expected HUBSPOT_ACC"),
    ("deny: [a b]", 4, "deny 1", "'a b' isn't the name of an environment variable"),
    ("deny: {names: [A]}", 4, "deny", f"{LIST}, got {{'names': ['A']}}"),
    ("names: [A]", 4, "names", "unknown key; expected one of 'allow', 'applies_to', 'deny', 'id', 'kind'"),
]
LIMITS = [
    ("", 1, "", f"{NOTHING} 'requests', 'findings', 'bytes_out', 'bytes_in', 'output_bytes'"),
    ("request: 5", 4, "request", "unknown key; did you mean 'requests'?"),
    ("allow: {requests: 5}", 4, "allow", "unknown key; expected one of 'applies_to', 'bytes_in'"),
    ("requests: -1", 4, "requests", f"{WHOLE}, got -1"),
    ("requests: 1.5", 4, "requests", f"{WHOLE}, got 1.5"),
    ("requests: true", 4, "requests", f"{WHOLE}, got True"),
    ("requests: '5'", 4, "requests", f"{WHOLE}, got '5'"),
    ("findings:", 4, "findings", f"{WHOLE}, got nothing"),
    ("findings: 10000000000000000", 4, "findings", f"{WHOLE}, got 10000000000000000"),
    ("bytes_out: -1", 4, "bytes_out", f"{WHOLE}, got -1"),
    ("bytes_out: yes", 4, "bytes_out", f"{WHOLE}, got True"),
    ("bytes_out: 1.5MB", 4, "bytes_out", f"{SIZE}, got '1.5MB'{UNITS}"),
    ("bytes_in: 1 MB", 4, "bytes_in", f"{SIZE}, got '1 MB'{UNITS}"),
    ("bytes_in: 1TB", 4, "bytes_in", f"{SIZE}, got '1TB'{UNITS}"),
    ("output_bytes:", 4, "output_bytes", f"{SIZE}, got nothing{UNITS}"),
]
TABLE = [
    (kind, *row)
    for kind, rows in {
        "sockets": SOCKETS,
        "files": FILES,
        "process": PROCESS,
        "secrets": SECRETS,
        "limits": LIMITS,
    }.items()
    for row in rows
]


def read(text: str) -> tuple[object, list[str]]:
    document = Document("enforcement/rules/a-rule.yaml", text.encode())
    return read_rule(document, "a-rule"), [str(problem) for problem in document.problems]


@pytest.mark.parametrize(("kind", "text", "line", "address", "message"), TABLE, ids=lambda part: str(part))
def test_a_mistake_in_a_rule_is_told_once_with_its_place(
    kind: str, text: str, line: int, address: str, message: str
) -> None:
    rule, told = read(f"id: a-rule\nkind: {kind}\nwhy: Because.\n{text}\n")
    assert rule is None
    (problem,) = told
    crumbs = [f"at item {word}" if word.isdigit() else f"at key {word!r}" for word in address.split()]
    assert problem.startswith(f"enforcement/rules/a-rule.yaml:{line}: {' > '.join(crumbs)}")
    assert message in problem.rpartition(crumbs[-1] if crumbs else ": ")[2]


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("", ["a-rule.yaml: expected a mapping with 'id', 'kind', 'why', got nothing"]),
        ("id: a-rule\nwhy: x\n", ["1: key 'kind' is missing; write 'id', 'kind', 'why'"]),
        ("id: a-rule\nkind:\nwhy: x\n", ["2: at key 'kind' > expected one of 'http', 'sockets', 'files', "]),
        (
            "id: a-rule\nkind: 7\nwhy: x\n",
            ["2: at key 'kind' > unknown kind 7; expected one of 'http', 'sockets'"],
        ),
        (
            "id: a-rule\nkind: file\nwhy: x\n",
            ["2: at key 'kind' > unknown kind 'file'; did you mean 'file"],
        ),
        (
            "id: a-rule\nkind: web\nwhy: x\n",
            ["2: at key 'kind' > unknown kind 'web'; expected one of 'ht"],
        ),
        (
            "id: a-rule\nkind: guidance\nwhy: x\n",
            ["guidance is text for a model and stands in guidance/ID"],
        ),
        ("id: a-rule\nkind: limits\nrequests: 1\n", ["1: key 'why' is missing; write 'id', 'kind', 'why'"]),
        (
            "id: a-rule\nkind: limits\nwhy: x\nrequests: 1\napplies_to: echo\n",
            ["5: at key 'applies_to' > expected a list with at least one item, got 'echo'; write [echo]"],
        ),
        (
            "id: a-rule\nkind: limits\nwhy: x\nrequests: 1\napplies-to: [echo]\n",
            ["5: at key 'applies-to' > unknown key; did you mean 'applies_to'?"],
        ),
    ],
)
def test_a_mistake_in_the_head_of_a_rule_is_told_once(text: str, messages: list[str]) -> None:
    rule, told = read(text)
    assert rule is None
    assert len(told) == len(messages), told
    for message, problem in zip(messages, told, strict=True):
        assert message in problem


def test_no_rule_may_be_called_as_what_refuses_where_no_rule_does() -> None:
    document = Document("guard.yaml", b"id: guard\nkind: limits\nwhy: Because.\nrequests: 1\n")
    assert read_rule(document, "guard") is None
    (problem,) = document.problems
    assert str(problem).startswith("guard.yaml:1: at key 'id' > 'guard' is what refuses where no rule does")


RIGHT = [
    (
        "kind: sockets\nallow: {connect: ['db.example.org:5432', '[::1]:*'], listen: ['localhost:80']}\n"
        "deny: ['unix:/run/x.sock', 'unix:/run/db:5432x/y.sock', 'unix:/a:b']",
        SocketsRule(
            id="a-rule",
            why="Because.",
            connect=("db.example.org:5432", "[::1]:*"),
            listen=("localhost:80",),
            deny=("unix:/run/x.sock", "unix:/run/db:5432x/y.sock", "unix:/a:b"),
        ),
    ),
    (
        "kind: files\nallow: {write: [drafts/**, $TMP/**]}\n"
        "deny: {write: [drafts/kept], read: [$HOME/.ssh/**]}",
        FilesRule(
            id="a-rule",
            why="Because.",
            write=("drafts/**", "$TMP/**"),
            deny_write=("drafts/kept",),
            deny_read=("$HOME/.ssh/**",),
        ),
    ),
    (
        "kind: process\nallow:\n  programs:\n    - {program: /opt/my  tool, arguments: []}\n"
        "    - {program: git, arguments: [[log, show], '**'], never: ['--ext*']}\n  fork: true\n"
        "deny: {programs: [sh], modules: [boto*, a.b]}",
        ProcessRule(
            id="a-rule",
            why="Because.",
            programs=(
                ProgramAllowance("/opt/my  tool", ()),
                ProgramAllowance("git", (("log", "show"), ("**",)), ("--ext*",)),
            ),
            fork=True,
            deny_programs=("sh",),
            deny_modules=("boto*", "a.b"),
        ),
    ),
    (
        "kind: secrets\nallow: [HUBSPOT_*]\ndeny: [AWS_SECRET]",
        SecretsRule(id="a-rule", why="Because.", allow=("HUBSPOT_*",), deny=("AWS_SECRET",)),
    ),
    (
        "kind: limits\nrequests: 5\nbytes_out: 1MB\nbytes_in: 512KiB\noutput_bytes: 7\nfindings: 0",
        LimitsRule(
            id="a-rule",
            why="Because.",
            requests=5,
            bytes_out=1_000_000,
            bytes_in=524_288,
            output_bytes=7,
            findings=0,
        ),
    ),
]


@pytest.mark.parametrize(("text", "rule"), RIGHT, ids=[type(rule).__name__ for _, rule in RIGHT])
def test_a_rule_without_mistakes_is_read_word_for_word(text: str, rule: object) -> None:
    assert read(f"id: a-rule\nwhy: Because.\n{text}\n") == (rule, [])
