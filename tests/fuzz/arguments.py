"""The command line: whatever is typed, the answer is an exit code that the README names, never a bug."""

import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import click

from loom.cli import COMMANDS, loom
from tests.fuzz.attempts import Wrong
from tests.ground.nursery import TIMED_OUT, Nursery
from tests.ground.project import build_project

_ENTRIES = """
    echo:
      agent: Echo
      schedule: "0 * * * *"
      entrypoint: workers.echo:run
    weekly:
      agent: Broadcast
      schedule: "30 2 * * sun"
      entrypoint: workers.echo:run
      catch_up: {policy: all}
    monthly:
      agent: Broadcast
      schedule: "0 0 29 2 *"
      timezone: Australia/Lord_Howe
      entrypoint: workers.echo:run
      settings: {word: "bye"}
    asleep:
      schedule: "@daily"
      status: disabled
      entrypoint: workers.echo:run
"""
_TICKS = '{"traces": [{"name": "mine", "ticks": ["2026-09-01T13:06:00Z", "2026-09-01T15:00:00Z"]}]}'

# fmt: off
_INSTANTS = (
    "2026-11-01T07:30:00Z", "2026-03-08T02:30:00-06:00", "2026-03-08T08:00:00+00:00",
    "2026-11-01T01:30:00-05:00", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999-23:59", "0001-01-01T00:00:00-23:59",
    "9999-12-31T00:00:00+23:59", "0002-01-01T00:00:00Z", "9998-12-31T23:00:00Z", "1969-12-31T23:59:59Z",
    "1883-11-18T17:00:00Z", "1970-01-01T00:00:00Z", "2037-12-31T23:59:59Z", "2100-02-28T00:00Z",
    "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-03-08T24:00:00Z", "2026-03-08T23:59:60Z",
    "2026-03-08", "-2026-03-08T00:00:00Z", "+002026-03-08T00:00:00Z", "2026-W10-7T00:00:00Z",
    "2026-067T00:00:00Z", "20260308T090000Z", "2026-03-08T09:00:00", "2026-03-08 09:00:00Z",
    "2026-03-08t09:00:00z", "2026-03-08T09:00:00+24:00", "now", "1772960400",
    "2026-03-08T09:00:00+00:00:00.000001", "2026-03-08T09:00:00.1234567Z", "٢٠٢٦-٠٣-٠٨T09:00:00Z",
    "10000-01-01T00:00:00Z",
)
_NUMBERS = (
    "0", "1", "-1", "20", "10000", "10001", "9" * 30, "-" + "9" * 30, "9" * 5000, "1.5", "0.01", "366",
    "1e3", "1e309", "nan", "inf", "-inf", "NaN", "1_000", "٣", "0x10", " 7 ", "+7", "1e-300", "31", "3660",
    "5e-324",
)
_DURATIONS = (
    "3h", "0s", "1ms", "999999d", "3650d", "3651d", "90", "1h30m", "-1h", "1.5h", "999999999s", "1H", "∞",
)
_NAMES = (
    "echo", "ECHO", "Echo", "broadcast", "weekly", "monthly", "asleep", "ech", "echo ", "*", "e*", "Straße",
    "İ",
)
_PAIRS = (
    "word=hi", "word=", "=x", "word", "wrd=x", "word=[1]", "word={", "word=null", "=", "==", "word=a=b",
    "WORD=x", "word=\x1b[31mred", "word=" + "[" * 5_000, "word=" + "9" * 5_000, "word=\udcff",
    "word=\U0001f600", "wörd=1", "word=NaN", "word=" + "x" * 100_000, "__class__=x", "model_config=x",
    "word=\n\n::error::x", '{"word": 1}=1',
)
_RUNS = (
    "00000000", "x", "%", "%%%%%%%%", "________", "' OR 1=1 --", "0" * 40, "*" * 8, "[a-z]*", "\\",
    "run\nrun",
)
_ACTS = (
    "GET https://example.org/", "POST https://api.hubapi.com/crm/v3/objects/0-1/search", "GET://x", "GET x",
    "get http://[::1]:0/", "GET https://", "GET https://[", "GET https://x:99999/", "GET https://ex ample/",
    "Ω https://example.org/", "PUT https://straße.example/ä?ö#ü", "GET https://" + "a." * 3_000,
    "GET https://%zz/%zz", "connect localhost:1", "connect [::1]:٣", "connect unix:/" + "x" * 5_000,
    "connect :1", "connect a:b:c", "listen localhost:0", "look up", "look up example.invalid",
    "look up \udcff", "write drafts/x", "write", "write " + "y/" * 3_000, "write ~/\udcff", "write loop/x",
    "write .", "write ''", "read /proc/self/environ", "read $TMP/$HOME", "run sh -c 'x", "run ''",
    "run sh \udcff", "run " + "x " * 2_000, "run *", "fork", "fork x", "native", "import os",
    "import " + "a." * 2_000, "import", "secret HUBSPOT_ACCESS_TOKEN", "secret *", "secret é",
)
_REVISIONS = (
    "HEAD", "HEAD~1", "main", "-1", "--all", "^HEAD", "HEAD..HEAD", "@{-1}", "HEAD:enforcement", "0" * 40,
)
# fmt: on
# Nothing here may be a file that anybody needs: some commands write to what they are given.
# fmt: off
_PATHS = (
    ".", "", " ", "project", "project/", "project/workers", "project/worker-registry.yaml", "nowhere",
    "a/b/c/d", "/dev/null/x", "/proc/self/x", "x" * 300, "y/" * 2_000, "caf\udce9", "\U0001f600", "-", "--",
    "~", "$HOME", "a\nb", "ticks.json", "broken.json", "deep.json", "odd.json", "far.json", "project/.loom",
    "project/.loom/ledger.db", "loop",
)
_WORDS = (
    "", " ", "-", "--", "---", "-x", "--help", "--version", "--json", "--nope", "\n", "\t", "\x01",
    "\x1b]0;x\x07", "\udcff", "\udc80\udc81", "é", "e\u0301", "\u202e", "\u200b", "\ufeff", "日本",
    "\U0001f469\u200d\U0001f680", "ﬀ", "x" * 50_000, "succeeded", "failed", "SUCCEEDED", "missed",
    "::error::x", "%s", "{}", "{0}", "$(id)", "`id`", "'", '"', "\\", "*",
)
# fmt: on
_FOR_EVER = frozenset({"--watch", "--interval"})


class Arguments:
    """folder: where projects may be made. One that has worked for a while is tried, and one that is new."""

    def __init__(self, folder: Path, nursery: Nursery) -> None:
        self._nursery = nursery
        self._folder = folder / "arguments"
        self._plain, self._used = (self._folder / name for name in ("plain", "used"))
        for home in (self._plain, self._used):
            home.mkdir(parents=True)
            project = build_project(home / "project")
            project.entries(_ENTRIES)
            _write_ticks(home)
        self._use(self._used)

    def _use(self, home: Path) -> None:
        for hour in range(3):
            arguments = ["run", "--at", f"2026-06-07T{hour + 7:02}:31:00Z", "--project", "project"]
            code, out, err = self._nursery.run(arguments, home)
            assert code == 0, (code, out, err)

    def attempt(self, chance: random.Random) -> str:
        home = self._folder / "home"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(chance.choice([self._plain, self._used]), home, symlinks=True)
        arguments, env = self.case(chance)
        code, out, err = self._nursery.run(arguments, home, env)
        said = out + err
        if code not in (0, 1, 2, 3, 4) or b"Traceback (most" in said or b"loom: a bug in Loom" in said:
            how = "was killed: it took too long" if code == TIMED_OUT else f"exit code {code}"
            raise Wrong(f"loom {_shown(arguments)} {env}\n{how}\n{_tail(out)}\n{_tail(err)}{_bug(home)}")
        return f"exit {code}"

    def case(self, chance: random.Random) -> tuple[list[str], dict[str, str]]:
        words: list[str] = []
        command: click.Command = loom
        while isinstance(command, click.Group):
            names = list(COMMANDS) if command is loom else sorted(command.commands)
            name = chance.choice(names)
            words.append(name)
            found = command.get_command(click.Context(command), name)
            assert found is not None
            command = found
        for parameter in command.params:
            words += _given(parameter, chance)
        if words[0] == "run" and "--worker" not in words and chance.random() < 0.6:
            words += ["--worker", chance.choice(["echo", "weekly", "monthly", "asleep"])]
        while chance.random() < 0.05:
            words.insert(chance.randrange(len(words) + 1), _word(chance))
        if not {"--project", "--help"} & set(words) and words[0] != "init" and chance.random() < 0.95:
            words += ["--project", "project"]
        env = {"LOOM_STATE_BRANCH": _word(chance)} if chance.random() < 0.03 else {}
        return [word for word in words if word not in _FOR_EVER], env


def _given(parameter: click.Parameter, chance: random.Random) -> list[str]:
    """The parameter as it may be typed: not at all, once, or again and again."""
    if isinstance(parameter, click.Argument):
        return [_value(parameter, chance)] if chance.random() < 0.95 else []
    assert isinstance(parameter, click.Option)
    if _FOR_EVER & set(parameter.opts):
        return []
    often = 0.12 if parameter.name == "project" else 0.5
    times = chance.choice([1, 2, 3]) if parameter.multiple else 1
    if chance.random() > often and not parameter.required:
        return []
    typed: list[str] = []
    for _ in range(times):
        typed.append(chance.choice(parameter.opts))
        if not parameter.is_flag:
            typed.append(_value(parameter, chance))
    return typed


_VALUES: dict[str, Callable[[random.Random], str]] = {
    "ISO8601": lambda chance: chance.choice(_INSTANTS),
    "NAME": lambda chance: chance.choice(_NAMES),
    "KEY=VALUE": lambda chance: chance.choice(_PAIRS),
    "DURATION": lambda chance: chance.choice(_DURATIONS),
    "DIR": lambda chance: chance.choice(_PATHS),
    "FILE": lambda chance: chance.choice(_PATHS),
    "ACT": lambda chance: chance.choice(_ACTS),
    "WORKER": lambda chance: chance.choice(_NAMES),
    "[REV]": lambda chance: chance.choice(_REVISIONS),
    "RUN": lambda chance: chance.choice(_RUNS),
    "WORD": lambda chance: chance.choice(_WORDS),
}


def _value(parameter: click.Parameter, chance: random.Random) -> str:
    if isinstance(parameter.type, click.Path):
        return chance.choice(_PATHS)
    if chance.random() < 0.12:
        return _word(chance)
    if isinstance(parameter.type, click.types.IntRange | click.types.FloatRange):
        return chance.choice(_NUMBERS)
    name = parameter.metavar or (parameter.name or "").upper()
    return _VALUES.get(name, _word)(chance)


def _word(chance: random.Random) -> str:
    return chance.choice(chance.choice([_WORDS, _INSTANTS, _NUMBERS, _NAMES, _PAIRS, _RUNS, _DURATIONS]))


def _write_ticks(home: Path) -> None:
    texts: dict[str, str] = {
        "ticks.json": _TICKS,
        "broken.json": _TICKS[:-9],
        "deep.json": "[" * 100_000,
        "odd.json": '{"traces": [{"name": 7, "ticks": [null, "\\ud800", 1e999]}], "lateness_minutes": [{}]}',
        "far.json": '{"traces": [{"ticks": ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59Z"]}]}',
    }
    for name, text in texts.items():
        (home / name).write_text(text, encoding="utf-8")
        (home / "project" / name).write_text(text, encoding="utf-8")
    (home / "loop").symlink_to("loop")


def _shown(arguments: list[str]) -> str:
    return " ".join(
        f"{each[:200]!r}" + (f"...({len(each)})" if len(each) > 200 else "") for each in arguments
    )


def _tail(text: bytes) -> str:
    return text[-1500:].decode("utf-8", "backslashreplace")


def _bug(home: Path) -> str:
    logs = [*home.rglob("loom-bug-*.log"), *Path(tempfile.gettempdir()).glob("loom-bug-*.log")]
    texts = [log.read_text(encoding="utf-8")[-2500:] for log in logs]
    for log in logs:
        log.unlink()
    return "\n".join(texts)
