"""A mistake in the file as a whole stops the tick, and every mistake is told at once."""

from pathlib import Path

import pytest
import yaml

from loom.errors import ExitCode, RegistryError
from loom.registry import document, load
from tests.unit.registry_project import GOOD, HEAD, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_every_mistake_of_a_broken_file_is_listed_at_once_with_its_address_and_line(project: Project) -> None:
    mistakes = project.whole_file_mistakes(
        "version: 2\n"
        "timezone: Chicago\n"
        "workerz: {}\n"
        "max_parallel: 65\n"
        "defaults:\n"
        "  timeout: 10\n"
        "  retry: {attempt: 3, attempts: three}\n"
        "  dst: {fold: frist}\n"
        "state: {keep: forever, output: full}\n"
        "alerts:\n"
        "  - {kind: webhok}\n"
        "  - {kind: webhook, url_env: A, url: https://example.org/x}\n"
        "  - kind: command\n"
        "    command: notify-send\n"
        "    events: [worker.fail]\n"
        "workers:\n"
        "  echo: {schedule: '0 6 * *', entrypoint: 'workers.echo:run'}\n"
    )
    assert mistakes == [
        "worker-registry.yaml:1: at key 'version' > "
        "expected 1, the only version of this file that this Loom reads, got 2",
        "worker-registry.yaml:2: at key 'timezone' > "
        "unknown time zone \"Chicago\"; did you mean 'America/Chicago'?",
        "worker-registry.yaml:3: at key 'workerz' > unknown key of the registry; did you mean 'workers'?",
        "worker-registry.yaml:4: at key 'max_parallel' > expected a whole number from 1 to 64, got 65",
        "worker-registry.yaml:6: at key 'defaults' > at key 'timeout' > "
        "expected a duration such as 2s, 10m, 1h30m or 3d, got 10; add the unit: 10s, 10m, 10h",
        "worker-registry.yaml:7: at key 'defaults' > at key 'retry' > at key 'attempt' > "
        "unknown key of retry; did you mean 'attempts'?",
        "worker-registry.yaml:7: at key 'defaults' > at key 'retry' > at key 'attempts' > "
        'expected a whole number from 1 to 10, got "three"',
        "worker-registry.yaml:8: at key 'defaults' > at key 'dst' > at key 'fold' > "
        "expected first, second or both, got \"frist\"; did you mean 'first'?",
        "worker-registry.yaml:9: at key 'state' > at key 'keep' > "
        'expected a duration such as 2s, 10m, 1h30m or 3d, got "forever"; '
        "units are d, h, m, s and ms, each once, the largest first",
        "worker-registry.yaml:9: at key 'state' > at key 'output' > "
        "unknown key of state; did you mean 'outputs'?",
        "worker-registry.yaml:11: at key 'alerts' > at item 1 > at key 'kind' > "
        'expected stderr, webhook, command, file, github-issue or apprise, got "webhok"; '
        "did you mean 'webhook'?",
        "worker-registry.yaml:12: at key 'alerts' > at item 2 > "
        "expected exactly one of 'url' and 'url_env', got both; "
        "write url_env: LOOM_ALERT_WEBHOOK_URL to keep the address out of the file",
        "worker-registry.yaml:14: at key 'alerts' > at item 3 > at key 'command' > "
        'expected a list, got "notify-send"; write [notify-send]',
        "worker-registry.yaml:15: at key 'alerts' > at item 3 > at key 'events' > at item 1 > "
        "expected worker.failing, worker.down, worker.recovered, slot.missed, tick.overdue, tick.resumed, "
        "clock.backwards, enforcement.broken, enforcement.restored, registry.broken, registry.mended, "
        "ledger.broken or state.unpushed, got \"worker.fail\"; did you mean 'worker.failing'?",
        "worker-registry.yaml:17: at worker 'echo' > at key 'schedule' > "
        "expected five fields, got four ('0 6 * *'); "
        "write minute, hour, day of month, month, day of week, such as '0 6 * * *'",
    ]


def test_a_broken_file_ends_as_exit_code_3(project: Project) -> None:
    with pytest.raises(RegistryError) as caught:
        project.load("version: 1\n")
    assert caught.value.exit_code is ExitCode.BROKEN
    assert int(caught.value.exit_code) == 3


def test_a_missing_file_is_told_without_a_line(project: Project) -> None:
    with pytest.raises(RegistryError) as caught:
        load(project.file, project=project.root)
    (problem,) = caught.value.problems
    assert str(problem) == (
        "worker-registry.yaml: is not there; restore it, e.g. git checkout -- worker-registry.yaml"
    )


def test_a_folder_in_the_place_of_the_file_is_told(project: Project) -> None:
    project.file.mkdir()
    with pytest.raises(RegistryError, match="this is a folder; expected a file in YAML"):
        load(project.file, project=project.root)


@pytest.mark.parametrize("missing", ["version: 1\n", "timezone: America/Chicago\n", "workers: {}\n"])
def test_version_timezone_and_workers_must_be_there(project: Project, missing: str) -> None:
    key = missing.partition(":")[0]
    (mistake,) = project.whole_file_mistakes(f"{HEAD}workers: {{}}\n".replace(missing, ""))
    assert mistake.startswith(f"worker-registry.yaml: key '{key}' is missing; add it, such as {key}: ")


def test_a_top_level_key_written_twice_breaks_the_file(project: Project) -> None:
    assert project.whole_file_mistakes(f"{HEAD}workers: {{}}\nworkers: {{}}\n") == [
        "worker-registry.yaml:4: at key 'workers' > written twice, first on line 3; keep one of the two"
    ]


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "---\n...\n"])
def test_an_empty_file_is_told(project: Project, text: str) -> None:
    (mistake,) = project.whole_file_mistakes(text)
    assert "empty" in mistake or "got nothing" in mistake


@pytest.mark.parametrize(("text", "found"), [("- a\n", "a list"), ("just words\n", '"just words"')])
def test_a_file_that_is_no_mapping_is_told(project: Project, text: str, found: str) -> None:
    assert project.whole_file_mistakes(text) == [
        f"worker-registry.yaml: expected a mapping with the keys of the registry, got {found}"
    ]


@pytest.mark.parametrize(
    ("text", "line", "advice"),
    [
        (f"{HEAD}workers:\n\techo: {{}}\n", 4, "indent with spaces, never tabs"),
        (f"{HEAD}workers:\n  echo: a: b\n", 4, "put text that contains ': ' in quotes"),
        (f"{HEAD}workers:\n  echo: [1, 2\n", 4, "close the bracket that was opened"),
        (f'{HEAD}workers:\n  echo: "a\n', 4, "close the quotation mark"),
        (f"{HEAD}workers:\n  echo: 1\n beta: 2\n", 5, "check the indentation"),
        (f"{HEAD}workers:\n  echo: \x01\n", 4, "only printable characters"),
        (f"{HEAD}workers: {{}}\n---\nversion: 1\n", 4, "a second document starts here"),
    ],
)
@pytest.mark.parametrize("parser", ["CSafeLoader", "SafeLoader"])
def test_yaml_that_cannot_be_read_is_told_with_its_line_and_what_to_do(
    project: Project, text: str, line: int, advice: str, parser: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "_LOADER", getattr(yaml, parser))
    (mistake,) = project.whole_file_mistakes(text)
    assert mistake.startswith(f"worker-registry.yaml:{line}: ")
    assert advice in mistake


def test_bytes_that_are_not_utf_8_are_told_with_their_line(project: Project) -> None:
    assert project.whole_file_mistakes(HEAD.encode() + b"workers: {}\n# caf\xe9\n") == [
        "worker-registry.yaml:4: the byte 0xe9 isn't UTF-8; save the file as UTF-8"
    ]
    assert project.whole_file_mistakes(HEAD.encode("utf-16")) == [
        "worker-registry.yaml: the file is in UTF-16; save it as UTF-8"
    ]


def test_a_byte_order_mark_and_windows_line_ends_are_no_mistake(project: Project) -> None:
    text = f"{HEAD}workers:\n  echo:\n    schedule: '0 6 * * *'\n    entrypoint: workers.echo:run\n"
    registry = project.load(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert [(worker.id, worker.line, worker.schedule.cron) for worker in registry.workers] == [
        ("echo", 4, "0 6 * * *")
    ]


def test_a_mistake_in_defaults_breaks_the_file_however_good_the_workers_are(project: Project) -> None:
    text = f"{HEAD}defaults: {{isolation: procces}}\nworkers:\n  echo: {GOOD}\n"
    assert project.whole_file_mistakes(text) == [
        "worker-registry.yaml:3: at key 'defaults' > at key 'isolation' > "
        "expected inline or process, got \"procces\"; did you mean 'process'?"
    ]


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        ("stderr", "expected a mapping with the key 'kind', got \"stderr\"; write {kind: stderr}"),
        (
            "{url: 'https://a.org'}",
            "key 'kind' is missing; add it: stderr, webhook, command, file, github-issue, apprise",
        ),
        ("{kind: webhook}", "expected exactly one of 'url' and 'url_env', got neither"),
        ("{kind: webhook, url: example.org}", 'expected an http or https address, got "example.org"'),
        ("{kind: webhook, url_env: 'https://a.org'}", "write its name, never its value"),
        ("{kind: webhook, url_env: A, optional: 'yes'}", 'expected true or false, got "yes"'),
        ("{kind: file}", "key 'path' is missing"),
        ("{kind: file, path: worker-registry.yaml}", "'worker-registry.yaml' is a file that Loom goes by"),
        ("{kind: file, path: .loom/../enforcement/manifest.yaml}", "without '..'"),
        ("{kind: file, path: enforcement//manifest.yaml}", "a file that Loom goes by"),
        ("{kind: file, path: ../alerts}", "expected a path inside the project"),
        ("{kind: command, command: []}", "expected at least one item, got an empty list"),
        ("{kind: stderr, timeout: 3s}", "unknown key of a stderr hook"),
    ],
)
def test_a_mistake_in_a_hook_breaks_the_file(project: Project, hook: str, message: str) -> None:
    mistakes = project.whole_file_mistakes(f"{HEAD}alerts:\n  - {hook}\nworkers: {{}}\n")
    assert [mistake for mistake in mistakes if message in mistake] == mistakes
    assert mistakes[0].startswith("worker-registry.yaml:4: at key 'alerts' > at item 1 > ")


@pytest.mark.parametrize(
    ("state", "path"),
    [
        ("", ".loom/ledger.db"),
        ("", "./.loom//ledger.db-wal"),
        ("state: {ledger: data/loom.db}\n", "data/loom.db"),
    ],
)
def test_alerts_are_not_appended_to_the_ledger(project: Project, state: str, path: str) -> None:
    hooks = f"alerts:\n  - {{kind: stderr}}\n  - {{kind: file, path: {path}}}\n"
    (mistake,) = project.whole_file_mistakes(f"{HEAD}{state}{hooks}workers: {{}}\n")
    assert f"at key 'alerts' > at item 2 > at key 'path' > '{path}' is a file that Loom goes by" in mistake


def test_a_file_beside_the_ledger_takes_alerts(project: Project) -> None:
    text = f"{HEAD}alerts:\n  - {{kind: file, path: .loom/ledger.db.alerts.jsonl}}\nworkers: {{}}\n"
    assert project.load(text).hooks[0].kind == "file"


def test_a_registry_that_reaches_nobody_is_refused(project: Project) -> None:
    (mistake,) = project.whole_file_mistakes(f"{HEAD}alerts: []\nworkers: {{}}\n")
    assert "expected at least one item, got an empty list" in mistake
