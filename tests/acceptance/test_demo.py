"""The demo: a stranger sees a week of Loom in a minute, and all that is shown has really happened."""

import json
import os
import re
import signal
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.ground.command import Command, Result
from tests.ground.shut import REPOSITORY, own_environment

PICTURE = REPOSITORY / "docs" / "demo.svg"
ANEW = "draw it anew: loom demo --fast --record docs/demo.svg"
OWN_TOKEN = "-".join(("pat", "na1", "of", "somebodys", "own"))
# What would lead to somebody's own things, or make it look like a tick of GitHub's.
OWN_THINGS = {
    "HUBSPOT_ACCESS_TOKEN": OWN_TOKEN,
    "YOUTUBE_API_KEY": OWN_TOKEN,
    "LOOM_STATE_BRANCH": "loom-state",
    "LOOM_ALERT_WEBHOOK_URL": "http://127.0.0.1:9/hook",
    "GITHUB_ACTIONS": "true",
    "GITHUB_EVENT_NAME": "push",
    "HTTP_PROXY": "http://127.0.0.1:9",
}
DAYS = (5, 6, 7, 8, 9, 10, 11)


@dataclass(frozen=True, slots=True)
class Week:
    """One demo that was played, by ``loom demo --json --record``."""

    loom: Command
    folder: Path
    result: Result
    picture: Path
    left_outside: tuple[str, ...]

    def ask(self, *arguments: str) -> Any:
        answer = self.loom(*arguments, "--json", "--project", self.folder)
        assert answer.exit_code == 0, answer
        return answer.json()


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Week:
    home = tmp_path_factory.mktemp("home")
    report = home.with_suffix(".report")
    environ = own_environment(os.environ, home=home, report=report)
    Path(environ["TMPDIR"]).mkdir()
    place = tmp_path_factory.mktemp("place")
    loom = Command(place, environ)
    picture = tmp_path_factory.mktemp("picture") / "demo.svg"
    result = loom("demo", "--json", "--dir", "played", "--record", picture, env=OWN_THINGS)
    assert result.exit_code == 0, result
    assert not report.exists(), report.read_text(encoding="utf-8")
    outside = [file for root in (home, Path(environ["TMPDIR"]), place) for file in root.rglob("*")]
    folder = place / "played"
    left = tuple(str(file) for file in outside if file != folder and folder not in file.parents)
    return Week(loom, folder, result, picture, left)


@pytest.fixture(scope="module")
def played(week: Week) -> Mapping[str, Any]:
    document: Mapping[str, Any] = week.result.json()
    return document


@pytest.fixture(scope="module")
def history(week: Week) -> Sequence[Mapping[str, Any]]:
    """Every run that the ledger has, oldest first."""
    runs: list[Mapping[str, Any]] = week.ask("history", "--limit", "1000")["runs"]
    return runs[::-1]


def slots_of(run: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    assert run["count"] == 1, "this week has no range of slots"
    yield run["worker"], run["slot"]


def of(history: Sequence[Mapping[str, Any]], worker: str, slot: str) -> list[Mapping[str, Any]]:
    return [run for run in history if run["worker"] == worker and run["slot"].startswith(slot)]


def test_one_document_tells_the_week_and_nothing_else_is_said(week: Week, played: Mapping[str, Any]) -> None:
    assert week.result.stderr == ""
    assert played["exit_code"] == 0
    ticks = [scene["tick"] for scene in played["scenes"] if scene["tick"]]
    assert {datetime.fromisoformat(tick["tick"]["at"]).day for tick in ticks} == set(DAYS)
    assert {tick["tick"]["trigger"] for tick in ticks} == {"schedule"}
    assert played["week"]["ticks"] == len(ticks)
    assert all(5 <= number <= 10 for day, number in per_day(ticks).items() if day != DAYS[-1])
    assert Path(played["project"]) == week.folder


def per_day(ticks: Sequence[Mapping[str, Any]]) -> Mapping[int, int]:
    return Counter(datetime.fromisoformat(tick["tick"]["at"]).day for tick in ticks)


def test_every_slot_of_the_week_has_one_outcome_and_none_ran_twice(
    played: Mapping[str, Any], history: Sequence[Mapping[str, Any]]
) -> None:
    final = Counter(slot for run in history if run["final"] for slot in slots_of(run))
    assert set(final.values()) == {1}
    succeeded = Counter(slot for run in history if run["outcome"] == "succeeded" for slot in slots_of(run))
    assert set(succeeded.values()) == {1}
    # Counted by hand: five daily workers for a week, five weekly ones, and Tidy twice a day from Monday on.
    expected = 5 * len(DAYS) + 7 + 5 + 6
    told = played["week"]
    assert (told["due"], told["decided"], sum(final.values())) == (expected, expected, expected)
    assert (told["repeated"], told["missed"], told["skipped"]) == (0, 0, 0)
    assert told["ran"] + told["superseded"] == expected


def test_slots_run_though_their_tick_is_hours_late_or_never_came(
    played: Mapping[str, Any], history: Sequence[Mapping[str, Any]]
) -> None:
    late = [
        datetime.fromisoformat(run["started_at"]) - datetime.fromisoformat(run["slot"])
        for run in history
        if run["outcome"] == "succeeded"
    ]
    assert max(late) > timedelta(hours=9)
    assert sum(each > timedelta(hours=1) for each in late) > 15
    assert played["week"]["ticks"] < played["week"]["hours"] / 3
    # As `by_hour` of `loom simulate` counts it, here from the ledger alone: the run began in the slot's hour.
    in_its_hour = sum(each < timedelta(hours=1) for each in late)
    assert played["week"]["by_hour"] <= in_its_hour < len(late)


def test_a_failure_is_tried_again_and_again_and_the_trouble_is_told_once_and_ends(
    week: Week, history: Sequence[Mapping[str, Any]]
) -> None:
    tries = of(history, "relationship-sentinel", "2026-03-06T06:00")
    assert [(run["outcome"], run["final"]) for run in tries] == [
        ("failed", False),
        ("failed", False),
        ("succeeded", True),
    ]
    assert len({run["enforcement_digest"] for run in tries}) == 1
    assert "503" in tries[0]["error"]["message"]
    told = [json.loads(line) for line in (week.folder / "alerts.jsonl").read_text("utf-8").splitlines()]
    assert [(each["event"], each["worker"]) for each in told] == [
        ("worker.failing", "relationship-sentinel"),
        ("worker.recovered", "relationship-sentinel"),
        ("worker.down", "crm-tidy"),
        ("worker.recovered", "crm-tidy"),
    ]
    shown = week.ask("show", tries[0]["run_id"])
    assert [alert["delivered"] for alert in shown["alerts"]] == [True]
    assert tries[0]["episode"] == tries[1]["episode"] != ""


def test_the_slot_that_the_clock_change_leaves_out_runs_once_and_it_is_explained(
    played: Mapping[str, Any], history: Sequence[Mapping[str, Any]]
) -> None:
    (echo,) = of(history, "pattern-memory-analyzer", "2026-03-08")
    assert (echo["slot"], echo["outcome"]) == ("2026-03-08T03:00:00-05:00", "succeeded")
    (note,) = [note for scene in played["scenes"] for note in scene["notes"]]
    assert "leaves out 02:30" in note
    assert "comes at 03:00" in note


def test_a_forbidden_act_is_stopped_before_it_reaches_anybody(
    week: Week, played: Mapping[str, Any], history: Sequence[Mapping[str, Any]]
) -> None:
    blocked, *later = [run for run in history if run["worker"] == "crm-tidy"]
    assert (blocked["outcome"], blocked["enforcement_refusals"]) == ("blocked", 1)
    assert blocked["error"]["message"].startswith("PATCH ")
    assert {run["outcome"] for run in later} == {"succeeded", "superseded"}
    assert played["week"]["asked"] > 50
    assert played["week"]["written"] == 0
    assert all(run["enforcement_digest"] for run in history if run["started_at"])


def test_the_dashboard_of_that_week_is_there_to_be_opened(week: Week, played: Mapping[str, Any]) -> None:
    page = Path(played["dashboard"])
    assert page == week.folder / "site" / "index.html"
    text = page.read_text(encoding="utf-8")
    assert "relationship-sentinel" in text
    assert "crm-tidy" in text


def test_a_second_tick_at_once_finds_nothing_to_do(played: Mapping[str, Any]) -> None:
    at = {scene["at"]: scene["tick"] for scene in played["scenes"] if scene["tick"]}
    assert [run["worker"] for run in at["2026-03-07T16:41:00-06:00"]["runs"]] == ["media-post-production"]
    assert at["2026-03-07T16:41:50-06:00"]["runs"] == []


def test_the_three_promises_are_kept_and_said_as_the_ledger_has_them(
    played: Mapping[str, Any], history: Sequence[Mapping[str, Any]]
) -> None:
    figures = played["status"]["figures"]
    assert figures["slots_decided"] == played["week"]["due"]
    assert figures["runs"] == figures["runs_under_digest"] == sum(bool(run["started_at"]) for run in history)
    assert figures["bad_outcomes"] == figures["bad_outcomes_delivered"] == 3
    assert played["status"]["alerts"]["undelivered"] == 0
    assert (played["week"]["episodes"], played["week"]["closed"]) == (2, 2)
    assert {worker["health"] for worker in played["status"]["workers"]} == {"up", "disabled"}


def test_nothing_is_written_outside_its_folder_and_nothing_of_the_persons_own_is_used(week: Week) -> None:
    assert week.left_outside == ()
    kept = [file for file in week.folder.rglob("*") if file.is_file()]
    assert [file.name for file in kept if OWN_TOKEN.encode() in file.read_bytes()] == []
    assert OWN_TOKEN not in week.result.stdout


def lines_of(svg: str) -> list[str]:
    """The text of a picture, a line of the terminal each, without the port that was free that day."""
    rows: dict[float, str] = {}
    for y, text in re.findall(r'<text [^>]*?\by="([\d.]+)"[^>]*>([^<]*)</text>', svg):
        rows[float(y)] = rows.get(float(y), "") + unescape(text).replace("\xa0", " ")
    return [re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", rows[y]).rstrip() for y in sorted(rows)]


def test_the_pictures_text_is_what_the_command_says_today(week: Week) -> None:
    drawn = lines_of(week.picture.read_text(encoding="utf-8"))
    assert len(drawn) > 30
    assert lines_of(PICTURE.read_text(encoding="utf-8")) == drawn, ANEW


def test_the_picture_asks_for_nothing_from_anywhere_and_tells_nothing_of_the_machine(week: Week) -> None:
    for svg in (week.picture.read_text(encoding="utf-8"), PICTURE.read_text(encoding="utf-8")):
        addresses = set(re.findall(r"https?://[^\s\"'<&]+", svg))
        assert {re.sub(r":\d+", "", each).split("/")[2] for each in addresses} == {"www.w3.org", "127.0.0.1"}
        assert re.findall(r"@import|@font-face|url\((?!#)|href|<image|<script", svg) == []
        assert str(week.folder.parent) not in svg
        assert "/tmp" not in svg  # noqa: S108


def test_a_person_at_a_terminal_sees_it_line_by_line_and_what_to_type_next(loom: Command) -> None:
    told = loom.in_terminal("demo", "--speed", "100", columns=80)
    assert told.exit_code == 0, told
    lines = told.stdout.splitlines()
    assert max(map(len, lines[:-8])) <= 80
    for needed in ("Sunday 8 March", "HubSpot goes down", "leaves out 02:30", "✗ Tidy blocked", "✓ Enforced"):
        assert needed in told.stdout
    folder = Path(told.stdout.partition("Or:   cd ")[2].split()[0])
    assert folder.is_dir()
    assert folder.parent == Path(loom.environ["TMPDIR"])
    for command in re.findall(r"^ +loom (.+?)  ", told.stdout, re.MULTILINE):
        assert loom(*command.split(), cwd=folder).exit_code == 0, command
    assert f"rm -r {folder}" in told.stdout


def test_ctrl_c_ends_it_cleanly_at_any_time(loom: Command) -> None:
    playing = loom.start("demo", "--dir", "mine")
    try:
        assert playing.stdout is not None
        while not playing.stdout.readline().startswith("Thursday"):
            assert playing.poll() is None
        playing.send_signal(signal.SIGINT)
        _, said = playing.communicate(timeout=120)
    finally:
        playing.kill()
        playing.wait()
    assert playing.returncode == 130
    assert said == f"loom: stopped by SIGINT; what was played is in {loom.cwd / 'mine'}\n"
    assert loom("ledger", "check", cwd=loom.cwd / "mine").exit_code == 0


def test_a_folder_that_holds_something_is_left_alone(loom: Command, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine", encoding="utf-8")
    refused = loom("demo", "--dir", "mine")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "mine isn't empty" in refused.stderr
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_a_picture_that_can_have_no_place_is_told_before_the_week_is_played(loom: Command) -> None:
    refused = loom("demo", "--dir", "mine", "--record", "nowhere/demo.svg")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "there is no folder nowhere" in refused.stderr
    assert not (loom.cwd / "mine").exists()
