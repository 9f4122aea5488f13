"""`loom enforcement`: what is in force, and changing it on purpose."""

import hashlib

from tests.ground.command import Command
from tests.ground.project import Project

AT = ("--at", "2026-11-20T12:10:00Z")
WEB = "enforcement/rules/web-read-only.yaml"


def test_a_folder_as_it_ships_is_whole_and_sealed(loom: Command, project: Project) -> None:
    for words in (("verify",), ("seal", "--check"), ("seal",)):
        answer = loom("enforcement", *words, cwd=project.root)
        assert (answer.exit_code, answer.stderr) == (0, ""), answer
    verified = loom("enforcement", "verify", "--json", "--project", project.root).json()
    assert verified["problems"] == []
    assert verified["exit_code"] == 0
    assert verified["digest"].startswith("sha256:")
    assert {"hubspot-read-only", "honesty"} <= set(verified["rules"])


def test_whoever_edits_a_rule_is_stopped_sees_why_and_seals_it_on_purpose(
    loom: Command, project: Project
) -> None:
    rule = project.root / WEB
    old = hashlib.sha256(rule.read_bytes()).hexdigest()
    rule.write_text(rule.read_text() + "# looser\n")
    new = hashlib.sha256(rule.read_bytes()).hexdigest()

    blocked = loom("run", *AT, "--json", cwd=project.root)
    assert blocked.exit_code == 3
    assert [run["outcome"] for run in blocked.json()["runs"]] == ["blocked"]
    assert [alert["event"] for alert in blocked.json()["alerts"]] == ["enforcement.broken"]
    assert "rules/web-read-only.yaml was altered" in blocked.stderr
    checked = loom("check", cwd=project.root)
    assert checked.exit_code == 3
    assert f"{{id: web-read-only, sha256: {new}}}" in " ".join(checked.stdout.split())
    assert "loom enforcement" in checked.stdout

    manifest = project.root / "enforcement" / "manifest.yaml"
    before = manifest.read_text()
    verified = loom("enforcement", "verify", cwd=project.root)
    assert verified.exit_code == 3
    assert f"sha256: {new}" in verified.stdout
    asked = loom("enforcement", "seal", "--check", cwd=project.root)
    assert asked.exit_code == 3
    assert "rules/web-read-only.yaml" in asked.stdout
    assert manifest.read_text() == before

    sealed = loom("enforcement", "seal", cwd=project.root)
    assert sealed.exit_code == 0, sealed
    assert "rules/web-read-only.yaml" in sealed.stdout
    assert manifest.read_text() == before.replace(old, new)
    assert loom("enforcement", "seal", "--check", cwd=project.root).exit_code == 0
    whole = loom("run", "--at", "2026-11-20T12:50:00Z", "--json", cwd=project.root)
    assert whole.exit_code == 0, whole
    assert [run["outcome"] for run in whole.json()["runs"]] == ["succeeded"]


def test_seal_says_in_json_what_it_changes(loom: Command, project: Project) -> None:
    rule = project.root / WEB
    old = hashlib.sha256(rule.read_bytes()).hexdigest()
    rule.write_text(rule.read_text() + "# looser\n")
    new = hashlib.sha256(rule.read_bytes()).hexdigest()
    change = {"file": "rules/web-read-only.yaml", "before": old, "now": new}
    asked = loom("enforcement", "seal", "--check", "--json", cwd=project.root)
    assert asked.json() == {"sealed": False, "changes": [change], "problems": [], "exit_code": 3}
    sealed = loom("enforcement", "seal", "--json", cwd=project.root)
    assert sealed.json() == {"sealed": True, "changes": [change], "problems": [], "exit_code": 0}


def test_every_mistake_is_listed_and_sealing_hides_none(loom: Command, project: Project) -> None:
    project.write("enforcement/rules/stray.yaml", "id: stray\n")
    rule = project.root / WEB
    rule.write_text(rule.read_text().replace("kind: http", "kind: htpp"))
    verified = loom("enforcement", "verify", "--json", cwd=project.root)
    assert verified.exit_code == 3
    told = verified.json()
    assert told["exit_code"] == 3
    assert [problem["file"] for problem in told["problems"]].count("enforcement/rules/stray.yaml") >= 2
    assert all(problem["message"] for problem in told["problems"])
    listed = loom("enforcement", "verify", cwd=project.root)
    assert len(listed.stdout.splitlines()) == len(told["problems"]) + 1

    sealed = loom("enforcement", "seal", cwd=project.root)
    assert sealed.exit_code == 3
    assert "rules/web-read-only.yaml" in sealed.stdout
    assert "unknown kind 'htpp'" in sealed.stdout
    assert "rules/stray.yaml" in sealed.stdout


def test_what_can_not_be_sealed_is_said(loom: Command, project: Project) -> None:
    (project.root / WEB).unlink()
    for words in (("seal",), ("seal", "--check")):
        refused = loom("enforcement", *words, cwd=project.root)
        assert refused.exit_code == 3
        assert "rules/web-read-only.yaml must be present" in refused.stdout
        assert "Traceback" not in refused.stderr
    (project.root / "enforcement" / "manifest.yaml").unlink()
    told = loom("enforcement", "seal", "--json", cwd=project.root)
    assert told.exit_code == 3
    assert "is missing" in told.json()["problems"][0]["message"]


def test_a_new_rule_is_named_and_then_sealed(loom: Command, project: Project) -> None:
    project.write(
        "enforcement/rules/no-codenames.yaml",
        """
        id: no-codenames
        kind: output
        why: Codenames stay inside.
        action: redact
        patterns: [{name: codename, pattern: 'Project X+'}]
        """,
    )
    assert loom("run", *AT, cwd=project.root).exit_code == 3
    manifest = project.root / "enforcement" / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("rules:\n", "rules:\n  - no-codenames\n"))
    assert loom("enforcement", "seal", cwd=project.root).exit_code == 0
    assert "no-codenames" in loom("enforcement", "verify", cwd=project.root).stdout


def test_a_starter_project_is_sealed(loom: Command, project: Project) -> None:
    assert loom("init", "fresh").exit_code == 0
    fresh = project.root.parent / "fresh"
    assert loom("enforcement", "verify", cwd=fresh).exit_code == 0
    assert loom("enforcement", "seal", "--check", cwd=fresh).exit_code == 0
