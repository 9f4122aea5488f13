"""A declared secret leaves nowhere, however carelessly it is handled; see `loom.runner.discretion`."""

import base64
import json
import os
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from pytest_httpserver import HTTPServer

from tests.ground.command import Command, Result
from tests.ground.project import Project

AT = ("--at", "2026-11-20T12:10:00Z")
LATER = ("--at", "2026-11-20T12:50:00Z")

PLAIN = "swordfish-4711-value-of-the-token"
ODD = 'pa"ss/wörd & <sesame>\\=?+'
PEM = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nEFAASCBKcwggSjAgEAAoIBAQC7\n-----END KEY-----\n"
SECRETS = {"PLAIN_TOKEN": PLAIN, "ODD_TOKEN": ODD, "PEM_KEY": PEM}

REGISTRY = """
version: 1
timezone: America/Chicago
alerts:
  - {kind: stderr}
  - {kind: webhook, url_env: HOOK_URL}
defaults: {isolation: ISOLATION, retry: {attempts: 1}}
workers:
"""
ENTRY = """
  NAME:
    schedule: "@hourly"
    entrypoint: workers.MODULE:run
    requires: {env: [PLAIN_TOKEN, ODD_TOKEN, PEM_KEY]}
"""

HEAD = """\
import base64, json, logging, sys, threading, urllib.parse, warnings
from pydantic import BaseModel, field_validator
from loom.worker import Finding, PermanentError, Skip, WorkerContext, WorkerOutput

FORMS = (
    str, repr, json.dumps, urllib.parse.quote, urllib.parse.quote_plus,
    lambda secret: json.dumps(json.dumps(secret)),
    lambda secret: repr(secret.encode()),
    lambda secret: secret.encode().hex(),
    lambda secret: base64.b64encode(b"user:" + secret.encode()).decode(),
    lambda secret: base64.encodebytes(b"x" * 70 + secret.encode()).decode(),
    lambda secret: urllib.parse.quote(urllib.parse.quote(secret, safe=""), safe=""),
    lambda secret: f"{secret[:12]}...",
)

def leaks(context):
    secrets = [context.secret(name) for name in ("PLAIN_TOKEN", "ODD_TOKEN", "PEM_KEY")]
    return [form(secret) for form in FORMS for secret in secrets]

"""
LEAKS = {
    "printing": """
        def run(context: WorkerContext) -> WorkerOutput:
            for leak in leaks(context):
                print(leak)
                print(leak, file=sys.stderr)
                sys.stderr.write(leak[:5])
                sys.stderr.write(leak[5:])
                sys.stdout.buffer.write(leak.encode())
                warnings.warn(leak)
            thread = threading.Thread(target=lambda: 1 / 0, name=leak)
            thread.start()
            thread.join()
            return WorkerOutput(summary="printed")
        """,
    "logging-it": """
        def run(context: WorkerContext) -> WorkerOutput:
            for leak in leaks(context):
                for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
                    context.log.log(level, "now %s", leak)
                try:
                    raise ValueError(leak)
                except ValueError:
                    logging.getLogger("a.library").warning("failed", exc_info=True)
                context.progress(leak)
            return WorkerOutput(summary="logged")
        """,
    "flooding": """
        def run(context: WorkerContext) -> WorkerOutput:
            # In every place where what is kept of a log may end, and begin again.
            for at in range(9_000):
                print(context.secret("PLAIN_TOKEN"), end="" if at % 3 else "\\n")
            return WorkerOutput(summary="flooded")
        """,
    "returning": """
        def run(context: WorkerContext) -> WorkerOutput:
            found = leaks(context)
            return WorkerOutput(
                summary=" ".join(found),
                findings=[Finding(severity="info", title=f, detail=f, subject=f) for f in found],
                metrics={f: 1.0 for f in found},
            )
        """,
    "raising": """
        def run(context: WorkerContext) -> WorkerOutput:
            found = leaks(context)
            try:
                try:
                    raise KeyError(found)
                except KeyError as error:
                    error.add_note("\\n".join(found))
                    raise type(found[0], (Exception,), {})(found[1]) from error
            except Exception as error:
                raise ExceptionGroup(" ".join(found), [error, PermanentError(found[2])])
        """,
    "raising-at-length": """
        def run(context: WorkerContext) -> WorkerOutput:
            raise ValueError("x" * (1_999 - 20) + context.secret("PLAIN_TOKEN") * 3)
        """,
    "naming": """
        def run(context: WorkerContext) -> WorkerOutput:
            raise type("x" * 80 + context.secret("PLAIN_TOKEN"), (Exception,), {})("named")
        """,
    "skipping": """
        def run(context: WorkerContext) -> WorkerOutput:
            raise Skip("x" * (1_999 - 20) + " ".join(leaks(context)))
        """,
    "skipping-shortly": """
        def run(context: WorkerContext) -> WorkerOutput:
            raise Skip(" ".join(leaks(context)))
        """,
    "exiting": """
        def run(context: WorkerContext) -> WorkerOutput:
            sys.exit("x" * 1_880 + context.secret("PLAIN_TOKEN"))
        """,
    "returning-nonsense": """
        class Output(WorkerOutput):
            days: int
            at_all: int

        def run(context: WorkerContext) -> Output:
            late = "x" * 180 + context.secret("PLAIN_TOKEN")
            return {"summary": 1, "days": " ".join(leaks(context)), "at_all": late}
        """,
    "returning-no-json": """
        class Odd:
            def __init__(self, text): self.text = text
            def __repr__(self): return self.text

        def run(context: WorkerContext) -> WorkerOutput:
            return {"summary": Odd("x" * 180 + context.secret("PLAIN_TOKEN"))}
        """,
    "validating": """
        class Output(WorkerOutput):
            token: str

            @field_validator("token")
            @classmethod
            def check(cls, token):
                raise ValueError("x" * 480 + token)

        def run(context: WorkerContext) -> Output:
            return {"summary": "x", "token": context.secret("PLAIN_TOKEN")}
        """,
    "raising-what-pydantic-says": """
        class Model(BaseModel):
            days: int

        def run(context: WorkerContext) -> WorkerOutput:
            Model(days=context.secret("PLAIN_TOKEN") * 2 + context.secret("ODD_TOKEN") * 2)
        """,
}


def module(worker: str) -> str:
    return worker.replace("-", "_")


def pieces(secret: str) -> list[str]:
    """What no place may hold: 8 characters of the secret in a row, as they are and encoded."""
    forms = [secret, quote(secret, safe=""), json.dumps(secret)[1:-1], secret.encode().hex()]
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + secret.encode()).decode()
        forms.append(whole[4:-4])
    found: set[str] = set()
    for form in forms:
        size = 8 if form == secret else 16
        found |= {form[at : at + size] for at in range(len(form) - size + 1)}
    # A mask and its surroundings are no secrets, nor is what a key's first line says.
    return sorted(piece for piece in found if not re.fullmatch(r"[-\\n]*", piece))


def left_of(secrets: dict[str, str], places: dict[str, str]) -> list[tuple[str, str, str]]:
    """Every piece of a secret that is left, with the place and what stands around it."""
    return [
        (place, piece, text[max(0, text.index(piece) - 60) : text.index(piece) + 80])
        for secret in secrets.values()
        for piece in pieces(secret)
        for place, text in places.items()
        if piece in text
    ]


def without_masks(result: Result) -> str:
    """What was printed, but for what the runner of GitHub Actions is told to hide."""
    return re.sub(r"^::add-mask::.*$", "", result.stdout + result.stderr, flags=re.MULTILINE)


@pytest.mark.parametrize("isolation", ["inline", "process"])
def test_a_secret_that_a_worker_leaks_wherever_it_can_is_found_nowhere(
    loom: Command, project: Project, tmp_path: Path, httpserver: HTTPServer, isolation: str
) -> None:
    httpserver.expect_request("/hook").respond_with_data("")
    entries = "".join(ENTRY.replace("NAME", name).replace("MODULE", module(name)) for name in LEAKS)
    project.registry(REGISTRY.replace("ISOLATION", isolation) + entries)
    for name, body in LEAKS.items():
        lines = [line.removeprefix("        ") for line in body.splitlines()]
        project.write(f"workers/{module(name)}.py", HEAD + "\n".join(lines) + "\n")
    env: dict[str, str | None] = {
        **SECRETS,
        "HOOK_URL": httpserver.url_for("/hook"),
        "GITHUB_ACTIONS": "true",
        "LOOM_STATE_BRANCH": None,
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_OUTPUT": str(tmp_path / "output.txt"),
    }
    tick = loom("run", *AT, "--json", "--project", project.root, env=env, timeout_s=120)
    runs = {run["worker"]: run for run in tick.json()["runs"]}
    assert runs.keys() == LEAKS.keys()
    outcomes = {name: run["outcome"] for name, run in runs.items()}
    places = {"the tick": without_masks(tick)}
    again = loom("run", "--worker", "raising", "--project", project.root, env=env)
    places["a tick for a person"] = without_masks(again)
    for name, run in runs.items():
        shown = loom("show", run["run_id"], "--json", "--project", project.root)
        places[f"show {name} --json"] = shown.stdout
        # Something was there to be hidden.
        assert "***" in json.dumps(shown.json()), name
    for name in ("printing", "raising", "returning-nonsense"):
        places[f"show {name}"] = loom("show", runs[name]["run_id"], "--project", project.root).stdout
    places["history"] = loom("history", "--json", "--project", project.root).stdout
    for file in project.root.glob(".loom/**/*"):
        if file.is_file():
            places[str(file)] = file.read_bytes().decode("utf-8", "replace")
    for number, (request, _) in enumerate(httpserver.log):
        places[f"the webhook, {number}"] = request.get_data(as_text=True)
        places[f"the webhook, {number}, read"] = repr(request.get_json())
    for name in ("summary.md", "output.txt"):
        places[name] = (tmp_path / name).read_text(encoding="utf-8")
    assert left_of(SECRETS, places) == []
    assert len(httpserver.log) >= sum(outcome in ("failed", "invalid") for outcome in outcomes.values())
    assert outcomes == {
        "printing": "succeeded",
        "logging-it": "succeeded",
        "flooding": "succeeded",
        "returning": "succeeded",
        "raising": "failed",
        "raising-at-length": "failed",
        "naming": "failed",
        "skipping": "skipped",
        "skipping-shortly": "skipped",
        "exiting": "failed",
        "returning-nonsense": "invalid",
        "returning-no-json": "invalid",
        "validating": "invalid",
        "raising-what-pydantic-says": "failed",
    }


LEAKY = """
version: 1
timezone: America/Chicago
workers:
  leaky: {schedule: "@hourly", entrypoint: "workers.leaky:run", requires: {env: [PLAIN_TOKEN]}}
"""
SAYS_IT = """
import time
from loom.worker import WorkerContext, WorkerOutput

def run(context: WorkerContext) -> WorkerOutput:
    SAYING
    return WorkerOutput(summary="said")
"""


def leaky(project: Project, saying: str, *, more: str = "") -> None:
    project.registry(LEAKY + more)
    project.write("workers/leaky.py", SAYS_IT.replace("SAYING", saying.strip()))


def kept(project: Project) -> str:
    files = (file for file in project.root.glob(".loom/**/*") if file.is_file())
    return "".join(file.read_bytes().decode("utf-8", "replace") for file in files)


def test_what_a_worker_says_of_its_progress_is_masked_on_the_terminal_too(
    loom: Command, project: Project
) -> None:
    leaky(project, """context.progress(f"now {context.secret('PLAIN_TOKEN')} then"); time.sleep(2)""")
    tick = loom.in_terminal("run", *AT, "--project", project.root, env={"PLAIN_TOKEN": PLAIN}, columns=200)
    assert tick.exit_code == 0, tick
    assert "now *** then" in tick.raw
    assert PLAIN not in tick.raw


def test_a_declared_secret_is_in_no_copy_of_the_environment_that_python_keeps(
    loom: Command, project: Project
) -> None:
    leaky(
        project,
        """
    import os, posix
    assert "PLAIN_TOKEN" not in os.environ
    assert b"PLAIN_TOKEN" not in os.environb
    assert b"PLAIN_TOKEN" not in posix.environ
    assert context.secret("PLAIN_TOKEN")
        """,
    )
    tick = loom("run", *AT, "--json", "--project", project.root, env={"PLAIN_TOKEN": PLAIN})
    assert tick.json()["runs"][0]["outcome"] == "succeeded", tick


@pytest.mark.parametrize("silly", ["true", "1234", '"id"', '": "', "runs", "u00e9"])
def test_whatever_a_secret_is_the_answer_stays_the_json_that_it_was(
    loom: Command, project: Project, silly: str
) -> None:
    leaky(project, "print('true null 1234 \"id\" é', [context.secret('PLAIN_TOKEN')])")
    asked = ("run", *AT, "--json", "--project", project.root)
    (run,) = loom(*asked, env={"PLAIN_TOKEN": silly}).json()["runs"]
    assert (run["worker"], run["outcome"], run["final"]) == ("leaky", "succeeded", True)
    shown = loom("show", run["run_id"], "--json", "--project", project.root, env={"PLAIN_TOKEN": silly})
    assert shown.json()["run_id"] == run["run_id"]


def test_why_an_alert_was_not_delivered_is_told_without_the_secret(loom: Command, project: Project) -> None:
    leaky(project, "raise ValueError('broken')", more='alerts: [{kind: command, command: ["./tell"]}]\n')
    project.write("tell", f"#!/bin/sh\necho 'no: {'x' * 460}{PLAIN} {PLAIN}' >&2\nexit 1\n").chmod(0o755)
    env = {"PLAIN_TOKEN": PLAIN}
    tick = loom("run", *AT, "--json", "--project", project.root, env=env)
    assert tick.exit_code == 4, tick
    checked = loom("check", "--project", project.root, env=env)
    places = {"tick": tick.stdout + tick.stderr, "kept": kept(project), "check": checked.stdout}
    assert left_of({"PLAIN_TOKEN": PLAIN}, places) == []
    assert "***" in tick.json()["alerts"][0]["error"]


def test_a_mistake_that_shows_a_secret_is_told_without_it_and_not_every_hour(
    loom: Command, project: Project
) -> None:
    leaky(project, "", more=f"  wrong: {{schedule: '{PLAIN}', entrypoint: 'workers.leaky:run'}}\n")
    env = {"PLAIN_TOKEN": PLAIN}
    tick = loom("run", *AT, "--json", "--project", project.root, env=env)
    later = loom("run", *LATER, "--json", "--project", project.root, env=env)
    assert (tick.exit_code, later.exit_code) == (3, 3)
    assert [alert["event"] for alert in tick.json()["alerts"]] == ["registry.broken"]
    assert later.json()["alerts"] == []
    places = {"tick": tick.stdout + tick.stderr, "later": later.stdout + later.stderr, "kept": kept(project)}
    assert left_of({"PLAIN_TOKEN": PLAIN}, places) == []


def test_a_bug_in_loom_is_told_and_logged_without_the_secret(loom: Command, project: Project) -> None:
    leaky(project, "")
    (project.root / ".loom").mkdir()
    broken = project.write("broken/sqlite3.py", f"raise RuntimeError('{'x' * 180}{PLAIN} and {PLAIN}')\n")
    paths = os.pathsep.join([str(broken.parent), os.environ["PYTHONPATH"]])
    env = {"PYTHONPATH": paths, "PLAIN_TOKEN": PLAIN}
    bug = loom("run", "--json", cwd=project.root, env=env)
    assert bug.exit_code == 70, bug
    (log,) = (project.root / ".loom").glob("loom-bug-*.log")
    places = {"bug": bug.stdout + bug.stderr, "log": log.read_text()}
    assert left_of({"PLAIN_TOKEN": PLAIN}, places) == []
    assert "RuntimeError: xxx" in places["log"]
    assert "***" in places["log"]


def test_what_is_wrong_with_a_command_is_told_without_the_secret(loom: Command, project: Project) -> None:
    leaky(project, "")
    for asked in (("--worker", f"for-{PLAIN}"), ("--worker", "leaky", "--param", f"{PLAIN}=1")):
        for as_json in ((), ("--json",)):
            wrong = loom("run", *asked, *as_json, cwd=project.root, env={"PLAIN_TOKEN": PLAIN})
            assert wrong.exit_code == 2, wrong
            assert "***" in wrong.stderr
            assert PLAIN not in wrong.stdout + wrong.stderr


def test_a_secret_too_short_to_be_masked_is_a_warning_of_check_and_no_trouble_to_a_tick(
    loom: Command, project: Project
) -> None:
    leaky(project, "")
    for value, warned in (("abc", True), (" abc\n", True), ("abcd", False), ("", False)):
        checked = loom("check", "--json", "--project", project.root, env={"PLAIN_TOKEN": value}).json()
        answers = [each for each in checked["answers"] if each["what"] == "secret PLAIN_TOKEN"]
        assert [each["level"] for each in answers] == ["warning"] * warned
        assert checked["exit_code"] == 0
        assert all("abc" not in json.dumps(each) for each in answers)
    assert loom("run", *AT, "--project", project.root, env={"PLAIN_TOKEN": "abc"}).exit_code == 0
