"""`loom brief`, through the real command: what a person should know in the morning, and nothing twice."""

import json
import re
import resource
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from loom.domain.pause import Pause
from loom.domain.tick import Mark
from loom.ledger.sqlite import SqliteLedger
from tests.contracts.ledger_entries import SIX, a_run
from tests.ground.branch import STATE, Remote
from tests.ground.command import Command, Result
from tests.ground.project import Project, build_project

FIRST, SECOND = "2026-11-20T12:20:00Z", "2026-11-21T12:20:00Z"
MORNING = "2026-11-21T14:02:00Z"
"""08:02 in Chicago, on the Saturday of the second tick."""

TEAM = """
    from loom.worker import Finding, PermanentError, Skip, WorkerContext, WorkerOutput

    def found(severity, subject, title, **more):
        return Finding(severity=severity, subject=subject, title=title, **more)

    def crm(context: WorkerContext) -> WorkerOutput:
        findings = [
            found("critical", "contact 1005 (Marcus Webb)", "Reply waiting", detail="Owner: Dana Fox.",
                  action="Dana Fox: answer him."),
            found("warning", "docs/tone.md:6", "Link leads nowhere"),
        ]
        if context.now.day == 20:
            findings.append(found("info", "contact 7", "Gone quiet"))
        else:
            findings.append(found("warning", "docs/tone.md:9", "Image leads nowhere"))
        return WorkerOutput(summary="47 contacts checked", findings=findings)

    def mail(context: WorkerContext) -> WorkerOutput:
        finding = found("warning", "Contact 1005 (Marcus Webb).", "Mail bounced", action="Ask for another.")
        return WorkerOutput(summary="12 mails read", findings=[finding])

    def crash(context: WorkerContext) -> WorkerOutput:
        raise PermanentError("401: the token was revoked")

    def flaky(context: WorkerContext) -> WorkerOutput:
        if context.now.day == 20:
            raise PermanentError("503 from the feed")
        return WorkerOutput(summary="the feed is read")

    def idle(context: WorkerContext) -> WorkerOutput:
        raise Skip("no new episode")
"""
ENTRIES = """
    crm: {agent: Sentinel, schedule: "0 6 * * *", entrypoint: "workers.team:crm"}
    mail: {agent: Post, schedule: "0 6 * * *", entrypoint: "workers.team:mail"}
    crash: {agent: Forge, schedule: "0 6 * * *", entrypoint: "workers.team:crash"}
    flaky: {schedule: "0 6 * * *", entrypoint: "workers.team:flaky"}
    idle: {schedule: "0 6 * * *", entrypoint: "workers.team:idle"}
    rested: {agent: Broadcast, schedule: "0 6 * * *", entrypoint: "workers.team:mail"}
    stopped: {schedule: "0 10 * * *", status: disabled, entrypoint: "workers.team:mail"}
    needy:
      schedule: "0 6 * * *"
      entrypoint: workers.team:mail
      requires: {env: [CRM_TOKEN]}
    typo: {schedule: "0 6 * *", entrypoint: "workers.team:mail"}
"""


GOOD = 'echo: {agent: Echo, schedule: "0 6 * * *", entrypoint: "workers.echo:run"}'


def tick(loom: Command, project: Project, at: str, **env: str) -> None:
    ticked = loom("run", "--at", at, "--project", project.root, env=env)
    assert "Traceback" not in ticked.stderr, ticked
    assert ticked.exit_code in (0, 1, 3, 4), ticked


def brief(loom: Command, project: Project, *arguments: str, at: str = MORNING, **env: str) -> Result:
    told = loom("brief", "--at", at, *arguments, "--project", project.root, env=env)
    assert told.exit_code == 0, told
    return told


@pytest.fixture
def lived(loom: Command, project: Project) -> Project:
    """Two mornings: some are good, one is down, one recovered, one skipped, one is paused by hand, one
    disabled, one lacks a secret, and one entry is broken."""
    project.worker("team", TEAM)
    project.entries(ENTRIES)
    tick(loom, project, FIRST)
    pause = Pause(
        worker="rested",
        by="ann",
        at=datetime(2026, 11, 20, 18, tzinfo=UTC),
        reason="the channel moves",
        until=datetime(2026, 11, 30, 14, tzinfo=UTC),
    )
    ledger = SqliteLedger(project.ledger)
    ledger.record([pause])
    ledger.close()
    tick(loom, project, SECOND)
    return project


def test_a_bad_morning_says_what_needs_whom_and_groups_what_was_found(loom: Command, lived: Project) -> None:
    answer = brief(loom, lived, "--json", "--peek").json()
    assert answer.keys() == {
        "at", "since", "covers", "timezone", "headline", "workers", "figures", "needs", "ran", "findings",
        "new", "gone", "coming", "paused", "notes", "exit_code",
    }  # fmt: skip
    assert (answer["at"], answer["since"]) == ("2026-11-21T08:02:00-06:00", "2026-11-20T08:02:00-06:00")
    assert answer["headline"] == (
        "3 of 7 workers need somebody: typo, crash, needy; 5 runs since yesterday 08:02, 3 bad outcomes. "
        "1 critical finding, none new."
    )
    needs = {need["worker"]: need for need in answer["needs"]}
    assert list(needs) == ["typo", "crash", "needy"]
    assert needs["crash"]["since"].startswith("2026-11-20T06:2")
    assert needs["crash"] | {"run_id": None, "do": None, "since": None} == {
        "kind": "down", "worker": "crash", "agent": "Forge", "whom": "Forge",
        "since": None, "what": "down: it failed, 2 times in a row",
        "says": "PermanentError: 401: the token was revoked (workers/team.py:23)",
        "do": None, "run_id": None, "waits": False,
    }  # fmt: skip
    assert re.fullmatch(r"loom show (\w{12}); once it is mended: loom retry \1", needs["crash"]["do"])
    assert "at key 'schedule'" in needs["typo"]["says"]
    assert needs["typo"]["whom"] == "whoever looks after Loom"
    assert needs["needy"]["says"] == "CRM_TOKEN is not set"

    ran = {each["worker"]: each for each in answer["ran"]}
    assert ran["crash"]["outcomes"] == {"failed": 1}
    assert ran["flaky"]["recovered_at"].startswith("2026-11-21T06:2")
    assert [name for name, each in ran.items() if each["recovered_at"]] == ["flaky"]
    assert (ran["idle"]["outcomes"], ran["idle"]["says"]) == ({"skipped": 1}, "no new episode")
    assert ran["needy"]["outcomes"] == {"missed": 1}

    first, second = answer["findings"]
    assert first["workers"] == ["crm", "mail"]
    assert [(each["title"], each["whom"], each["new"]) for each in first["findings"]] == [
        ("Reply waiting", "Dana Fox", False),
        ("Mail bounced", "Post", False),
    ]
    assert second["subject"] == "docs/tone.md"
    assert [(each["subject"], each["new"]) for each in second["findings"]] == [
        ("docs/tone.md:9", True),
        ("docs/tone.md:6", False),
    ]
    assert (answer["new"], answer["gone"]) == (1, 1)
    assert {each["worker"] for each in answer["coming"]} == {"crm", "mail", "crash", "flaky", "idle", "needy"}
    assert [(each["worker"], each["status"], each["by"]) for each in answer["paused"]] == [
        ("rested", "paused", "ann"),
        ("stopped", "disabled", None),
    ]
    assert answer["figures"]["span"] == {
        "slots_decided": 7, "slots_on_time": 6, "runs": 5, "runs_under_digest": 5, "bad_outcomes": 3,
        "bad_outcomes_delivered": 3,
    }  # fmt: skip


def test_the_same_morning_in_terminals_and_as_markdown(loom: Command, lived: Project) -> None:
    for columns in (60, 140):
        seen = loom.in_terminal(
            "brief", "--at", MORNING, "--peek", "--project", lived.root, columns=columns, rows=200
        )
        assert seen.exit_code == 0, seen
        lines = seen.stdout.splitlines()
        assert max(map(len, lines)) <= columns
        whole = " ".join(" ".join(lines).split())
        assert "→ Forge: loom show" in whole
        assert "CRM_TOKEN is not set" in whole
        assert "up again since today 06:2" in whole or columns < 80
        assert "paused by ann since yesterday 12:00, until Mon 30 Nov 08:00 CST: the channel moves" in whole
        assert "critical  contact 1005 (Marcus Webb)  Sentinel, Post" in lines
        assert "          new    :9 Image leads nowhere" in lines
        assert "          still  :6 Link leads nowhere" in lines
        assert lines.index("What needs whom") < lines.index("What happened")

    told = brief(loom, lived, "--format", "markdown", "--peek").stdout
    reader = MarkdownIt("gfm-like", {"linkify": False})
    kinds = [token.type for token in reader.parse(told)]
    assert kinds.count("heading_open") >= 5
    assert kinds.count("table_open") == 3
    assert "html_block" not in kinds
    page = reader.render(told)
    assert "<a " not in page
    assert "→ <strong>Forge</strong>: loom show" in page
    assert "<strong>contact 1005 (Marcus Webb)</strong> (Sentinel, Post)" in page


def test_a_quiet_night_is_one_sentence_and_fits_one_screen(loom: Command, project: Project) -> None:
    project.entries(GOOD)
    tick(loom, project, SECOND)
    project.write(".loom/brief.json", '{"read_up_to": "2026-11-20T14:02:00Z"}')
    told = brief(loom, project).stdout
    assert "\nThe one worker is up; 1 run since yesterday 08:02, all good.\n" in told
    assert "What needs whom" not in told
    assert " covers " not in told
    assert re.search(r"since then +1/1 +1/1 +none yet", told)
    assert re.search(r"^✓  echo  1 succeeded  .*hello from echo$", told, re.MULTILINE)
    assert re.search(r"^Sun 06:00  echo$", told, re.MULTILINE)
    assert len(told.splitlines()) < 20


def test_a_project_in_which_nothing_happened_yet_says_so(loom: Command, project: Project) -> None:
    told = brief(loom, project).stdout
    assert "0 of 1 worker is up, 1 has yet to run; nothing ran since yesterday 08:02." in told
    assert "No tick has come yet. Start one with: loom run" in told
    assert not project.ledger.exists()


def test_each_brief_goes_on_where_the_last_one_that_was_read_ended(loom: Command, project: Project) -> None:
    project.entries(GOOD)
    tick(loom, project, FIRST)
    mark = project.root / ".loom" / "brief.json"
    at = "2026-11-20T14:00:00Z"

    peeked = brief(loom, project, "--peek", at=at)
    assert "The first brief here: it covers the last 24 hours." in peeked.stdout
    assert not mark.exists()
    full = loom("brief", "--at", at, "--project", project.root, redirect=">/dev/full")
    assert full.exit_code == 4, full
    assert not mark.exists(), "nobody could read it"

    assert len(brief(loom, project, "--json", at=at).json()["ran"]) == 1
    # Not up to now: a tick that is waking records under the time at which it woke.
    assert json.loads(mark.read_text()) == {
        "read_up_to": "2026-11-20T12:20:00+00:00",
        "read_at": "2026-11-20T14:00:00+00:00",
        "open": [],
    }
    tick(loom, project, SECOND)
    later = brief(loom, project, "--json", "--peek").json()
    assert (later["since"], later["covers"]) == ("2026-11-20T06:20:00-06:00", None)
    assert [ran["outcomes"] for ran in later["ran"]] == [{"succeeded": 1}]
    # Less than what wasn't read yet: the rest isn't forgotten.
    assert brief(loom, project, "--since", "1h", "--json").json()["ran"] == []
    assert '"2026-11-20T12:20:00' in mark.read_text()
    twice = brief(loom, project, "--since", "2026-11-19T00:00:00Z", "--json").json()
    assert [ran["outcomes"] for ran in twice["ran"]] == [{"succeeded": 2}]
    assert '"read_up_to": "2026-11-21T12:2' in mark.read_text()
    again = brief(loom, project, at="2026-11-21T14:05:00Z").stdout
    assert "The last brief was 3 min ago. The whole day once more: loom brief --since 24h" in again
    assert "nothing ran since today 06:2" in again
    assert [file.name for file in mark.parent.iterdir() if file.name.startswith("brief")] == ["brief.json"]


def test_a_mark_that_cannot_be_written_leaves_the_brief_as_it_is(loom: Command, project: Project) -> None:
    (project.root / ".loom" / "brief.json").mkdir(parents=True)
    told = brief(loom, project)
    assert "brief.json is no plain file: this brief covers the last 24 hours." in told.stdout
    assert "can't be written" in told.stderr
    assert "the next brief covers this time again" in told.stderr


@pytest.mark.own_clock
def test_of_an_old_copy_of_the_state_branch_only_what_it_has_counts_as_read(
    loom: Command, tmp_path: Path
) -> None:
    remote = Remote(tmp_path)
    with closing(remote.ledger(remote.clone("runner"))) as runner:
        runner.record([a_run("run-0001", tick_at=SIX)])
        runner.claim([Mark("echo", SIX)], revision=runner.snapshot().revision)
    laptop = remote.clone("laptop")
    for path in build_project(tmp_path / "made").root.iterdir():
        path.rename(laptop / path.name)
    env, mark = {"LOOM_STATE_BRANCH": STATE}, laptop / ".loom" / "brief.json"
    assert loom("brief", "--offline", cwd=laptop, env=env).exit_code == 0
    assert not mark.exists(), "it was never fetched"
    assert loom("status", cwd=laptop, env=env).exit_code == 0
    fetched = datetime.now(UTC)
    assert loom("brief", "--offline", cwd=laptop, env=env).exit_code == 0
    assert datetime.fromisoformat(json.loads(mark.read_text())["read_up_to"]) <= fetched


def test_on_github_actions_nothing_is_remembered_and_no_worker_gives_orders(
    loom: Command, project: Project
) -> None:
    project.worker(
        "echo",
        """
        from loom.worker import Finding, WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            finding = Finding(severity="critical", title="##[error]now", subject="::error::now")
            return WorkerOutput(summary="::add-mask::x ##[group]", findings=[finding])
        """,
    )
    tick(loom, project, SECOND)
    for form in ("text", "markdown"):
        told = brief(loom, project, "--format", form, GITHUB_ACTIONS="true").stdout
        assert "GitHub Actions keeps no mark of the last brief" in told.replace("\\", "")
        assert "##[" not in told
        assert not re.search(r"^\s*::", told, re.MULTILINE)
    assert not (project.root / ".loom" / "brief.json").exists()


def test_what_makes_no_sense_is_refused(loom: Command, project: Project) -> None:
    for arguments, says in (
        (("--since", "90"), "--since '90' is no time: write how long ago"),
        (("--since", "2026-11-22T00:00:00Z"), "lies ahead"),
        (("--at", "2126-11-22T00:00:00Z"), "lies ahead"),
        (("--json", "--format", "markdown"), "can only be one of them"),
    ):
        refused = loom("brief", "--at", MORNING, *arguments, "--project", project.root)
        assert refused.exit_code == 2, refused
        assert says in refused.stderr


def test_a_registry_that_cannot_be_read_leaves_nothing_to_tell(loom: Command, project: Project) -> None:
    project.registry("version: 7\n")
    refused = loom("brief", "--json", "--project", project.root)
    assert refused.exit_code == 3, refused
    assert refused.json()["error"]["kind"] == "registry"
    assert not (project.root / ".loom").exists()


def test_an_alert_that_reaches_nobody_is_what_comes_first(loom: Command, project: Project) -> None:
    project.entries('echo: {schedule: "0 6 * *", entrypoint: "workers.echo:run"}')
    registry = project.root / "worker-registry.yaml"
    registry.write_text(registry.read_text().replace("{kind: stderr}", "{kind: webhook, url_env: HOOK_URL}"))
    tick(loom, project, SECOND, HOOK_URL="http://127.0.0.1:9/alerts")
    answer = brief(loom, project, "--json").json()
    undelivered, broken = answer["needs"]
    assert undelivered["what"] == "1 alert not delivered by webhook"
    assert "Connection refused" in undelivered["says"]
    assert undelivered["says"].endswith("registry.broken of echo")
    assert (broken["worker"], broken["since"][:15]) == ("echo", "2026-11-21T06:2")
    assert answer["headline"].startswith(
        "Loom itself needs somebody: 1 alert not delivered by webhook. 1 of 1 worker needs somebody: echo; "
    )


def test_ticks_that_stay_away_are_told_with_the_slots_they_left(loom: Command, project: Project) -> None:
    tick(loom, project, "2026-11-21T06:20:00Z")
    soon = brief(loom, project, "--json", "--peek", at="2026-11-21T08:30:00Z").json()
    assert soon["needs"] == [], "one that comes late is no news"
    answer = brief(loom, project, "--json", "--peek").json()
    (need,) = answer["needs"]
    assert need["kind"] == "ticks"
    assert need["what"] == "no tick has come since Sat 21 Nov 00:20 CST"
    assert need["says"] == "7 ticks didn't come, and 5 slots nobody has decided"
    assert answer["ran"][0]["silent"] == 5
    assert answer["headline"].startswith("Loom itself needs somebody: no tick has come since")
    assert "all" not in answer["headline"].lower().split()


def test_a_broken_enforcement_context_is_one_need_whatever_it_holds(loom: Command, project: Project) -> None:
    project.entries(f'{GOOD}\nsecond: {{schedule: "0 6 * * *", entrypoint: "workers.echo:run"}}')
    project.write("enforcement/rules/stray.yaml", "id: stray\n")
    tick(loom, project, SECOND)
    (need,) = brief(loom, project, "--json").json()["needs"]
    assert (need["kind"], need["worker"]) == ("setup", None)
    assert need["what"] == "the enforcement context is broken; it holds 2 workers"
    assert "loom enforcement verify" in need["do"]


def test_a_slot_in_a_clock_change_is_told_the_day_before(loom: Command, project: Project) -> None:
    project.entries('early: {schedule: "30 2 * * *", entrypoint: "workers.echo:run"}')
    told = brief(loom, project, at="2026-03-07T14:00:00Z").stdout
    assert re.search(r"^Sun 03:00  early$", told, re.MULTILINE)
    assert "the clock leaves out 02:30 that day, so this slot comes at 03:00" in told


def test_runs_by_hand_and_the_same_worker_twice_double_nothing(loom: Command, project: Project) -> None:
    project.worker("team", TEAM)
    project.entries('crm: {schedule: "0 6 * * *", entrypoint: "workers.team:crm"}')
    tick(loom, project, SECOND)
    by_hand = ("run", "--worker", "crm", "--at", "2026-11-21T13:00:00Z", "--project", project.root)
    assert loom(*by_hand).exit_code == 0
    answer = brief(loom, project, "--json").json()
    assert (answer["ran"][0]["outcomes"], answer["ran"][0]["by_hand"]) == ({"succeeded": 2}, 1)
    assert sum(len(group["findings"]) for group in answer["findings"]) == 3
    assert answer["new"] == 0, "the run before told the same"


HOSTILE = """
    from loom.worker import Finding, WorkerContext, WorkerOutput

    TEXT = (
        "[bold]x[/] <script>alert(1)</script> @all #12 https://example.org/ | a \\x1b[31m\\x9b \\u202edrow "
        "`code` **b** ![i](u)\\n## head\\r::error::now"
    )

    def run(context: WorkerContext) -> WorkerOutput:
        many = [
            Finding(severity="warning", title=f"{number} {TEXT}", subject=f"{number % 4000} {TEXT[:20]}")
            for number in range(10_000)
        ]
        subject = "/" * 200_000 + ":1" * 50_000
        huge = Finding(severity="critical", title=TEXT * 100, action=TEXT, subject=subject)
        return WorkerOutput(summary=TEXT, findings=[*many, huge])
"""


def test_hostile_texts_and_ten_thousand_findings_break_nothing_and_take_no_time(
    loom: Command, project: Project
) -> None:
    project.worker("echo", HOSTILE)
    tick(loom, project, SECOND)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    seen = loom.in_terminal(
        "brief", "--at", MORNING, "--peek", "--project", project.root, columns=80, rows=200
    )
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - spent < 5
    assert seen.exit_code == 0, seen
    assert len(seen.stdout.splitlines()) < 60
    assert max(map(len, seen.stdout.splitlines())) <= 80
    coloured = re.sub(r"\x1b\[[0-9;]*m", "", seen.raw)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", coloured.replace("\r\n", "\n"))
    assert "[bold]x[/]" in seen.stdout

    markdown = brief(loom, project, "--format", "markdown", "--peek").stdout
    assert len(markdown.encode()) < 60_000
    page = MarkdownIt("gfm-like", {"linkify": False}).render(markdown)
    assert not re.search(r"<(script|a|img|code>code|h2>head)", page)
    assert not re.search(r"(?<!\w)@all|#12", page)

    answer = brief(loom, project, "--json", "--peek").json()
    assert sum(len(group["findings"]) for group in answer["findings"]) == 10_001
