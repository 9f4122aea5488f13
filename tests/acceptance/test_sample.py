"""The sample company: who has no account anywhere sees all twelve workers run, and find what they should."""

import json
import os
import signal
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loom.registry import load
from loom.sample.exchange import Answered, Asked, serving
from loom.sample.project import PORT, SECRETS
from loom.sample.stand_ins import stand_ins
from tests.ground.command import Command
from tests.ground.project import Project
from tests.ground.shut import REPOSITORY
from tests.sample.planted import differences, lists, planted

OWN_TOKEN = "-".join(("pat", "na1", "one", "of", "the", "newcomers", "own"))
RUN_TIMEOUT_S = 180.0
ONCE = {"praise"}
"""What is told once: nothing is left to do about it."""


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def demo(loom: Command, tmp_path: Path, port: int) -> Path:
    written = loom("init", "--sample", "demo", "--port", str(port))
    assert written.exit_code == 0, written
    return tmp_path / "demo"


def run_all(loom: Command, demo: Path, **env: str) -> Mapping[str, Any]:
    ran = loom("sample", "run", "--json", cwd=demo, env=env, timeout_s=RUN_TIMEOUT_S)
    assert ran.stderr == "", ran
    report: Mapping[str, Any] = ran.json()
    assert report["exit_code"] == ran.exit_code
    return report


def test_init_writes_a_project_that_checks_fine_and_says_what_to_type_next(
    loom: Command, tmp_path: Path
) -> None:
    written = loom("init", "--sample", "demo")
    assert written.exit_code == 0, written
    assert written.stdout.endswith("Now:  cd demo && loom sample run\n")
    demo = tmp_path / "demo"
    checked = loom("check", "--json", cwd=demo).json()
    assert checked["exit_code"] == 0
    assert [each for each in checked["answers"] if each["level"] == "error"] == []
    verified = loom("enforcement", "verify", cwd=demo)
    assert verified.exit_code == 0, verified
    assert str(PORT) in (demo / "worker-registry.yaml").read_text(encoding="utf-8")
    assert not [file for file in demo.rglob("*") if file.is_file() and b"${" in file.read_bytes()[:100_000]]
    assert not [*demo.rglob("__pycache__"), *demo.rglob("*.pyc")] or (demo / ".loom").exists()


def test_the_samples_registry_has_the_twelve_as_the_repositorys_own_has_them(demo: Path) -> None:
    theirs, ours = (load(root / "worker-registry.yaml", project=root) for root in (demo, REPOSITORY))
    assert len(theirs.workers) == 12
    assert theirs.broken == ()
    for sample, own in zip(theirs.workers, ours.workers, strict=True):
        assert replace(sample, settings=own.settings, requires=own.requires, line=own.line) == own
        # The sample's is set up to ask YouTube too, which one with no settings doesn't.
        assert set(sample.requires.env) >= set(own.requires.env)


def test_a_folder_that_holds_something_is_left_alone(loom: Command, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine", encoding="utf-8")
    refused = loom("init", "--sample", "mine")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "mine isn't empty" in refused.stderr
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    assert loom("init", "starter", "--port", "9000").exit_code == 2


def test_each_worker_gets_the_settings_that_its_list_of_planted_faults_goes_by(demo: Path, port: int) -> None:
    registry = load(demo / "worker-registry.yaml", project=demo)
    settings = {worker.id: worker.settings for worker in registry.workers}
    for worker in lists():
        assert settings[worker] == planted(worker, base=f"http://127.0.0.1:{port}").settings, worker


def test_one_command_runs_all_twelve_and_each_finds_what_is_planted_and_nothing_else(
    loom: Command, demo: Path, port: int
) -> None:
    report = run_all(loom, demo)
    assert report["tick"]["at"] == "2026-06-15T09:00:00-05:00"
    assert {run["trigger"] for run in report["runs"]} == {"manual"}
    assert report["alerts"] == []
    runs = {run["worker"]: run for run in report["runs"]}
    assert len(runs) == 12
    assert {worker: runs[worker]["outcome"] for worker in lists()} == dict.fromkeys(lists(), "succeeded")
    wrong = [
        difference
        for worker in lists()
        for difference in differences(
            planted(worker, base=f"http://127.0.0.1:{port}"), runs[worker]["output"]["findings"]
        )
    ]
    assert wrong == []

    briefed = loom("brief", "--at", "2026-06-16T13:02:00Z", "--json", cwd=demo).json()
    assert briefed["headline"].startswith("All 11 workers are up; 12 runs since yesterday 08:02, all good.")
    told = [found for group in briefed["findings"] for found in group["findings"]]
    assert len(told) == sum(len(run["output"]["findings"]) for run in runs.values())
    shared = [group["workers"] for group in briefed["findings"] if len(group["workers"]) > 1]
    assert ["media-post-production", "media-pre-production"] in shared
    assert {found["whom"] for found in told} >= {"Dana Fox", "Luis Ortega", "Priya Nair", "Archivist"}


def test_it_can_be_run_again_and_one_worker_alone(loom: Command, demo: Path, port: int) -> None:
    run_all(loom, demo)
    again = run_all(loom, demo)
    assert again["tick"]["at"] == "2026-06-15T09:05:00-05:00"
    assert len(again["runs"]) == 12
    for run in again["runs"]:
        if run["worker"] in lists():
            assert run["outcome"] == "succeeded", run
            expected = planted(run["worker"], base=f"http://127.0.0.1:{port}")
            told_before = [str(fault) for fault in expected.faults if fault.kind in ONCE]
            wrong = differences(expected, run["output"]["findings"])
            assert [each for each in wrong if not each.endswith(tuple(told_before))] == []
    alone = loom("sample", "run", "--worker", "archivist", cwd=demo)
    assert alone.exit_code == 0, alone
    assert "staleness-detector" in alone.stdout
    assert "loom show " in alone.stdout
    shown = alone.stdout.partition("loom show ")[2].split()[0]
    assert loom("show", shown, cwd=demo).exit_code == 0
    assert loom("status", cwd=demo).exit_code == 0


def test_a_dry_run_says_what_they_would_read_and_asks_nothing(loom: Command, demo: Path, port: int) -> None:
    dry = loom("sample", "run", "--dry-run", "--json", cwd=demo)
    assert dry.exit_code == 0, dry
    planned_runs = dry.json()["planned"]
    assert len(planned_runs) == 12
    assert [each["worker"] for each in planned_runs if not each["reads"]] == []
    assert f"http://127.0.0.1:{port}/hubspot" in json.dumps(planned_runs)
    assert not (demo / ".loom" / "ledger.db").exists()


def test_a_registry_without_a_sound_worker_runs_nothing(loom: Command, demo: Path) -> None:
    registry = demo / "worker-registry.yaml"
    head = registry.read_text(encoding="utf-8").partition("\nworkers:\n")[0]
    registry.write_text(f"{head}\nworkers:\n  echo: {{schedule: x}}\n", encoding="utf-8")
    refused = loom("sample", "run", cwd=demo)
    assert (refused.exit_code, refused.stdout) == (3, "")
    assert "loom check" in refused.stderr
    assert not (demo / ".loom" / "ledger.db").exists()


def test_a_project_that_has_ticked_since_is_told_that_its_dates_have_aged(loom: Command, demo: Path) -> None:
    ticked = loom("run", "--at", "2026-07-01T17:30:00Z", cwd=demo)
    assert ticked.exit_code == 0, ticked
    aged = loom("sample", "run", "--worker", "archivist", "--json", cwd=demo)
    assert aged.json()["tick"]["at"] == "2026-07-01T12:35:00-05:00"
    assert "dates have aged" in aged.stderr


def test_a_secret_of_ones_own_never_reaches_the_stand_ins(loom: Command, demo: Path, port: int) -> None:
    asked: list[Asked] = []

    def heard(prefix: str, request: Asked, answer: Answered) -> None:
        asked.append(request)

    with serving(stand_ins(), port=port, heard=heard):
        ran = loom("sample", "run", cwd=demo, env=dict.fromkeys(SECRETS, OWN_TOKEN), timeout_s=RUN_TIMEOUT_S)
    assert asked, "it asked the services that were there already"
    assert OWN_TOKEN not in repr(asked)
    assert OWN_TOKEN not in ran.stdout + ran.stderr
    kept = b"".join(file.read_bytes() for file in (demo / ".loom").rglob("*") if file.is_file())
    assert OWN_TOKEN.encode() not in kept


def test_nothing_of_a_sample_goes_where_ones_own_projects_go(loom: Command, demo: Path, port: int) -> None:
    hooked: list[Asked] = []

    def hook(request: Asked) -> Answered:
        hooked.append(request)
        return Answered(200)

    (demo / "enforcement" / "rules" / "stray.yaml").write_text("id: stray\n", encoding="utf-8")
    with serving({"/hook": hook}) as base:
        ran = loom(
            "sample",
            "run",
            cwd=demo,
            env={"LOOM_ALERT_WEBHOOK_URL": f"{base}/hook", "LOOM_STATE_BRANCH": "loom-state"},
        )
    assert ran.exit_code == 3, ran
    assert "loom-state" not in ran.stdout + ran.stderr
    assert hooked == []


def test_only_a_sample_project_is_run_with_made_up_secrets(
    loom: Command, project: Project, tmp_path: Path
) -> None:
    for asked in (("sample", "run"), ("sample", "serve")):
        refused = loom(*asked, cwd=project.root)
        assert refused.exit_code == 3, refused
        assert "loom init --sample demo" in refused.stderr
        assert not project.ledger.exists()
        nowhere = loom(*asked, cwd=tmp_path)
        assert nowhere.exit_code == 3, nowhere
        assert "loom init --sample demo" in nowhere.stderr


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"port": "x"}', '{"port": 0}', '{"port": true}'])
def test_a_marker_that_says_no_port_is_told(loom: Command, demo: Path, text: str) -> None:
    (demo / "sample.json").write_text(text, encoding="utf-8")
    refused = loom("sample", "run", cwd=demo)
    assert refused.exit_code == 3, refused
    assert "sample.json" in refused.stderr
    assert "loom init --sample demo" in refused.stderr


def test_a_port_that_is_taken_is_told_with_what_to_do_and_nothing_is_run(
    loom: Command, demo: Path, port: int
) -> None:
    with socket.create_server(("127.0.0.1", port)):
        for asked in (("sample", "run"), ("sample", "serve")):
            refused = loom(*asked, cwd=demo)
            assert refused.exit_code == 3, refused
            assert f"port {port} of this machine: Address already in use" in refused.stderr
            assert "loom init --sample DIR --port" in refused.stderr
    assert not (demo / ".loom" / "ledger.db").exists()


@pytest.fixture
def served(loom: Command, demo: Path) -> Iterator["subprocess.Popen[str]"]:
    serving_it = loom.start("sample", "serve", cwd=demo)
    impatience = threading.Timer(60.0, serving_it.kill)
    impatience.start()
    try:
        yield serving_it
    finally:
        impatience.cancel()
        serving_it.kill()
        serving_it.communicate()


def lines_until(process: "subprocess.Popen[str]", last: str) -> list[str]:
    """What it prints, up to the line that begins so. Raises AssertionError when it ends before."""
    assert process.stdout is not None
    said: list[str] = []
    while not said or not said[-1].startswith(last):
        line = process.stdout.readline()
        assert line, said
        said.append(line)
    return said


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_serve_answers_and_shows_what_it_is_asked_until_it_is_told_to_end(
    served: "subprocess.Popen[str]", port: int, ending: signal.Signals
) -> None:
    said = "".join(lines_until(served, "Now, in another terminal:"))
    assert f"http://127.0.0.1:{port}" in said
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/loom-sample?key=private", timeout=60) as answer:
        assert "sample company" in json.load(answer)["what"]
    assert lines_until(served, "200 GET")[-1] == "200 GET /loom-sample/\n"
    os.kill(served.pid, ending)
    out, err = served.communicate(timeout=120)
    assert (served.returncode, out, err) == (0, "Stopped.\n", "")


def test_a_run_asks_the_services_that_are_served_already(
    loom: Command, demo: Path, served: "subprocess.Popen[str]"
) -> None:
    lines_until(served, "Now, in another terminal:")
    ran = loom("sample", "run", "--worker", "archivist", cwd=demo)
    assert ran.exit_code == 0, ran
    assert lines_until(served, "200 GET")[-1] == "200 GET /loom-sample/\n"


@pytest.mark.parametrize(
    ("act", "allowed"),
    [
        ("GET {base}/hubspot/crm/v3/objects/contacts", True),
        ("POST {base}/hubspot/crm/v3/objects/contacts/search", True),
        ("POST {base}/hubspot/crm/v3/objects/contacts/batch/read", True),
        ("POST {base}/hubspot/crm/v3/objects/contacts", False),
        ("POST {base}/hubspot/crm/v3/objects/contacts/batch/create", False),
        ("PATCH {base}/hubspot/crm/v3/objects/contacts/1", False),
        ("DELETE {base}/hubspot/crm/v3/objects/contacts/1", False),
        ("GET {base}/youtube/v3/commentThreads", True),
        ("POST {base}/youtube/v3/comments", False),
        ("GET http://127.0.0.1:22/", False),
    ],
)
@pytest.mark.parametrize("worker", ["relationship-sentinel", "media-youtube-comments"])
def test_the_stand_ins_may_be_asked_what_the_services_may_and_no_more(
    loom: Command, demo: Path, port: int, worker: str, act: str, allowed: bool
) -> None:
    asked = act.format(base=f"http://127.0.0.1:{port}")
    explained = loom("enforcement", "explain", worker, asked, "--json", cwd=demo)
    assert explained.json()["allowed"] is allowed, explained


def test_neither_help_nor_an_idle_tick_imports_the_sample(loom: Command, project: Project) -> None:
    project.entries('echo: {schedule: "0 3 * * *", entrypoint: "workers.echo:run"}')
    trace = {"PYTHONPROFILEIMPORTTIME": "1"}
    for asked in (("--help",), ("run", "--at", "2026-03-03T18:20:00Z"), ("init", "--help")):
        traced = loom(*asked, cwd=project.root, env=trace)
        assert traced.exit_code == 0, traced
        assert "loom.cli" in traced.stderr
        assert "loom.sample" not in traced.stderr
