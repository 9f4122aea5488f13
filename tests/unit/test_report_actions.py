"""What a tick says to GitHub Actions: annotations, groups, outputs, masks, and the files they go to."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from loom.cli.actions import Hush, tell
from loom.domain.alert import Alert, Delivery, DeliveryState, Event
from loom.domain.cron import parse_cron
from loom.domain.registry import Registry
from loom.domain.run import OpenReason, Outcome, Run, RunError, Trigger
from loom.domain.schedule import Schedule
from loom.domain.tick import Tick, TickReport
from loom.domain.worker import Worker
from loom.errors import ExitCode, Problem, RegistryError, UsageError
from loom.report.actions import annotations, complaints, groups, masks, outputs, resume, stop
from loom.report.harmless import harmless
from tests.ground.actions_runner import Obeyed, read

AT = datetime(2026, 11, 21, 12, 17, tzinfo=UTC)
ZONE = ZoneInfo("America/Chicago")
TOKEN = "0123456789abcdef0123456789abcdef"  # noqa: S105  (nobody is to be kept out by it)
REPORT = TickReport(tick=Tick(id="tick", at=AT, trigger="schedule"))


def run(worker: str, outcome: Outcome, *, error: RunError | None = None, log: str = "") -> Run:
    return Run(
        run_id=f"20261121T121700-{worker}",
        worker=worker,
        agent="Echo",
        slot=AT,
        trigger=Trigger.SCHEDULE,
        outcome=outcome,
        error=error,
        log=log,
        tick_at=AT,
    )


def registry(**lines: int) -> Registry:
    schedule = Schedule("0 6 * * *", parse_cron("0 6 * * *"), "America/Chicago")
    workers = (
        Worker(id=id_, schedule=schedule, entrypoint="workers.x:run", line=n) for id_, n in lines.items()
    )
    return Registry(zone="America/Chicago", workers=tuple(workers))


def failed(worker: str, message: str = "broken", where: str | None = None) -> Run:
    return run(worker, Outcome.FAILED, error=RunError("ValueError", message, where))


def finding(severity: str, title: str) -> dict[str, object]:
    return {"severity": severity, "title": title, "detail": "", "subject": "", "url": None}


def said(runs: Iterable[Run], known: Registry | None = None) -> list[Obeyed]:
    reading = read(annotations(replace(REPORT, runs=tuple(runs)), registry=known))
    assert reading.shown == []
    return reading.obeyed


def test_a_failed_run_is_an_error_at_the_line_of_the_workers_file() -> None:
    assert said([failed("echo", "50% off: a, b", "workers/echo.py:41")]) == [
        Obeyed(
            "error",
            "echo (Echo): ValueError: 50% off: a, b (workers/echo.py:41)",
            {"file": "workers/echo.py", "line": "41", "title": "echo failed"},
        )
    ]


@pytest.mark.parametrize(
    "where", [None, "findings.0.title", "/etc/passwd:1", "../secret:3", "--param site:1:2"]
)
def test_a_run_that_names_no_line_of_the_project_points_at_its_registry_entry(where: str | None) -> None:
    (one,) = said([failed("echo", where=where)], registry(other=10, echo=20))
    assert (one.properties["file"], one.properties["line"]) == ("worker-registry.yaml", "20")


@pytest.mark.parametrize("outcome", [each for each in Outcome if each.bad])
def test_every_bad_outcome_is_an_error(outcome: Outcome) -> None:
    assert [each.name for each in said([run("echo", outcome)])] == ["error"]


@pytest.mark.parametrize("outcome", [each for each in Outcome if not each.bad])
def test_no_other_outcome_is_annotated(outcome: Outcome) -> None:
    assert said([run("echo", outcome)]) == []


def test_a_slot_that_waits_for_a_requirement_is_a_warning() -> None:
    waits = replace(
        run("sentinel", Outcome.SKIPPED),
        final=False,
        open_reason=OpenReason.REQUIREMENT,
        reason="requirement: HUBSPOT_ACCESS_TOKEN is not set",
    )
    (one,) = said([waits], registry(sentinel=52))
    assert (one.name, one.properties["line"]) == ("warning", "52")
    assert "HUBSPOT_ACCESS_TOKEN is not set" in one.data


def test_a_critical_finding_is_a_warning_and_a_lesser_one_is_not_annotated() -> None:
    good = replace(
        run("lookout", Outcome.SUCCEEDED),
        output={
            "summary": "x",
            "findings": [
                finding("warning", "slow"),
                finding("critical", "site is down") | {"action": "restart it"},
            ],
        },
    )
    assert said([good], registry(lookout=7)) == [
        Obeyed(
            "warning",
            "site is down: restart it",
            {"file": "worker-registry.yaml", "line": "7", "title": "lookout found"},
        )
    ]


def test_a_problem_with_a_place_points_at_it_and_is_said_once() -> None:
    mistake = Problem("worker-registry.yaml", 12, ("worker 'echo'", "key 'schedule'"), "expected five fields")
    report = replace(
        REPORT, problems=(str(mistake), "the moon is missing"), mistakes=(mistake,), exit_code=ExitCode.BROKEN
    )
    first, second = read(annotations(report, registry=None, folder="ops/loom")).obeyed
    assert first.properties["file"] == "ops/loom/worker-registry.yaml"
    assert first.properties["line"] == "12"
    assert first.properties["title"] == "worker 'echo' > key 'schedule'"
    assert "expected five fields" in first.data
    assert (second.data, second.properties) == ("the moon is missing", {"title": "loom"})


def test_an_alert_that_reached_nobody_is_an_error() -> None:
    alert = Alert(event=Event.WORKER_DOWN, summary="Echo is down", at=AT)
    kept = {"id": "d", "alert": alert, "hook": "webhook", "episode": "e", "changed_at": AT}
    report = replace(
        REPORT,
        deliveries=(
            Delivery(**kept, state=DeliveryState.FAILED, error="HTTP 500"),  # type: ignore[arg-type]
            Delivery(**kept, state=DeliveryState.SENT),  # type: ignore[arg-type]
        ),
    )
    (one,) = read(annotations(report, registry=None)).obeyed
    assert one.name == "error"
    assert one.data == "worker.down not delivered by webhook (HTTP 500): Echo is down"


def test_of_each_kind_ten_are_said_worst_first_and_the_tenth_counts_the_rest() -> None:
    again = [replace(failed(f"again-{n}"), final=False, open_reason=OpenReason.RETRY) for n in range(8)]
    final = [failed(f"final-{n}") for n in range(4)]
    critical = replace(
        run("lookout", Outcome.SUCCEEDED),
        output={"findings": [finding("critical", f"c{n}") for n in range(11)]},
    )
    report = replace(REPORT, runs=(*again, *final, critical), notes=("no memory",))
    reading = read(annotations(report, registry=None))
    errors, warnings = reading.named("error"), reading.named("warning")
    assert len(errors) == len(warnings) == 10
    assert [each.properties["title"] for each in errors[:5]] == [
        "final-0 failed",
        "final-1 failed",
        "final-2 failed",
        "final-3 failed",
        "again-0 failed, will be tried again",
    ]
    assert errors[-1].data.startswith("and 3 more errors")
    assert warnings[-1].data.startswith("and 2 more warnings")
    assert [each.data for each in reading.named("notice")] == ["no memory"]


def test_ten_of_a_kind_are_said_in_full() -> None:
    assert len(said(failed(f"w{n}") for n in range(10))) == 10
    assert "more" not in said(failed(f"w{n}") for n in range(10))[-1].data


def test_an_error_without_a_report_is_annotated_too() -> None:
    broken = RegistryError([Problem("worker-registry.yaml", 3, (), "isn't YAML")])
    (one,) = read(complaints(broken)).obeyed
    assert (one.properties["file"], one.properties["line"]) == ("worker-registry.yaml", "3")
    (two,) = read(complaints(UsageError("--slot takes one worker"))).obeyed
    assert two.data == "--slot takes one worker"


def test_each_log_stands_in_a_group_of_its_own_bad_runs_first() -> None:
    report = replace(
        REPORT,
        runs=(
            run("good", Outcome.SUCCEEDED, log="fine\n"),
            run("quiet", Outcome.SUCCEEDED),
            run("bad", Outcome.FAILED, log="one\n  two\n"),
        ),
    )
    assert list(groups(report, token=TOKEN)) == [
        "::group::bad failed",
        f"::stop-commands::{TOKEN}",
        "| one",
        "|   two",
        f"::{TOKEN}::",
        "::endgroup::",
        "::group::good succeeded",
        f"::stop-commands::{TOKEN}",
        "| fine",
        f"::{TOKEN}::",
        "::endgroup::",
    ]


def test_a_log_can_neither_command_nor_annotate_nor_leave_its_group() -> None:
    log = "::error::forged\n  ::set-env name=PATH::x\rtrick\r::endgroup::\n##[error]old\n##️[error]older\n"
    log += (
        '\x1b[31m::warning::red\x1b[0m\nTraceback:\n  File "x.py", line 1, in f\n'
        + f"::{TOKEN}::\n::error::no\n"
    )
    reading = read(groups(replace(REPORT, runs=(run("echo", Outcome.FAILED, log=log),)), token=TOKEN))
    assert [each.name for each in reading.obeyed] == ["group", "stop-commands", "resume", "endgroup"]
    assert reading.matched == []
    assert any("forged" in line for line in reading.shown)


def test_of_a_long_log_the_end_is_kept_and_all_logs_together_are_bounded() -> None:
    long = "".join(f"line {n}\n" for n in range(10_000))
    report = replace(REPORT, runs=tuple(run(f"w{n}", Outcome.FAILED, log=long) for n in range(5)))
    lines = list(groups(report, token=TOKEN, each=1_000, total=3_500))
    shown = [line for line in lines if not line.startswith("::")]
    assert sum(len(line) + 1 for line in shown) < 3_500 + 100
    assert "| line 9999" in shown
    assert "| line 0" not in shown
    assert "before this left out. See all with: loom show" in shown[0]
    assert lines[-1] == "and 2 more logs. See one with: loom show RUN"


@pytest.mark.parametrize("token", ["", "short", "pause-logging-pause-logging", "0123456789abcde:"])
def test_a_token_that_could_be_guessed_or_broken_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        stop(token)


def test_between_stop_and_resume_the_runner_obeys_nothing() -> None:
    reading = read([stop(TOKEN), "::error::forged", resume(TOKEN), "::notice::heard"])
    assert [each.name for each in reading.obeyed] == ["stop-commands", "resume", "notice"]


def test_harmless_text_keeps_its_lines_and_commands_nothing() -> None:
    text = "✓ fine\n      ::error::forged\nsee ##[warning]x\ttab\n"
    assert harmless(text) == "✓ fine\n      : :error::forged\nsee ## [warning]x    tab\n"


def test_the_outputs_say_what_became_of_each_worker() -> None:
    runs = (
        run("good", Outcome.SUCCEEDED),
        run("twice", Outcome.FAILED),
        run("twice", Outcome.SUCCEEDED),
        run("late", Outcome.SUPERSEDED),
        run("late", Outcome.SUCCEEDED),
    )
    report = replace(REPORT, runs=runs, exit_code=ExitCode.BAD_RUN)
    values = parsed(outputs(report, delimiter=TOKEN))
    assert (values["failed"], values["exit_code"]) == ("true", "1")
    assert json.loads(values["outcomes"]) == {"twice": "failed", "good": "succeeded", "late": "succeeded"}
    assert parsed(outputs(REPORT, delimiter=TOKEN)) == {"failed": "false", "exit_code": "0", "outcomes": "{}"}


def test_outputs_too_large_for_github_keep_the_bad_ones() -> None:
    runs = [run(f"worker-{n}", Outcome.SUCCEEDED) for n in range(20_000)] + [failed("last")]
    outcomes = parsed(outputs(replace(REPORT, runs=tuple(runs)), delimiter=TOKEN))["outcomes"]
    assert len(outcomes) <= 400_000
    assert next(iter(json.loads(outcomes))) == "last"


def test_a_delimiter_that_stands_in_a_value_is_refused() -> None:
    with pytest.raises(ValueError, match="delimiter"):
        outputs(replace(REPORT, runs=(run(TOKEN, Outcome.SUCCEEDED),)), delimiter=TOKEN)


def test_every_line_of_a_secret_is_masked_and_braces_are_not() -> None:
    lines = list(masks(["top%secret", '{\n  "key": "::value::"\r\n}', "abc", "", "  \n"]))
    assert [each.data for each in read(lines).obeyed] == ["top%secret", '  "key": "::value::"', "abc"]
    assert {each.name for each in read(lines).obeyed} == {"add-mask"}


def test_telling_appends_to_the_files_and_prints_commands(tmp_path: Path) -> None:
    summary, output = tmp_path / "summary.md", tmp_path / "output"
    summary.write_text("earlier words")
    output.write_text("earlier=1\n")
    printed = tell_into(tmp_path, {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(output)})
    assert summary.read_text().startswith("earlier words\n## Loom: a run ended badly (exit code 1)")
    assert output.read_text().startswith("earlier=1\n")
    assert "failed<<" in output.read_text()
    reading = read(printed.splitlines())
    assert reading.named("error")[0].properties["file"] == "sub/workers/echo.py"
    assert not reading.stopped


def test_a_file_that_cannot_be_written_is_a_note_and_no_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = tell_into(tmp_path, {"GITHUB_STEP_SUMMARY": str(tmp_path), "GITHUB_OUTPUT": ""})
    assert "::error" in printed
    assert f"loom: GITHUB_STEP_SUMMARY ({tmp_path}) could not be written" in capsys.readouterr().err


def test_a_summary_is_left_out_rather_than_making_github_drop_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_bytes(b"x" * 990_000)
    tell_into(tmp_path, {"GITHUB_STEP_SUMMARY": str(summary)})
    assert summary.stat().st_size == 990_000
    assert "leaves no room" in capsys.readouterr().err


def test_while_workers_run_the_runner_masks_their_secrets_and_obeys_nothing_they_print() -> None:
    printed: list[str] = []

    def work() -> None:
        with Hush(printed.append) as hush:
            take = hush.taking(lambda names: {name: f"value of {name}" for name in names})
            assert take(["A"]) == {"A": "value of A"}
            printed.append("::error::forged\nhalf a line")
            take(["B"])
            printed.append("::add-mask::forged\nhalf a line")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    reading = read("".join(printed).splitlines())
    assert [(each.name, each.data) for each in reading.obeyed if each.name == "add-mask"] == [
        ("add-mask", "value of A"),
        ("add-mask", "value of B"),
    ]
    assert [each.name for each in reading.obeyed if each.name != "add-mask"] == [
        "stop-commands",
        "resume",
    ] * 2
    assert not reading.stopped


def test_a_tick_that_took_no_secrets_prints_nothing() -> None:
    printed: list[str] = []
    with Hush(printed.append):
        pass
    assert printed == []


def tell_into(folder: Path, env: dict[str, str]) -> str:
    printed: list[str] = []
    project = folder / "sub"
    project.mkdir(exist_ok=True)
    report = replace(
        REPORT,
        runs=(replace(failed("echo", where="workers/echo.py:3"), log="a log\n"),),
        exit_code=ExitCode.BAD_RUN,
    )
    tell(
        report,
        registry=registry(echo=1),
        coming=(),
        env=env | {"GITHUB_WORKSPACE": str(folder)},
        zone=ZONE,
        write=printed.append,
        project=project,
    )
    return "".join(printed)


def parsed(text: str) -> dict[str, str]:
    """As the runner reads its file of outputs."""
    values: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if line:
            name, _, delimiter = line.partition("<<")
            values[name] = "\n".join(iter(lambda: next(lines), delimiter))
    return values
