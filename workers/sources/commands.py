"""The commands that a document tells its reader to run, and whether the project has what they name.

Judged are targets of make, scripts of npm, pnpm and yarn, subcommands of the programs that the settings list,
workers behind ``loom run --worker``, and files that are started: ``python tools/x.py``, ``./x.sh``. Any other
command is none of the project's. A word with a placeholder in it (``<name>``, ``NAME``, ``$X``) isn't judged.
"""

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import yaml

from workers.sources.folder import Folder, Unreadable
from workers.sources.passages import Body

_SHELLS = frozenset({"", "sh", "bash", "zsh", "shell", "console", "shell-session", "terminal"})
_INLINE = re.compile(r"`([^`]+)`")
_APART = re.compile(r"&&|\|\||[;|]")
_ASSIGNMENT = re.compile(r"\w+=\S*")
_PLACEHOLDER = re.compile(r"[<>{}$*\[\]…]|\.\.\.|^[A-Z][A-Z_-]*$")
_TARGETS = re.compile(r"[A-Za-z0-9_./ -]+")
_OPEN_MAKEFILE = re.compile(r"^(?:-?include|sinclude)\s|^[^\s#:]*%[^:]*:|^\$[({]", re.MULTILINE)
_SCRIPT = re.compile(r"\w\.(?:py|sh|js|mjs|cjs)$")
_NPM_LIFE = frozenset({"test", "start", "stop", "restart"})
_LARGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Command:
    words: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Offers:
    """What the project has to run. None: there is no such file, or its names can't be told. subcommands: by
    program."""

    makefile: str | None
    targets: frozenset[str] | None
    package: bool
    scripts: frozenset[str] | None
    workers: frozenset[str] | None
    subcommands: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Missing:
    """what: the part that isn't there, in words. name: as written. known: the names there are instead."""

    what: str
    name: str
    known: tuple[str, ...] = ()


def read_commands(body: Body) -> Iterator[Command]:
    """Each command in inline code and in the code blocks that are a shell's."""
    for passage in body.passages:
        for match in _INLINE.finditer(passage.text):
            yield from _commands(match[1], passage.line_at(match.start()))
    for block in body.blocks:
        if block.language in _SHELLS:
            for number, line in enumerate(block.text.split("\n")):
                yield from _commands(line, block.line + number)


def _commands(text: str, line: int) -> Iterator[Command]:
    for part in _APART.split(text.strip().removeprefix("$ ")):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:  # a quote left open
            continue
        while words and _ASSIGNMENT.fullmatch(words[0]):
            words = words[1:]
        if len(words) > 1 or (words and words[0].startswith("./")):
            yield Command(tuple(words), line)


def read_offers(folder: Folder, subcommands: Mapping[str, Sequence[str]]) -> Offers:
    """Looks at the Makefile, package.json and worker-registry.yaml in the project's root."""
    names = ("GNUmakefile", "makefile", "Makefile")
    makefile = next((name for name in names if (there := folder.find(name)) and there.exact), None)
    package = folder.find("package.json") is not None
    return Offers(
        makefile=makefile,
        targets=_targets(_text(folder, makefile)) if makefile else None,
        package=package,
        scripts=_scripts(_text(folder, "package.json")) if package else None,
        workers=_workers(_text(folder, "worker-registry.yaml")),
        subcommands=subcommands,
    )


def missing(command: Command, offers: Offers, exists: Callable[[str], bool]) -> Missing | None:
    """What the command names and the project hasn't got; None when nothing can be said against it.

    exists: whether there is a file at a path that somebody may mean."""
    program, *arguments = command.words
    if program == "make":
        return _missing_target(arguments, offers)
    if program in ("npm", "pnpm", "yarn"):
        return _missing_script(program, arguments, offers)
    if program in offers.subcommands:
        return _missing_subcommand(program, arguments, offers)
    if program in ("python", "python3", "bash", "sh", "node"):
        return _missing_file(next(iter(arguments), ""), exists)
    return _missing_file(program, exists) if program.startswith("./") else None


def _missing_target(arguments: Sequence[str], offers: Offers) -> Missing | None:
    names = [word for word in arguments if "=" not in word]
    # Options may name another folder or file.
    if not names or any(word.startswith("-") or _PLACEHOLDER.search(word) for word in names):
        return None
    if offers.makefile is None:
        return Missing("there is no Makefile in the project's root", names[0])
    if offers.targets is None:
        return None
    known = tuple(sorted(offers.targets))
    wrong = next((name for name in names if name not in offers.targets), None)
    return Missing(f"`{offers.makefile}` has no target `{wrong}`", wrong, known) if wrong else None


def _missing_script(program: str, arguments: Sequence[str], offers: Offers) -> Missing | None:
    match list(arguments):
        case ["run" | "run-script", name, *_]:
            pass
        case [name, *_] if name in _NPM_LIFE and program == "npm":
            pass
        case _:
            return None
    if name.startswith("-") or _PLACEHOLDER.search(name):
        return None
    if not offers.package:
        return Missing("there is no package.json in the project's root", name)
    if offers.scripts is None or name in offers.scripts or name == "restart":
        return None
    return Missing(f"`package.json` has no script `{name}`", name, tuple(sorted(offers.scripts)))


def _missing_subcommand(program: str, arguments: Sequence[str], offers: Offers) -> Missing | None:
    name = arguments[0]
    if name.startswith("-") or _PLACEHOLDER.search(name):
        return None
    known = tuple(offers.subcommands[program])
    if name not in known:
        return Missing(f"`{program}` has no subcommand `{name}`", name, known)
    if program != "loom" or offers.workers is None:
        return None
    workers = [after for word, after in pairwise(arguments) if word == "--worker"]
    for worker in workers:
        if not _PLACEHOLDER.search(worker) and worker.casefold() not in offers.workers:
            known = tuple(sorted(offers.workers))
            return Missing(f"`worker-registry.yaml` has no worker `{worker}`", worker, known)
    return None


def _missing_file(word: str, exists: Callable[[str], bool]) -> Missing | None:
    path = re.sub(r":\d+$", "", word.removeprefix("./"))
    of_the_project = not word.startswith(("/", "~", "..", "-")) and ("/" in word or _SCRIPT.search(word))
    if not of_the_project or _PLACEHOLDER.search(word) or exists(path):
        return None
    return Missing(f"there is no file `{path}`", path)


def _text(folder: Folder, path: str) -> str:
    """Empty when it isn't there or can't be read: then nothing is said about its names."""
    try:
        return folder.read(path, max_bytes=_LARGEST) if folder.find(path) else ""
    except Unreadable:
        return ""


def _targets(text: str) -> frozenset[str] | None:
    if not text or _OPEN_MAKEFILE.search(text):
        return None
    rules = (line.partition(":") for line in text.splitlines() if not line.startswith(("\t", "#")))
    named = (names for names, colon, rest in rules if colon and not rest.startswith((":=", "=")))
    return frozenset(name for names in named if _TARGETS.fullmatch(names) for name in names.split())


def _scripts(text: str) -> frozenset[str] | None:
    try:
        scripts = json.loads(text).get("scripts", {})
        return frozenset(scripts) if isinstance(scripts, dict) else None
    except (ValueError, RecursionError, AttributeError):
        return None


def _workers(text: str) -> frozenset[str] | None:
    """The ids and agents' names, case-folded."""
    try:
        workers = yaml.safe_load(text)["workers"]
        names = [*workers, *(entry.get("agent") for entry in workers.values())]
        return frozenset(name.casefold() for name in names if isinstance(name, str))
    except (yaml.YAMLError, ValueError, RecursionError, TypeError, KeyError, AttributeError):
        return None
