"""Rules: what a worker may do, one kind for each way in which a worker reaches beyond itself.

Nothing is allowed that no rule allows, except to read files; and where one rule allows and another denies,
the denial holds ("deny wins").
"""

import re
from collections.abc import Iterable
from fnmatch import translate
from functools import lru_cache
from typing import ClassVar

from loom.values import dataclass


def applies(applies_to: Iterable[str], worker_id: str, agent: str | None) -> bool:
    """Whether a rule is for this worker: `applies_to` holds ids, agents and globs, in any case."""
    if applies_to == ("*",):
        return True
    fits = _any_of(tuple(applies_to)).match
    return bool((worker_id and fits(worker_id.lower())) or (agent and fits(agent.lower())))


@lru_cache(maxsize=256)
def _any_of(globs: tuple[str, ...]) -> re.Pattern[str]:
    """What fits whatever one of them does, in small letters; nothing, if there are none."""
    return re.compile("|".join(translate(glob.lower()) for glob in globs) or "(?!)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """id: the name of its file. applies_to: ids, agents and globs. why: what a person reads of a refusal."""

    kind: ClassVar[str]

    id: str
    applies_to: tuple[str, ...] = ("*",)
    why: str

    def is_for(self, worker_id: str, agent: str | None) -> bool:
        return applies(self.applies_to, worker_id, agent)

    def __hash__(self) -> int:
        # Each run looks up what was made of its rules, of which one may have sixty patterns.
        return hash(self.id)


@dataclass(frozen=True, slots=True)
class HttpAllowance:
    """Methods and paths that may be asked of a host.

    paths: segments between slashes; ``*`` stands for exactly one segment that isn't empty, a final ``**``
        for everything below. ``/**`` is every path. A path that a server might read in another way than
        it is written (dot segments, doubled or encoded slashes, encoded percent signs, backslashes,
        ``;parameters``) fits ``/**`` alone.
    hosts: of the rule's hosts, those it holds for; empty: all of them. Written as in the rule.
    https_only: whether it leaves plain http out.
    """

    methods: tuple[str, ...]
    paths: tuple[str, ...]
    hosts: tuple[str, ...] = ()
    https_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRule(_Rule):
    """hosts: 'api.hubapi.com', 'localhost:8080', '*.example.org' (every name below it) or '*'. A request to
    a host that a rule names is allowed only if one of its allowances fits; a request to a host no rule
    names is refused. Without a port, 80 and 443 are meant. '*' speaks only of hosts no other rule names."""

    kind: ClassVar[str] = "http"
    __hash__ = _Rule.__hash__

    hosts: tuple[str, ...]
    allow: tuple[HttpAllowance, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketsRule(_Rule):
    """Connections beside the guarded HTTP client: 'db.example.org:5432', 'localhost:*', 'unix:/run/x.sock'.

    connect: where a worker may connect or send to. listen: where it may wait for others. deny: where it may
    do neither.
    """

    kind: ClassVar[str] = "sockets"
    __hash__ = _Rule.__hash__

    connect: tuple[str, ...] = ()
    listen: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesRule(_Rule):
    """Files by their paths: 'drafts/**' from the project's folder, '/var/lib/x', '$TMP/**', '$HOME/.ssh/**'.
    ``*`` stands for anything within one name, a final ``**`` for the folder itself and all below it.

    write: what may be made, changed and removed. deny_write, deny_read: what may not, whoever allows it.
    """

    kind: ClassVar[str] = "files"
    __hash__ = _Rule.__hash__

    write: tuple[str, ...] = ()
    deny_write: tuple[str, ...] = ()
    deny_read: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProgramAllowance:
    """program: a name found on PATH, or a path, from the project's folder if it isn't absolute; '*' for any.
    arguments: what they must be, one by one: each the texts or globs of which one must fit, a final ``**``
        for any others. None: whatever they are. never: globs of arguments that may not stand anywhere.
    """

    program: str
    arguments: tuple[tuple[str, ...], ...] | None = None
    never: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRule(_Rule):
    """What of the machine a worker may use besides its own Python code.

    programs: what it may start. deny_programs: what not, by name or path, whoever allows it.
    fork: whether it may copy its process; the copy stays under the guard.
    native: whether it may call into libraries by itself (ctypes) and load extensions into SQLite.
    deny_modules: globs of modules that may not be imported.
    """

    kind: ClassVar[str] = "process"
    __hash__ = _Rule.__hash__

    programs: tuple[ProgramAllowance, ...] = ()
    fork: bool = False
    native: bool = False
    deny_programs: tuple[str, ...] = ()
    deny_modules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsRule(_Rule):
    """Which of the secrets that it requires a worker may read, by globs of their names.

    A secret that some rule allows to anybody is read only by those it is allowed to; one that no rule names,
    by whoever requires it.
    """

    kind: ClassVar[str] = "secrets"
    __hash__ = _Rule.__hash__

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsRule(_Rule):
    """How much one run may do; the smallest of several limits holds, None is no limit.

    requests: asked by the guarded client, redirects counted. bytes_out, bytes_in: through that client.
    output_bytes: of the output's JSON form. findings: in the output.
    """

    kind: ClassVar[str] = "limits"
    __hash__ = _Rule.__hash__

    requests: int | None = None
    bytes_out: int | None = None
    bytes_in: int | None = None
    output_bytes: int | None = None
    findings: int | None = None


@dataclass(frozen=True, slots=True)
class OutputPattern:
    """name: what it finds ('mail address'). pattern: a regular expression; when it has a group named
    ``hit``, only that part is meant. check: 'luhn' or 'iban' (its check digits must be right), or empty.
    use: the name that a rule asked for it by, of those that ship with Loom; empty where it is written out.
    near: words in small letters, of which one stands in every text that has it; empty: no such words."""

    name: str
    pattern: str
    check: str = ""
    use: str = ""
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputRule(_Rule):
    """What must not leave in an output. action: 'reject' (the run is blocked) or 'redact'."""

    kind: ClassVar[str] = "output"
    __hash__ = _Rule.__hash__

    action: str
    patterns: tuple[OutputPattern, ...]


Rule = HttpRule | SocketsRule | FilesRule | ProcessRule | SecretsRule | LimitsRule | OutputRule


@dataclass(frozen=True, slots=True)
class Guidance:
    """Text handed to a model as its instructions. applies_to: as in a rule."""

    id: str
    text: str
    applies_to: tuple[str, ...] = ("*",)
