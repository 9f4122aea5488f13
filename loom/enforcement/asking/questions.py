"""Questions: acts as a person writes them down, each with the decider that the guard asks about it."""

import glob
import json
import os
import shlex
from collections.abc import Callable, Sequence
from typing import Any

from loom.domain.enforcement import Ruling
from loom.domain.rules import FilesRule, HttpRule, ProcessRule, Rule, SecretsRule, SocketsRule
from loom.domain.worker import Isolation, Worker
from loom.enforcement.guarding.paths import real_path
from loom.enforcement.judges.files import FileRuler
from loom.enforcement.judges.http import Asked, HttpRuler, plain_host
from loom.enforcement.judges.places import Places
from loom.enforcement.judges.programs import ProgramRuler
from loom.enforcement.judges.secrets import rule_on_secret
from loom.enforcement.judges.sockets import LookUp, SocketRuler, look_up
from loom.enforcement.reading.document import instead
from loom.enforcement.reading.kinds.http import METHODS
from loom.errors import UsageError
from loom.values import dataclass

FORMS = """\
  GET https://api.example.org/v1/things   any method and address
  connect db.example.org:5432             or unix:/run/service.sock
  listen localhost:8080
  look up db.example.org
  write drafts/letter.md                  in the project; or /x, $TMP/x, $HOME/x
  read drafts/letter.md
  run git log --oneline
  fork                                    copy its own process
  native                                  ctypes, and extensions of SQLite
  import requests
  secret HUBSPOT_ACCESS_TOKEN"""
"""How acts are written, one a line."""

REGISTRY = "worker-registry.yaml"
_LARGEST_PORT = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """kind: of the rules that have a say. act: in words. decide: what the guard would say if these were all
    the rules there are; those that aren't for the worker have no say, as there.

    allowing: what a rule of that kind may say to allow this act, as YAML, the closest first; empty if acts of
    this kind need no rule. asked: the request, if it is one. notes: what else there is to know.
    """

    kind: type[Rule]
    act: str
    decide: Callable[[Sequence[Any]], Ruling]
    allowing: tuple[str, ...] = ()
    asked: Asked | None = None
    notes: tuple[str, ...] = ()


class Questions:
    """About one worker. find: how names that rules of kind sockets grant are resolved when an act names an
    address; nothing else is asked of anybody, and nothing done."""

    def __init__(self, worker: Worker, places: Places, find: LookUp = look_up) -> None:
        self._worker = worker
        self._who = worker.id, worker.agent
        self._places = places
        self._find = find

    def ask(self, words: Sequence[str]) -> Question:
        """May the worker do what `words` say: one text, or several that the shell has split?

        Raises UsageError for words that name no act.
        """
        text = " ".join(words).strip()
        verb, _, rest = text.partition(" ")
        rest = rest.strip()
        if "://" in rest and verb.isalpha():
            return self._http(verb, rest)
        if verb == "look" and rest.split()[:1] == ["up"]:
            verb, rest = "look up", rest.removeprefix("up").strip()
        form = _FORMS.get(verb)
        if not verb:
            raise UsageError(f"say what act it is; one of\n{FORMS}")
        if form is None:
            if verb.upper() in METHODS:
                raise _no_act(text, f"write the whole address: {verb.upper()} https://{rest.lstrip('/')}")
            raise _no_act(text, instead(verb, [*_FORMS, "GET"]))
        if verb == "run" and len(words) > 1:
            return self._run(text, words[1:])
        if not rest and verb not in _ALONE:
            raise _no_act(text, f"say what it is to {verb}")
        if rest and verb in _ALONE:
            raise _no_act(text, f"{verb!r} stands alone")
        return form(self, text, rest)

    def _http(self, method: str, url: str) -> Question:
        import httpx

        from loom.enforcement.guarding.client import asked_by

        try:
            asked = asked_by(httpx.Request(method, url))
        except (httpx.InvalidURL, ValueError) as error:
            raise _no_act(f"{method} {url}", f"that is no address: {error}") from None
        if any(letter.isspace() for letter in url) or not asked.host:
            raise _no_act(f"{method} {url}", "that is no address; a space in one is written %20")

        host = plain_host(asked.host)

        def decide(rules: Sequence[HttpRule]) -> Ruling:
            ruler = HttpRuler(self._mine(rules), self._worker.id)
            refusal = ruler.decide(asked)
            if refusal is not None:
                return Ruling(False, refusal.rule, refusal.why)
            first = ruler.deciding(host, asked.port)[0].rule
            return Ruling(True, first.id, first.why)

        place = f"[{host}]" if ":" in host else host
        place = place if asked.port in (80, 443) else f"{place}:{asked.port}"
        paths = (asked.target.partition("?")[0], "/**")
        allowing = tuple(
            f"hosts: [{_text(place)}]\nallow:\n  - methods: [{asked.method}]\n    paths: [{_text(path)}]"
            for path in paths
        )
        return Question(kind=HttpRule, act=asked.act, decide=decide, allowing=allowing, asked=asked)

    def _connect(self, act: str, place: str) -> Question:
        host, port = _place(act, place)
        return self._sockets(act, place, lambda ruler: ruler.connect(host, port), "connect")

    def _listen(self, act: str, place: str) -> Question:
        host, port = _place(act, place)
        return self._sockets(act, place, lambda ruler: ruler.listen(host, port), "listen")

    def _look_up(self, act: str, host: str) -> Question:
        return self._sockets(act, f"{host}:*", lambda ruler: ruler.look_up(host.strip("[]")), "connect")

    def _sockets(self, act: str, place: str, ask: Callable[[SocketRuler], Ruling], key: str) -> Question:
        def decide(rules: Sequence[SocketsRule]) -> Ruling:
            return ask(SocketRuler(self._mine(rules), self._find))

        return Question(
            kind=SocketsRule, act=act, decide=decide, allowing=(f"allow: {{{key}: [{_text(place)}]}}",)
        )

    def _write(self, act: str, path: str) -> Question:
        real, notes = self._real(path)
        pattern = f"allow: {{write: [{_text(self._pattern(real))}]}}"
        return self._files(act, lambda ruler: ruler.write(real), (pattern,), notes)

    def _read(self, act: str, path: str) -> Question:
        real, notes = self._real(path)
        return self._files(act, lambda ruler: ruler.read(real), (), notes)

    def _files(
        self, act: str, ask: Callable[[FileRuler], Ruling], allowing: tuple[str, ...], notes: tuple[str, ...]
    ) -> Question:
        def decide(rules: Sequence[FilesRule]) -> Ruling:
            return ask(FileRuler(self._mine(rules), self._places))

        return Question(kind=FilesRule, act=act, decide=decide, allowing=allowing, notes=notes)

    def _run_text(self, act: str, command: str) -> Question:
        try:
            return self._run(act, shlex.split(command))
        except ValueError as error:
            raise _no_act(act, f"its quotes don't close: {error}") from None

    def _run(self, act: str, command: Sequence[str]) -> Question:
        program, *arguments = command
        if not program:
            raise _no_act(act, "say which program")
        exactly = ", ".join(_text(glob.escape(argument)) for argument in arguments)
        allowing = f"{{program: {_text(program)}, arguments: [{exactly}]}}"
        return self._process(
            act,
            lambda ruler: ruler.run(program, arguments, cwd=self._places.project, env=self._places.env),
            f"programs: [{allowing}]",
        )

    def _fork(self, act: str, _: str) -> Question:
        return self._process(act, lambda ruler: ruler.fork(), "fork: true")

    def _native(self, act: str, _: str) -> Question:
        return self._process(act, lambda ruler: ruler.native(), "native: true")

    def _import(self, act: str, module: str) -> Question:
        return self._process(act, lambda ruler: ruler.import_(module), "")

    def _process(self, act: str, ask: Callable[[ProgramRuler], Ruling], allow: str) -> Question:
        def decide(rules: Sequence[ProcessRule]) -> Ruling:
            return ask(ProgramRuler(self._mine(rules), self._places))

        allowing = (f"allow: {{{allow}}}",) if allow else ()
        return Question(kind=ProcessRule, act=act, decide=decide, allowing=allowing)

    def _secret(self, act: str, name: str) -> Question:
        def decide(rules: Sequence[SecretsRule]) -> Ruling:
            if name not in self._worker.requires.env:
                why = f"the worker doesn't require it; write there  requires: {{env: [{name}]}}"
                return Ruling(False, REGISTRY, why)
            return rule_on_secret(rules, *self._who, name)

        return Question(kind=SecretsRule, act=act, decide=decide, allowing=(f"allow: [{_text(name)}]",))

    def _mine(self, rules: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(rule for rule in rules if rule.is_for(*self._who))

    def _real(self, path: str) -> tuple[str, tuple[str, ...]]:
        """Where it really leads, and a note if that isn't where it seems to."""
        for word, base in (
            ("$TMP/", self._places.tmp),
            ("$HOME/", self._places.home),
            ("~/", self._places.home),
        ):
            if path.startswith(word):
                path = f"{base}/{path.removeprefix(word)}"
        whole = os.path.join(self._places.project, path)  # noqa: PTH118
        real = real_path(whole)
        notes = []
        if os.path.normpath(whole) != real:
            notes.append(f"{path} leads to {real}, and that is what is judged")
        if self._worker.isolation is Isolation.PROCESS and self._pattern(real).startswith("$"):
            notes.append(
                "its process has a $HOME and a $TMP of its own, made for the run; these here are Loom's"
            )
        return real, tuple(notes)

    def _pattern(self, real: str) -> str:
        """As a rule of kind files writes it."""
        if real == self._places.project:
            return "**"
        bases = (("", self._places.project), ("$TMP/", self._places.tmp), ("$HOME/", self._places.home))
        for word, base in bases:
            if real.startswith(f"{base}/"):
                return word + real.removeprefix(f"{base}/")
        return real


_FORMS: dict[str, Callable[[Questions, str, str], Question]] = {
    "connect": Questions._connect,
    "listen": Questions._listen,
    "look up": Questions._look_up,
    "write": Questions._write,
    "read": Questions._read,
    "run": Questions._run_text,
    "fork": Questions._fork,
    "native": Questions._native,
    "import": Questions._import,
    "secret": Questions._secret,
}
_ALONE = ("fork", "native")


def _place(act: str, text: str) -> tuple[str, int]:
    """As a socket's address names it."""
    if text.startswith("unix:/"):
        return text, 0
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    torn = not bracketed and any(sign in host for sign in "[]:")
    if not colon or not host or torn or not port.isdecimal() or int(port) > _LARGEST_PORT or "/" in text:
        raise _no_act(act, "a place is written db.example.org:5432, [::1]:53 or unix:/run/service.sock")
    return host.strip("[]"), int(port)


def _text(text: str) -> str:
    """In quotes, as YAML and JSON have them alike."""
    return json.dumps(text, ensure_ascii=False)


def _no_act(text: str, why: str) -> UsageError:
    return UsageError(f"{text[:200]!r} names no act: {why}\nAn act is one of\n{FORMS}")
