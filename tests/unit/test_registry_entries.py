"""A mistake inside one worker's entry stops that worker alone, and says where it is and what to do."""

import time
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from loom.registry import document
from tests.unit.registry_project import GOOD, HEAD, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_every_mistake_of_an_entry_is_listed_at_once(project: Project) -> None:
    broken = project.one_broken(
        "  echo:\n"
        "    agent: 7\n"
        "    schedule: '0 25 * * *'\n"
        "    entrypoint: workers.ecko:run\n"
        "    entrypoint: workers.echo:run\n"
        "    timezone: America/Chigaco\n"
        "    status: activ\n"
        "    retry: {attempts: three, jitter: 2}\n"
        "    dst: {gap: jump}\n"
        "    catchup: {policy: latest}\n"
        "    requires: {env: [HUBSPOT TOKEN], paths: [/etc]}\n"
        "    expect: {min: {pages: many}, max: [1]}\n"
    )
    assert broken.id == "echo"
    assert [(problem.line, problem.address[1:]) for problem in broken.problems] == [
        (6, ("key 'agent'",)),
        (7, ("key 'schedule'",)),
        (8, ("key 'entrypoint'",)),
        (9, ("key 'entrypoint'",)),
        (10, ("key 'timezone'",)),
        (11, ("key 'status'",)),
        (12, ("key 'retry'", "key 'attempts'")),
        (12, ("key 'retry'", "key 'jitter'")),
        (13, ("key 'dst'", "key 'gap'")),
        (14, ("key 'catchup'",)),
        (15, ("key 'requires'", "key 'env'", "item 1")),
        (15, ("key 'requires'", "key 'paths'", "item 1")),
        (16, ("key 'expect'", "key 'min'", "key 'pages'")),
        (16, ("key 'expect'", "key 'max'")),
    ]
    assert {(problem.file, problem.address[0]) for problem in broken.problems} == {
        ("worker-registry.yaml", "worker 'echo'")
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("schedule: '0 6 * *'", "expected five fields, got four"),
        ("schedule: '0 0 30 2 *'", "'0 0 30 2 *' can never fire: no month it names has a day 30"),
        ("schedule: 6", "expected cron text such as '0 6 * * *', got 6"),
        ("schedule: '@fortnightly'", "unknown nickname '@fortnightly'"),
        ("timezone: chicago", "unknown time zone \"chicago\"; did you mean 'America/Chicago'?"),
        ("timezone: ../etc", 'unknown time zone "../etc"'),
        ("entrypoint: workers.echo", 'expected module:function, got "workers.echo"'),
        ("entrypoint: workers/echo.py:run", "write it like workers.relationship_sentinel:run"),
        ("entrypoint: workers.ecko:run", "there is no file workers/ecko.py; did you mean 'echo'?"),
        (f"entrypoint: {'a' * 300}:run", "File name too long; correct the entrypoint"),
        ("entrypoint: os.path:join", 'no module "os.path" in the project'),
        ("timeout: 90", "got 90; add the unit: 90s, 90m, 90h"),
        ("timeout: 1:30", 'expected a duration such as 2s, 10m, 1h30m or 3d, got "1:30"'),
        ("timeout: 30m1h", "each once, the largest first"),
        ("timeout: 0s", 'expected a duration longer than nothing, got "0s"'),
        ("timeout: 8d", 'expected a duration of at most 7d, got "8d"'),
        ("retry: 3", "expected a mapping with the keys of retry, got 3"),
        ("retry: {attempts: 0}", "expected a whole number from 1 to 10, got 0"),
        ("retry: {attempts: true}", "expected a whole number from 1 to 10, got true"),
        ("retry: {attempts: 1.5}", "expected a whole number from 1 to 10, got 1.5"),
        ("retry: {abandoned: no}", 'expected true or false, got "no"'),
        ("catch_up: {policy: newest}", 'expected latest, all or none, got "newest"'),
        ("catch_up: {within: }", ""),
        ("dst: {gap: Skip}", "expected transition, skip or shift, got \"Skip\"; did you mean 'skip'?"),
        ("dst: {fold: frist}", "did you mean 'first'?"),
        ("isolation: process", ""),
        ("isolation: proces", "expected inline or process, got \"proces\"; did you mean 'process'?"),
        ("memory: 512", "expected a size such as 512MB or 2GB, got 512; add the unit: 512MB, 512GB"),
        ("memory: 512 MB", "units are MB, GB, MiB and GiB, right behind a whole number"),
        ("memory: 1.5GB", 'expected a size such as 512MB or 2GB, got "1.5GB"'),
        ("memory: 512mb", "units are MB, GB, MiB and GiB"),
        ("memory: 63MB", 'expected a size from 64MB to 1000000GB, got "63MB"'),
        ("memory: [1GB]", "expected a size such as 512MB or 2GB, got a list"),
        ("memory: 512MB", "only a process of its own can be held to a memory limit"),
        ("memory: null", ""),
        ("requires: {env: TOKEN}", 'expected a list, got "TOKEN"; write [TOKEN]'),
        ("settings: [a]", "expected a mapping, got a list"),
        (
            "settings: {a: {1: x}}",
            'YAML reads the key 1 as a number; if it is meant, write it in quotes: "1"',
        ),
        ("settings: {a: {true: x}}", "YAML reads the key true as a truth value"),
        ("settings: {a: .nan}", ".nan isn't a finite number"),
        ("settings: {a: 1, a: 2}", "written twice, first on line 8; keep one of the two"),
        ("expect: {min: {a: 2}, max: {a: 1}}", "min 2 is above max 1 for 'a'; no output could ever pass"),
        ("alert: {after: 0}", "expected a whole number from 1 to 100, got 0"),
        ("was: good", "'good' is the id of a worker in this file"),
        ("was: echo", "'echo' is the id of a worker in this file"),
        ("description:", "expected text, got nothing"),
        ("on: {}", "unknown key of a worker"),
        ("<<: {timeout: 1m}", "YAML's merge keys aren't read here"),
    ],
)
def test_a_mistake_in_an_entry_says_what_was_found_and_what_was_expected(
    project: Project, line: str, message: str
) -> None:
    good = {"schedule": "    schedule: '@daily'\n", "entrypoint": "    entrypoint: workers.echo:run\n"}
    good.pop(line.partition(":")[0], None)
    text = f"  good: {GOOD}\n  echo:\n{''.join(good.values())}    {line}\n"
    registry = project.load_workers(text)
    if not message:
        assert not registry.broken
        return
    (broken,) = registry.broken
    (problem,) = broken.problems
    assert message in problem.message
    assert problem.address[:2] == ("worker 'echo'", f"key '{line.partition(':')[0]}'") or "expect" in line
    assert problem.line == 5 + len(good) + 1


@pytest.mark.parametrize(
    ("defaults", "entry", "bytes_"),
    [
        ("{}", "isolation: process, memory: 512MB", 512_000_000),
        ("{}", "isolation: process, memory: 2GiB", 2_147_483_648),
        ("{}", "isolation: process", None),
        ("{isolation: process, memory: 1GB}", "", 1_000_000_000),
        ("{isolation: process}", "memory: 64MB", 64_000_000),
        ("{isolation: process, memory: 1GB}", "memory: null", None),
        ("{memory: 1GB}", "isolation: process", 1_000_000_000),
        ("{memory: 1GB}", "", None),
        ("{isolation: process, memory: 1GB}", "isolation: inline", None),
    ],
)
def test_a_memory_limit_is_a_worker_s_own_or_its_defaults_and_holds_in_a_process_of_its_own(
    project: Project, defaults: str, entry: str, bytes_: int | None
) -> None:
    separator = ", " if entry else ""
    text = f"{HEAD}defaults: {defaults}\nworkers:\n  echo: {GOOD[:-1]}{separator}{entry}}}\n"
    (worker,) = project.load(text).workers
    assert worker.memory == bytes_


@pytest.mark.parametrize(
    ("defaults", "entry"),
    [("{}", "memory: 1GB"), ("{isolation: process}", "isolation: inline, memory: 1GB")],
)
def test_a_memory_limit_of_a_worker_that_runs_inline_is_a_mistake_that_says_what_to_write(
    project: Project, defaults: str, entry: str
) -> None:
    text = f"{HEAD}defaults: {defaults}\nworkers:\n  echo: {GOOD[:-1]}, {entry}}}\n"
    (broken,) = project.load(text).broken
    (problem,) = broken.problems
    assert problem.address == ("worker 'echo'", "key 'memory'")
    assert "write isolation: process beside it" in problem.message


def test_a_mistyped_isolation_is_one_mistake_not_two(project: Project) -> None:
    entry = "  echo:\n    schedule: '@daily'\n    entrypoint: workers.echo:run\n"
    (mistake,) = project.entry_mistakes(f"{entry}    isolation: proces\n    memory: 1GB\n")
    assert "did you mean 'process'?" in mistake


@pytest.mark.parametrize(
    ("id_", "text"),
    [("Echo", "Echo"), ("9lives", "9lives"), ("a_b", "a_b"), ("a" * 65, "a" * 65), ("''", ""), ("12", "12")],
)
def test_a_bad_id_breaks_its_entry_and_is_told_by_its_text(project: Project, id_: str, text: str) -> None:
    broken = project.one_broken(f"  {id_}: {GOOD}\n")
    assert broken.id == text
    assert broken.problems[0].address == (f"worker '{text}'",)
    assert broken.problems[0].line == 5


def test_a_mistake_is_told_in_a_few_hundred_words_however_long_it_is(project: Project) -> None:
    mistakes = project.entry_mistakes(
        f"  bad: {{schedule: '{'0' * 70_000}', entrypoint: {'.'.join(['a'] * 2000)}:run, {'k' * 900}: 1,\n"
        f"        requires: {{env: {'e' * 70_000}}}}}\n"
    )
    assert len(mistakes) == 4
    assert all(len(each) < 3_000 for each in mistakes)


def test_a_worker_defined_twice_runs_neither_way(project: Project) -> None:
    assert project.entry_mistakes(f"  echo: {GOOD}\n  echo: {GOOD}\n") == [
        "worker-registry.yaml:6: at worker 'echo' > written twice, first on line 5; keep one of the two"
    ]


def test_a_worker_without_schedule_and_entrypoint_is_told_what_to_add(project: Project) -> None:
    assert project.entry_mistakes("  echo: {}\n") == [
        "worker-registry.yaml:5: at worker 'echo' > "
        "key 'schedule' is missing; add it, such as schedule: \"0 6 * * *\"",
        "worker-registry.yaml:5: at worker 'echo' > "
        "key 'entrypoint' is missing; add it, such as entrypoint: workers.example:run",
    ]


def test_two_workers_cannot_carry_on_from_the_same_id(project: Project) -> None:
    registry = project.load_workers(
        "  echo: {schedule: '@daily', entrypoint: 'workers.echo:run', was: old}\n"
        "  forge: {schedule: '@daily', entrypoint: 'workers.forge:run', was: old}\n"
    )
    assert [worker.id for worker in registry.workers] == ["echo"]
    (broken,) = registry.broken
    assert "worker 'echo' was 'old' already" in str(broken.problems[0])


def test_a_rename_may_not_take_the_id_of_a_broken_entry(project: Project) -> None:
    registry = project.load_workers(
        "  echo: {schedule: '@daily', entrypoint: 'workers.echo:run', was: forge}\n  forge: {}\n"
    )
    assert {entry.id for entry in registry.broken} == {"echo", "forge"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("{a: &x [*x]}", "the alias *x stands inside a value that has an anchor itself"),
        ("{a: *nowhere}", "the alias *nowhere has no anchor &nowhere before it"),
        ("{a: !!python/object:os.system {}}", "the YAML tag !!python/object:os.system isn't read here"),
        ("{a: !secret b}", "the YAML tag !secret isn't read here"),
        ("{a: !!int many}", "'many' doesn't fit its tag !!int"),
        (f"{{a: {'[' * 60}{']' * 60}}}", "nested more than 40 levels deep"),
        (f"{{a: {'1' * 400}.5}}", "is too large a number"),
        ("{a: &x {b: 1}, c: &y [*x, *x]}", "the alias *x stands inside a value that has an anchor itself"),
    ],
)
@pytest.mark.parametrize("parser", ["CSafeLoader", "SafeLoader"])
def test_a_value_that_cannot_be_used_spoils_only_the_entry_it_stands_in(
    project: Project, settings: str, message: str, parser: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "_LOADER", getattr(yaml, parser))
    broken = project.one_broken(
        f"  echo: {{schedule: '@daily', entrypoint: 'workers.echo:run', settings: {settings}}}\n"
    )
    assert broken.id == "echo"
    assert message in broken.problems[0].message
    assert broken.problems[0].line == 5


def test_a_small_file_cannot_grow_without_end_through_aliases(project: Project) -> None:
    items = ",".join("0" * 10_000)
    repeats = "".join(f", b{number}: *x" for number in range(100))
    broken = project.one_broken(
        "  echo: {schedule: '@daily', entrypoint: 'workers.echo:run', "
        f"settings: {{a: &x [{items}]{repeats}}}}}\n"
    )
    assert "aliases repeat more than 250000 values" in broken.problems[0].message


def test_a_nest_of_any_depth_never_ends_in_a_traceback(project: Project) -> None:
    deep = 4_000
    broken = project.one_broken(f"  echo: {'[' * deep}{']' * deep}\n")
    assert broken.id == "echo"
    project.whole_file_mistakes("[" * deep)
    project.whole_file_mistakes("- " * deep)


@pytest.mark.parametrize(
    "value",
    [
        f"requires: {{env: [{'1, ' * 400_000}]}}",
        f"settings: {{{''.join(f'{number}: x, ' for number in range(100_000))}}}",
        f"retry: {{{''.join(f'k{number}: x, ' for number in range(100_000))}}}",
    ],
    ids=["a list", "a mapping", "unknown keys"],
)
def test_of_mistakes_without_number_the_first_hundred_are_told(project: Project, value: str) -> None:
    began = time.process_time()
    mistakes = project.entry_mistakes(f"  bad: {GOOD[:-1]}, {value}}}\n")
    assert time.process_time() - began < 4
    assert len(mistakes) == 101
    assert "after 100 mistakes; mend those first" in mistakes[-1]


def test_a_bottomless_nest_is_told_at_once(project: Project) -> None:
    began = time.process_time()
    (mistake,) = project.whole_file_mistakes(f"{HEAD}workers:\n  deep: {'[' * 100_000}")
    assert mistake == "worker-registry.yaml:4: nested more than 5000 levels deep; write it flatter"
    assert time.process_time() - began < 1


def test_an_alias_for_a_whole_value_is_read(project: Project) -> None:
    registry = project.load_workers(
        f"  good: {GOOD[:-1]}, retry: &quick {{attempts: 1}}}}\n  echo: {GOOD[:-1]}, retry: *quick}}\n"
    )
    assert [worker.retry.attempts for worker in registry.workers] == [1, 1]


def test_a_broken_entry_still_declares_its_secrets(project: Project) -> None:
    registry = project.load_workers("  echo: {requires: {env: [HUBSPOT_ACCESS_TOKEN]}}\n")
    assert registry.broken
    assert registry.declared_env == ("HUBSPOT_ACCESS_TOKEN",)


def test_mistakes_of_several_entries_are_told_apart(project: Project) -> None:
    registry = project.load(f"{HEAD}workers:\n  a: {{}}\n  b: {GOOD}\n  c: nothing\n")
    assert [worker.id for worker in registry.workers] == ["b"]
    assert [(entry.id, len(entry.problems)) for entry in registry.broken] == [("a", 2), ("c", 1)]


def test_a_worker_that_could_never_start_within_the_budget_of_a_tick_is_a_mistake_of_its_own(
    project: Project,
) -> None:
    registry = project.load(
        f"{HEAD}tick: {{budget: 20m}}\nworkers:\n"
        f"  quick: {GOOD[:-1]}, timeout: 18m}}\n"
        f"  slow: {GOOD[:-1]}, timeout: 18m1s}}\n"
        f"  off: {GOOD[:-1]}, timeout: 5h, status: disabled}}\n"
    )
    assert (registry.tick, registry.budget) == (None, timedelta(minutes=20))
    assert [worker.id for worker in registry.workers] == ["quick", "off"]
    (broken,) = registry.broken
    assert str(broken.problems[0]) == (
        "worker-registry.yaml:6: at worker 'slow' > at key 'timeout' > 18m1s and the 2m that a tick keeps to "
        "record and tell don't fit into its budget of 20m, so this worker could never start; shorten it, or "
        "raise tick: budget"
    )
