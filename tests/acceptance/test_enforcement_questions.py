"""`loom enforcement explain`, `show` and `diff`: a person asks what the rules say, said, and changed to."""

import json

import pytest

from tests.ground.branch import git
from tests.ground.command import Command, Result
from tests.ground.project import Project

AT = ("--at", "2026-11-20T12:10:00Z")
WEB = "enforcement/rules/web-read-only.yaml"
CONTACTS = "POST https://api.hubapi.com/crm/v3/objects/contacts"
WIDTHS = (60, 80, 100, 140)


@pytest.fixture
def kept(project: Project) -> Project:
    """A project under version control, with rules of every kind."""
    project.rule(
        "drafts",
        """
        id: drafts
        kind: files
        applies_to: [echo]
        why: Drafts are what it makes.
        allow: {write: [drafts/**]}
        deny: {write: [drafts/kept/**]}
        """,
    )
    project.rule("few", "id: few\nkind: limits\nwhy: No run needs more.\nrequests: 100\nfindings: 7\n")
    project.rule("fewer", "id: fewer\nkind: limits\nwhy: Nor more than this.\nrequests: 50\n")
    git(project.root, "init", "--quiet")
    commit(project, "the first rules")
    return project


def commit(project: Project, subject: str) -> str:
    git(project.root, "add", "enforcement")
    git(project.root, "commit", "--quiet", "-m", subject)
    return git(project.root, "rev-parse", "HEAD")


def loosen(loom: Command, project: Project) -> None:
    rule = project.root / WEB
    rule.write_text(rule.read_text().replace("[GET, HEAD]", "[GET, HEAD, POST]"))
    assert loom("enforcement", "seal", cwd=project.root).exit_code == 0


def ran(loom: Command, project: Project) -> str:
    """The id of a run of today."""
    done = loom("run", "--worker", "echo", "--json", cwd=project.root)
    assert done.exit_code == 0, done
    run_id: str = done.json()["runs"][0]["run_id"]
    return run_id


def test_explain_names_the_rule_that_decides_and_why(loom: Command, kept: Project) -> None:
    for worker in ("echo", "ECHO"):
        answer = loom("enforcement", "explain", worker, CONTACTS, cwd=kept.root)
        assert (answer.exit_code, answer.stderr) == (0, "")
        lines = answer.stdout.splitlines()
        assert lines[0] == f"✗ refused  {CONTACTS}"
        assert "by      hubspot-read-only" in answer.stdout
        assert "workers read it and never change it" in answer.stdout
        assert "of this path it allows GET, HEAD alone" in answer.stdout
        assert "change enforcement/rules/hubspot-read-only.yaml" in lines[-1]
    allowed = loom("enforcement", "explain", "echo", "write", "drafts/x", cwd=kept.root)
    assert allowed.stdout.startswith("✓ allowed  write drafts/x\n")


def test_explain_answers_in_json(loom: Command, kept: Project) -> None:
    told = loom("enforcement", "explain", "echo", CONTACTS, "--json", cwd=kept.root).json()
    rules = told.pop("rules")
    assert told == {
        "worker": "echo",
        "agent": "Echo",
        "act": CONTACTS,
        "allowed": False,
        "rule": "hubspot-read-only",
        "why": "not among what it allows. HubSpot is the team's record of its relationships; workers read it "
        "and never change it.",
        "notes": [],
        "remedy": None,
        "exit_code": 0,
    }
    (hubspot,) = [rule for rule in rules if rule["decides"]]
    assert hubspot == {
        "id": "hubspot-read-only",
        "kind": "http",
        "applies_to": ["*"],
        "applies": True,
        "decides": True,
        "says": "denies",
        "because": "of this path it allows GET, HEAD alone",
    }


def test_the_rule_that_is_proposed_allows_the_act_once_it_is_sealed(loom: Command, kept: Project) -> None:
    act = ("enforcement", "explain", "echo", "connect db.example.org:5432", "--json")
    remedy = loom(*act, cwd=kept.root).json()["remedy"]
    kept.rule("echo-sockets", remedy)
    told = loom(*act, cwd=kept.root).json()
    assert (told["allowed"], told["rule"]) == (True, "echo-sockets")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("echo", "jump high"), 2, "'jump high' names no act"),
        (("echo",), 2, "say what act it is"),
        (("echo", "connect [::1:53"), 2, "[::1]:53"),
        (("echo", "connect ::1:53"), 2, "[::1]:53"),
        (("ecko", "fork"), 2, "Did you mean echo?"),
    ],
)
def test_a_question_that_makes_no_sense_is_answered_with_those_that_do(
    loom: Command, kept: Project, words: tuple[str, ...], code: int, message: str
) -> None:
    refused = loom("enforcement", "explain", *words, cwd=kept.root)
    assert (refused.exit_code, refused.stdout) == (code, "")
    assert message in refused.stderr
    told = loom("enforcement", "explain", *words, "--json", cwd=kept.root).json()
    assert (told["error"]["kind"], told["exit_code"]) == ("usage", 2)


def test_nothing_is_explained_by_rules_that_are_broken(loom: Command, kept: Project) -> None:
    (kept.root / WEB).unlink()
    for words in (("explain", "echo", "fork"), ("show",)):
        refused = loom("enforcement", *words, cwd=kept.root)
        assert refused.exit_code == 3
        assert "web-read-only.yaml must be present" in refused.stderr


def test_show_lists_what_is_in_force_for_whom(loom: Command, kept: Project) -> None:
    whole = loom("enforcement", "show", "--json", cwd=kept.root).json()
    verified = loom("enforcement", "verify", "--json", cwd=kept.root).json()
    assert whole["digest"] == verified["digest"]
    assert [each["id"] for each in (*whole["rules"], *whole["guidance"])] == verified["rules"]
    echo = loom("enforcement", "show", "echo", "--json", cwd=kept.root).json()
    assert {"youtube-read-only"} <= {rule["id"] for rule in whole["rules"]}
    assert "youtube-read-only" not in {rule["id"] for rule in echo["rules"]}
    assert echo["limits"] == {
        "requests": {"rule": "fewer", "most": 50},
        "findings": {"rule": "few", "most": 7},
    }
    (drafts,) = [rule for rule in echo["rules"] if rule["id"] == "drafts"]
    assert drafts["says"] == ["may write drafts/**", "may not write drafts/kept/**"]
    assert len(drafts["sha256"]) == 64

    shown = loom("enforcement", "show", "echo", cwd=kept.root).stdout
    assert shown.startswith(f"In force for echo (Echo)  {whole['digest'][:19]}\n")
    assert "One run: at most 50 requests (fewer)" in shown
    assert "    may not write drafts/kept/**\n    why: Drafts are what it makes.\n" in shown
    assert "connect nowhere by itself" in shown


def test_show_takes_one_rule(loom: Command, kept: Project) -> None:
    shown = loom("enforcement", "show", "--rule", "drafts", cwd=kept.root)
    assert "may write drafts/**" in shown.stdout
    assert "hubspot" not in shown.stdout
    assert "302 words" not in loom("enforcement", "show", "--rule", "drafts", "--json", cwd=kept.root).stdout
    misspelt = loom("enforcement", "show", "--rule", "draft", cwd=kept.root)
    assert misspelt.exit_code == 2
    assert "Did you mean drafts?" in misspelt.stderr


@pytest.mark.own_clock
def test_an_old_run_is_shown_with_the_rules_it_ran_under(loom: Command, kept: Project) -> None:
    run_id = ran(loom, kept)
    asked = ("enforcement", "show", "--run", run_id)
    now = loom(*asked, "--json", cwd=kept.root).json()
    assert (now["run"]["in_force_now"], now["run"]["revision"]) == (True, None)
    assert "which are in force now" in loom(*asked, cwd=kept.root).stdout

    first = git(kept.root, "rev-parse", "HEAD")
    loosen(loom, kept)
    kept.rule("later", "id: later\nkind: limits\nwhy: Later.\nfindings: 1\n")
    commit(kept, "looser")
    then = loom(*asked, "--json", cwd=kept.root).json()
    assert then["digest"] == then["run"]["digest"] == now["digest"]
    assert then["run"]["in_force_now"] is False
    assert (then["run"]["revision"]["commit"], then["run"]["revision"]["subject"]) == (
        first,
        "the first rules",
    )
    assert then["rules"] == now["rules"]
    assert [each["id"] for each in (*then["rules"], *then["guidance"])] == then["run"]["rules"]
    shown = loom(*asked, cwd=kept.root).stdout
    assert f"in force no more: commit {first[:12]} of" in shown
    assert "later" not in shown

    (kept.root / WEB).unlink()
    assert loom(*asked, "--json", cwd=kept.root).json()["run"]["revision"]["commit"] == first


@pytest.mark.own_clock
def test_rules_that_were_never_committed_are_told_by_what_the_record_has(
    loom: Command, kept: Project
) -> None:
    loosen(loom, kept)
    run_id = ran(loom, kept)
    git(kept.root, "checkout", "--quiet", "enforcement")
    asked = ("enforcement", "show", "--run", run_id)
    shown = loom(*asked, cwd=kept.root)
    assert shown.exit_code == 0
    assert "never committed as they were then" in shown.stdout
    assert "hubspot-read-only" in shown.stdout
    told = loom(*asked, "--json", cwd=kept.root).json()
    assert told["rules"] is None
    assert told["run"]["revision"] is None
    assert "hubspot-read-only" in told["run"]["rules"]


def test_a_run_that_never_started_stood_under_no_rules(loom: Command, kept: Project) -> None:
    loosen(loom, kept)
    (kept.root / WEB).unlink()
    assert loom("run", *AT, cwd=kept.root).exit_code == 3
    (run,) = loom("history", "--json", cwd=kept.root).json()["runs"]
    shown = loom("enforcement", "show", "--run", run["run_id"], cwd=kept.root)
    assert shown.exit_code == 0
    assert "never started" in shown.stdout


def test_a_run_and_a_worker_are_not_asked_for_at_once(loom: Command, kept: Project) -> None:
    refused = loom("enforcement", "show", "echo", "--run", "12345678", cwd=kept.root)
    assert refused.exit_code == 2
    assert "leave WORKER or --run out" in refused.stderr
    unknown = loom("enforcement", "show", "--run", "12345678", cwd=kept.root)
    assert (unknown.exit_code, "loom history" in unknown.stderr) == (2, True)


def test_diff_shows_what_changed_in_words_and_in_lines(loom: Command, kept: Project) -> None:
    same = loom("enforcement", "diff", cwd=kept.root)
    assert "Nothing changed." in same.stdout
    loosen(loom, kept)
    kept.rule("later", "id: later\nkind: limits\nwhy: Later.\nfindings: 1\n")
    (kept.root / "enforcement/rules/fewer.yaml").unlink()
    manifest = kept.root / "enforcement/manifest.yaml"
    entry = [line for line in manifest.read_text().splitlines() if "fewer" in line]
    assert entry
    told = loom("enforcement", "diff", "HEAD", "--json", cwd=kept.root).json()
    changes = {change["file"]: change for change in told["changes"]}
    assert {file: change["change"] for file, change in changes.items()} == {
        "rules/fewer.yaml": "removed",
        "rules/later.yaml": "added",
        "rules/web-read-only.yaml": "changed",
        "manifest.yaml": "changed",
    }
    assert told["changes"][-1]["file"] == "manifest.yaml"
    web = changes["rules/web-read-only.yaml"]
    assert web["before"]["says"] == [
        "may GET and HEAD every path of any public host that no other rule names"
    ]
    assert web["now"]["says"] == [
        "may GET, HEAD and POST every path of any public host that no other rule names"
    ]
    assert "-  - methods: [GET, HEAD]\n+  - methods: [GET, HEAD, POST]\n" in web["diff"]
    assert (changes["rules/fewer.yaml"]["now"], changes["rules/later.yaml"]["before"]) == (None, None)
    assert told["revision"]["subject"] == "the first rules"
    # The folder isn't whole: its manifest names a rule that is gone.
    assert told["digest_now"] is None
    assert told["digest_before"].startswith("sha256:")
    assert "fewer.yaml must be present" in json.dumps(told["problems"])
    shown = loom("enforcement", "diff", cwd=kept.root)
    assert shown.exit_code == 0
    assert "  no more: may GET and HEAD every path" in shown.stdout
    assert "  now: may GET, HEAD and POST every path" in shown.stdout
    assert "removed rules/fewer.yaml" in shown.stdout
    assert "not whole now, so nothing runs: loom enforcement verify" in shown.stdout


def test_diff_reads_rules_that_nobody_can_read(loom: Command, kept: Project) -> None:
    kept.write(WEB, "id: [\n")
    kept.write("enforcement/notes.txt", "x")
    (kept.root / "enforcement/rules/few.yaml").write_bytes(b"\xff\x00\x1b[31m")
    shown = loom("enforcement", "diff", cwd=kept.root)
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert "it can't be read as a rule" in shown.stdout
    assert "not compared: enforcement/notes.txt: doesn't belong here" in shown.stdout
    assert "\x1b" not in shown.stdout
    whole = loom("enforcement", "diff", "--json", cwd=kept.root).json()
    assert "notes.txt" in json.dumps(whole["problems"])


def test_diff_shows_a_folder_that_is_gone(loom: Command, kept: Project) -> None:
    (kept.root / "enforcement").rename(kept.root / "elsewhere")
    told = loom("enforcement", "diff", "--json", cwd=kept.root).json()
    assert {change["change"] for change in told["changes"]} == {"removed"}
    assert len(told["changes"]) > 5


def test_diff_says_what_it_can_not_compare_with(loom: Command, kept: Project, project: Project) -> None:
    unknown = loom("enforcement", "diff", "nowhere", cwd=kept.root)
    assert (unknown.exit_code, "git log --oneline -- enforcement" in unknown.stderr) == (2, True)
    nothing = loom("enforcement", "diff", cwd=kept.root, env={"PATH": "/nowhere"})
    assert (nothing.exit_code, "git can't be started" in nothing.stderr) == (3, True)
    (kept.root / ".git").rename(kept.root / "not-git")
    none = loom("enforcement", "diff", cwd=kept.root)
    assert (none.exit_code, "isn't in a git repository" in none.stderr) == (3, True)


def test_however_narrow_the_terminal_ids_and_answers_stand_whole(loom: Command, kept: Project) -> None:
    loosen(loom, kept)
    rules = loom("enforcement", "show", "--json", cwd=kept.root).json()["rules"]
    for columns in WIDTHS:

        def seen(*words: str, columns: int = columns) -> list[str]:
            result: Result = loom.in_terminal(*words, columns=columns, rows=300, cwd=kept.root)
            assert result.exit_code == 0, result
            lines = result.stdout.splitlines()
            assert max(map(len, lines)) <= columns
            return lines

        shown = seen("enforcement", "show")
        for rule in rules:
            assert any(line.split()[:2] == [rule["id"], rule["kind"]] for line in shown), (columns, rule)
            assert " ".join(rule["says"]) in " ".join(" ".join(shown).split()), (columns, rule)
        explained = seen("enforcement", "explain", "echo", "GET https://example.org/")
        assert explained[0] == "✗ refused  GET https://example.org/"
        assert any(line.split()[:4] == ["–", "hubspot-read-only", "doesn't", "fit"] for line in explained)
        assert any(line.split()[:4] == ["·", "web-read-only", "would", "allow"] for line in explained)
        changed = seen("enforcement", "diff")
        assert "+  - methods: [GET, HEAD, POST]" in " ".join(changed)
