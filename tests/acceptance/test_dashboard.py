"""`loom dashboard`: one page, put where it is read whole or not at all, from which nothing private leaves."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from loom.domain.run import Outcome, Run, Trigger
from loom.domain.tick import Tick
from loom.ledger.sqlite import SqliteLedger
from tests.ground.command import Command, Result
from tests.ground.project import Project
from tests.unit.test_dashboard_page import Elements, data_of

AT = datetime(2026, 11, 20, 12, 10, tzinfo=UTC)
LATER = "2026-11-20T14:10:00Z"
MAIL = "ann.example@customer.example"
WORD = "correct-horse-battery-staple"
"""What no page may show once it is somebody's secret."""
ENTRY = """
    teller:
      agent: Teller
      description: tells
      schedule: "0 6 * * *"
      entrypoint: workers.echo:run
"""


@pytest.fixture
def told(project: Project) -> Project:
    """A project in whose ledger stands the run of a worker that told too much."""
    project.entries(ENTRY)
    run = Run(
        run_id="01934a5b-0000-7000-8000-000000000001",
        worker="teller",
        agent="Teller",
        slot=AT - timedelta(minutes=10),
        trigger=Trigger.SCHEDULE,
        outcome=Outcome.SUCCEEDED,
        attempts=1,
        started_at=AT,
        finished_at=AT + timedelta(seconds=3),
        duration_s=3.0,
        output={
            "summary": f"wrote to {MAIL}, with {WORD}",
            "findings": [
                {"severity": "info", "title": "quiet", "detail": WORD, "url": "https://example.com/a"},
                {"severity": "critical", "title": "</script><script>alert(1)</script>", "subject": MAIL},
            ],
            "metrics": {f"of {MAIL}": 2.5},
            "seen": 7,
        },
        enforcement_digest=f"sha256:{'ab' * 32}",
        rules=("hubspot-read-only",),
        log=f"a log with {MAIL}",
        tick_id="01934a5b-0000-7000-8000-000000000000",
        tick_at=AT,
        on_time=True,
    )
    ledger = SqliteLedger(project.ledger)
    ledger.record([Tick(id=run.tick_id, at=AT, trigger="schedule", finished_at=AT, exit_code=0), run])
    ledger.close()
    return project


def dashboard(loom: Command, project: Project, *more: str, **options: Any) -> Result:
    return loom("dashboard", "--out", "site", "--at", LATER, *more, cwd=project.root, **options)


def page_in(folder: Path) -> str:
    return (folder / "index.html").read_text(encoding="utf-8")


def test_the_page_shows_what_the_ledger_has_and_says_where_it_is(told: Project, loom: Command) -> None:
    result = dashboard(loom, told, "--days", "30", "--json")
    assert result.exit_code == 0, result
    file = told.root / "site" / "index.html"
    assert result.json() == {
        "out": "site",
        "files": [{"path": "site/index.html", "bytes": file.stat().st_size}],
        "days": 30,
        "workers": 1,
        "exit_code": 0,
    }
    data = data_of(page_in(file.parent))
    assert (data["at"], data["zone"], data["days"]) == (
        1795183800,
        "America/Chicago",
        {"first": "2026-10-22", "count": 30},
    )
    (worker,) = data["workers"]
    assert (worker["id"], worker["agent"], worker["health"], worker["description"]) == (
        *("teller", "Teller", "up", "tells"),
    )
    run = dict(zip(worker["runs"]["columns"], worker["runs"]["rows"][0], strict=True))
    assert (run["outcome"], run["count"], run["final"]) == ("succeeded", 1, 1)
    assert [each["name"] for each in worker["metrics"]][:2] == ["findings", "seen"]
    assert [each["values"] for each in worker["metrics"]] == [[2], [7], [2.5]]
    assert [each["severity"] for each in data["findings"]] == ["critical", "info"]
    assert data["combinations"][worker["heat"][-1]] == [["succeeded", 1]]
    assert data["combinations"][worker["heat"][0]] == []
    ((digest, *_, runs, rules),) = data["digests"]
    assert (digest, runs, rules) == (f"sha256:{'ab' * 32}", 1, 1)


def test_a_person_is_told_the_file_and_what_is_in_it(told: Project, loom: Command) -> None:
    result = dashboard(loom, told)
    assert result.exit_code == 0, result
    assert result.stdout.startswith("site/index.html: 1 worker, 365 days, ")
    assert "Open it in a browser" in result.stdout


def test_nobodys_mail_address_and_no_secret_leaves_with_the_page(told: Project, loom: Command) -> None:
    # The word was no secret when it was written down: it is one now, and is masked on its way out.
    told.entries(f"{ENTRY}      requires: {{env: [TELLER_TOKEN]}}\n")
    assert MAIL.encode() in told.ledger.read_bytes()
    result = dashboard(loom, told, env={"TELLER_TOKEN": WORD})
    assert result.exit_code == 0, result
    page = page_in(told.root / "site")
    assert MAIL not in page
    assert WORD not in page
    assert "[mail address redacted]" in page
    assert "***" in page


def test_a_project_may_let_personal_data_out_but_no_secret(told: Project, loom: Command) -> None:
    told.entries(f"{ENTRY}      requires: {{env: [TELLER_TOKEN]}}\n", top="state: {outputs: full}\n")
    assert dashboard(loom, told, env={"TELLER_TOKEN": WORD}).exit_code == 0
    page = page_in(told.root / "site")
    assert MAIL in page
    assert WORD not in page


def test_what_a_worker_wrote_is_data_in_the_page_and_nothing_else(told: Project, loom: Command) -> None:
    assert dashboard(loom, told).exit_code == 0
    page = page_in(told.root / "site")
    assert len(list(Elements(page).of("script"))) == 3
    assert data_of(page)["findings"][0]["title"] == "</script><script>alert(1)</script>"


def test_a_folder_is_made_and_what_else_is_in_one_stays(told: Project, loom: Command) -> None:
    deep = told.root / "public" / "loom"
    assert loom("dashboard", "--out", deep, "--at", LATER, cwd=told.root).exit_code == 0
    (deep / "notes.txt").write_text("mine")
    (deep / "index.html").write_text("the page before")
    assert loom("dashboard", "--out", deep, "--at", LATER, cwd=told.root).exit_code == 0
    assert sorted(path.name for path in deep.iterdir()) == ["index.html", "notes.txt"]
    assert (deep / "notes.txt").read_text() == "mine"
    assert page_in(deep).startswith("<!doctype html>")
    assert stat.S_IMODE((deep / "index.html").stat().st_mode) == 0o644, "for who publishes it too"


def test_a_page_that_cannot_be_written_is_an_error_and_leaves_what_was_there(
    told: Project, loom: Command
) -> None:
    (told.root / "site" / "index.html").mkdir(parents=True)
    (told.root / "taken").write_text("a file")
    for folder in ("site", "taken", "taken/below"):
        refused = loom("dashboard", "--out", folder, "--at", LATER, "--json", cwd=told.root)
        assert refused.exit_code == 2, refused
        assert folder.split("/")[0] in refused.json()["error"]["message"]
    assert [path.name for path in (told.root / "site").iterdir()] == ["index.html"]
    assert (told.root / "taken").read_text() == "a file"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ((), "--out"),
        (("--out", ""), "--out is empty"),
        (("--out", "site", "--days", "0"), "--days"),
        (("--out", "site", "--at", "yesterday"), "yesterday"),
    ],
)
def test_a_mistake_in_the_command_line_is_told_and_nothing_is_written(
    loom: Command, project: Project, asked: tuple[str, ...], says: str
) -> None:
    refused = loom("dashboard", *asked, "--json", cwd=project.root)
    assert refused.exit_code == 2, refused
    assert says in refused.json()["error"]["message"]
    assert not (project.root / "site").exists()


def test_a_broken_registry_is_told_and_the_page_before_stays(loom: Command, project: Project) -> None:
    (project.root / "site").mkdir()
    (project.root / "site" / "index.html").write_text("the page before")
    project.registry("version: 1\ntimezone: America/Chicagoo\nworkers: {}\n")
    refused = loom("dashboard", "--out", "site", cwd=project.root)
    assert refused.exit_code == 3, refused
    assert "America/Chicagoo" in refused.stderr
    assert page_in(project.root / "site") == "the page before"


def test_a_project_that_never_ran_has_a_page_and_gets_no_ledger_by_it(
    loom: Command, project: Project
) -> None:
    project.entries("""
        echo:
          schedule: "0 * * * *"
          entrypoint: workers.echo:run
        broken:
          schedule: "61 * * * *"
          entrypoint: workers.echo:run
    """)
    result = dashboard(loom, project)
    assert result.exit_code == 0, result
    data = data_of(page_in(project.root / "site"))
    assert {each["id"]: each["health"] for each in data["workers"]} == {"echo": "new", "broken": "broken"}
    assert "not '61'" in data["workers"][1]["why"][0]
    assert data["ticks"]["last_at"] is None
    assert not project.ledger.exists()
