import re
import subprocess
import sys
from collections.abc import Mapping
from difflib import ndiff
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ground.shut import REPOSITORY

WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
LOOM, PAGES = (REPOSITORY / ".github" / "workflows" / name for name in ("loom.yml", "pages.yml"))

CHECKERS = {
    "check-jsonschema": ("--builtin-schema", "vendor.github-workflows"),
    "actionlint": ("-no-color", "-shellcheck=", "-pyflakes="),
    "zizmor": ("--offline", "--pedantic", "--no-progress", "--color=never"),
}


def check(checker: str, workflow: Path) -> tuple[bool, str]:
    """Whether `checker` finds nothing wrong with `workflow`, and what it says."""
    program = str(Path(sys.executable).with_name(checker))
    done = subprocess.run(
        [program, *CHECKERS[checker], str(workflow)], capture_output=True, text=True, check=False
    )
    return done.returncode == 0, done.stdout + done.stderr


def test_the_workflows_are_there() -> None:
    assert [workflow.name for workflow in WORKFLOWS] == ["ci.yml", "loom.yml", "pages.yml"]


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_passes_the_checker(workflow: Path, checker: str) -> None:
    passed, said = check(checker, workflow)
    assert passed, said


@pytest.mark.parametrize(
    ("checker", "sound", "mistaken", "complaint"),
    [
        ("check-jsonschema", "timeout-minutes: 30", "timeout-minuets: 30", "timeout-minuets"),
        ("check-jsonschema", "timezone: America/Chicago", "time-zone: America/Chicago", "time-zone"),
        ("actionlint", "${{ inputs.worker }}", "${{ inputs.wroker }}", 'property "wroker" is not defined'),
        ("actionlint", "America/Chicago", "America/Chicgo", "America/Chicgo"),
        ("actionlint", '"17 * * * *"', '"17 * * *"', "17 * * *"),
        ("zizmor", '--worker "$WORKER"', "--worker ${{ inputs.worker }}", "template-injection"),
        ("zizmor", r"actions/checkout@\w{40} # v\S+", "actions/checkout@v6", "unpinned-uses"),
    ],
)
def test_the_checker_finds_a_planted_mistake(
    tmp_path: Path, checker: str, sound: str, mistaken: str, complaint: str
) -> None:
    text = LOOM.read_text(encoding="utf-8")
    pattern = sound if r"\w" in sound else re.escape(sound)
    planted, count = re.subn(pattern, lambda _: mistaken, text)
    assert count == 1
    workflow = tmp_path / ".github" / "workflows" / "loom.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(planted, encoding="utf-8")
    passed, said = check(checker, workflow)
    assert not passed
    assert complaint in said


def read(workflow: Path) -> dict[Any, Any]:
    document = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


# YAML 1.1 reads the key `on` as true.
ON = True


def test_the_tick_wakes_every_hour_off_the_hour_in_the_users_zone() -> None:
    (schedule,) = read(LOOM)[ON]["schedule"]
    minute, *rest = schedule["cron"].split()
    assert 5 <= int(minute) <= 55
    assert rest == ["*", "*", "*", "*"]
    assert schedule["timezone"] == "America/Chicago"


def test_a_person_can_name_a_worker_or_leave_it_to_the_schedule() -> None:
    worker = read(LOOM)[ON]["workflow_dispatch"]["inputs"]["worker"]
    assert worker["type"] == "string"
    assert worker["default"] == ""


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, ["run"]),
        ({"WORKER": "sentinel"}, ["run", "--worker", "sentinel"]),
        ({"WORKER": "a b", "FORCE": "true"}, ["run", "--worker", "a b", "--force"]),
        (
            {"WORKER": "echo", "SLOT": "2026-03-08T09:00:00Z", "FORCE": "false"},
            ["run", "--worker", "echo", "--slot", "2026-03-08T09:00:00Z"],
        ),
        ({"DRY_RUN": "true"}, ["run", "--dry-run"]),
    ],
)
def test_each_input_reaches_the_command_as_one_word_or_not_at_all(
    tmp_path: Path, inputs: dict[str, str], words: list[str]
) -> None:
    (command,) = (step["run"] for step in read(LOOM)["jobs"]["tick"]["steps"] if step.get("id") == "tick")
    loom = tmp_path / "loom"
    loom.write_text("#!/bin/sh\nfor word; do printf '%s\\n' \"$word\"; done\n", encoding="utf-8")
    loom.chmod(0o755)
    given = {"WORKER": "", "SLOT": "", "FORCE": "", "DRY_RUN": ""} | inputs
    # GitHub runs a step without `shell:` as `bash -e FILE`.
    done = subprocess.run(
        ["bash", "-e", "-c", command],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", **given},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == words


def test_ticks_wait_for_each_other_and_none_is_cancelled() -> None:
    assert read(LOOM)["concurrency"] == {"group": "loom", "cancel-in-progress": False}


def test_secrets_reach_the_tick_alone_and_only_the_ledgers_branch_may_be_written() -> None:
    document = read(LOOM)
    assert document["permissions"] == {}
    job = document["jobs"]["tick"]
    assert job["permissions"] == {"contents": "write"}
    (with_secrets,) = [step for step in job["steps"] if "secrets." in str(step)]
    assert with_secrets["id"] == "tick"
    assert with_secrets["env"]["LOOM_STATE_BRANCH"] == "loom-state"


def test_only_who_pushes_or_fetches_the_ledger_finds_a_token_in_its_checkout() -> None:
    kept = {}
    for workflow in WORKFLOWS:
        steps = [step for job in read(workflow)["jobs"].values() for step in job["steps"]]
        checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
        assert checkouts
        kept[workflow.name] = [step["with"]["persist-credentials"] for step in checkouts]
    assert kept == {"ci.yml": [False], "loom.yml": [True], "pages.yml": [True]}


def test_what_a_tick_found_is_there_for_later_jobs_and_an_outside_clock_can_wake_it() -> None:
    document = read(LOOM)
    assert document["jobs"]["tick"]["outputs"].keys() == {"failed", "outcomes", "exit_code"}
    assert document[ON]["repository_dispatch"]["types"] == ["loom-tick"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_job_ends_in_time(workflow: Path) -> None:
    for name, job in read(workflow)["jobs"].items():
        assert job["timeout-minutes"] <= 30, name


def test_every_check_runs_for_pushes_and_pull_requests() -> None:
    document = read(REPOSITORY / ".github" / "workflows" / "ci.yml")
    assert {"push", "pull_request"} <= set(document[ON])
    job = document["jobs"]["checks"]
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run python3"]


def test_the_dashboard_is_published_after_each_tick_once_a_person_has_said_so() -> None:
    document = read(PAGES)
    assert document[ON]["workflow_run"] == {"workflows": [read(LOOM)["name"]], "types": ["completed"]}
    assert "workflow_dispatch" in document[ON]
    build, deploy = document["jobs"]["build"], document["jobs"]["deploy"]
    assert build["if"].startswith("${{ vars.LOOM_PAGES == 'true' && (")
    assert (deploy["needs"], deploy.get("if")) == ("build", None), "skipped with what it needs"


OURS = {"head_branch": "trunk", "full_name": "acme/ops", "event": "schedule"}


@pytest.mark.parametrize(
    ("event_name", "changes", "builds"),
    [
        ("workflow_run", {}, True),
        ("workflow_run", {"event": "workflow_dispatch"}, True),
        ("workflow_run", {"event": "pull_request"}, False),
        ("workflow_run", {"event": "pull_request", "full_name": "stranger/ops"}, False),
        ("workflow_run", {"full_name": "stranger/ops"}, False),
        ("workflow_run", {"head_branch": "someones-idea"}, False),
        ("workflow_dispatch", None, True),
    ],
)
def test_a_workflow_by_the_ticks_name_on_another_branch_or_in_a_fork_publishes_nothing(
    event_name: str, changes: dict[str, str] | None, builds: bool
) -> None:
    run = OURS | changes if changes is not None else {}
    values: dict[str, str | None] = {
        "vars.LOOM_PAGES": "true",
        "github.event_name": event_name,
        "github.repository": "acme/ops",
        "github.event.repository.default_branch": "trunk",
        "github.event.workflow_run.event": run.get("event"),
        "github.event.workflow_run.head_branch": run.get("head_branch"),
        "github.event.workflow_run.head_repository.full_name": run.get("full_name"),
    }
    condition = read(PAGES)["jobs"]["build"]["if"]
    assert said_by(condition, values) is builds
    assert said_by(condition, {**values, "vars.LOOM_PAGES": ""}) is False, "off until somebody says so"


def said_by(condition: str, values: Mapping[str, str | None]) -> bool:
    """What GitHub would make of ``condition`` with these values; one that it names and isn't here fails."""
    inner = re.fullmatch(r"\$\{\{(.*)\}\}", " ".join(condition.split()))
    assert inner is not None, condition
    python = {"&&": " and ", "||": " or "}
    tokens = re.findall(r"'[^']*'|&&|\|\||==|!=|[()]|[\w.]+|\S", inner[1])
    words = [python.get(token) or (token if token[0] in "'()=!" else repr(values[token])) for token in tokens]
    return bool(eval(" ".join(words), {"__builtins__": {}}))  # noqa: S307 our own workflow's words


def test_what_builds_the_dashboard_may_only_read_and_what_deploys_it_runs_none_of_our_code() -> None:
    document = read(PAGES)
    assert document["permissions"] == {}
    build, deploy = document["jobs"]["build"], document["jobs"]["deploy"]
    assert build["permissions"] == {"contents": "read"}
    assert deploy["permissions"] == {"pages": "write", "id-token": "write"}
    assert [step["uses"].partition("@")[0] for step in deploy["steps"]] == ["actions/deploy-pages"]
    assert "secrets." not in PAGES.read_text(encoding="utf-8")
    (upload,) = (step for step in build["steps"] if "upload-pages-artifact" in step.get("uses", ""))
    (written,) = (step["run"] for step in build["steps"] if step.get("id") == "dashboard")
    assert written.endswith(f"--out {upload['with']['path']}")


@pytest.mark.parametrize(
    ("ours", "theirs"), [(LOOM, "workflow.yml"), (PAGES, "pages.yml")], ids=["loom", "pages"]
)
def test_a_starter_project_gets_the_same_workflow_but_for_what_it_installs_and_its_secrets(
    ours: Path, theirs: str
) -> None:
    starter = (REPOSITORY / "loom" / "starter" / theirs).read_text(encoding="utf-8")
    own = ours.read_text(encoding="utf-8")
    told = [line for line in ndiff(own.splitlines(), starter.splitlines()) if line[0] in "+-"]
    parts = ("pip install", "cache-dependency-path", "secrets.")
    assert [line for line in told if not any(part in line for part in parts)] == []
