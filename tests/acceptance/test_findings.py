"""What a run found, as a person reads it: what, where, why, and what to do about it."""

import re
from pathlib import Path

import pytest

from tests.ground.command import Command
from tests.ground.project import Project

FINDER = """
    from loom.worker import Finding, WorkerContext, WorkerOutput

    class Output(WorkerOutput):
        documents_checked: int

    def run(context: WorkerContext) -> Output:
        found = [
            Finding(
                severity=("info", "info", "warning", "warning", "critical")[number % 5],
                title=f"Link leads nowhere: ../guides/recording-{number}.md",
                subject=f"handbook/onboarding/week-{number}.md:{number}",
                detail="It was moved to `guides/setup.md` in commit 1234567. " * 3,
                action=f"Name `guides/setup.md` instead, or take mention {number} out.",
                url=f"https://example.org/{number}",
            )
            for number in range(50)
        ]
        return Output(summary="120 checked", findings=found, documents_checked=120)
"""


@pytest.fixture
def finder(project: Project) -> Project:
    project.worker("echo", FINDER)
    return project


@pytest.mark.parametrize("columns", [80, 140])
def test_fifty_findings_are_clear_at_a_glance(loom: Command, finder: Project, columns: int) -> None:
    ran = loom.in_terminal("run", "--worker", "echo", cwd=finder.root, columns=columns, rows=200)
    assert ran.exit_code == 0, str(ran)
    assert ran.stdout.count("→ Name `guides/setup.md` instead") == 8
    assert "and 42 more findings: loom show" in ran.stdout
    (id_,) = re.findall(r"loom show (\w+)", ran.stdout)
    shown = loom.in_terminal("show", id_, cwd=finder.root, columns=columns, rows=600)
    lines = [line.rstrip() for line in shown.stdout.splitlines()]
    first = lines.index("50 findings  10 critical, 20 warning, 20 info")
    last = lines.index("output")
    begins = [line.split()[0] for line in lines[first + 1 : last] if line and not line.startswith(" " * 12)]
    assert begins == ["critical"] * 10 + ["warning"] * 20 + ["info"] * 20, (
        "the worst first, nothing at the edge"
    )
    assert sum(line.strip().startswith("→ Name") for line in lines) == 50
    assert sum(line.strip().startswith("https://example.org/") for line in lines) == 50
    assert max(map(len, lines)) <= columns


def test_what_to_do_about_a_finding_is_in_json_in_a_log_and_in_the_summary_of_a_job(
    loom: Command, finder: Project, tmp_path: Path
) -> None:
    summary = tmp_path / "summary.md"
    summary.touch()
    todo = "Name `guides/setup.md` instead, or take mention 4 out."
    ran = loom("run", "--worker", "echo", "--json", cwd=finder.root)
    assert ran.json()["runs"][0]["output"]["findings"][4]["action"] == todo
    actions = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    assert f"→ {todo}" in loom("run", "--worker", "echo", cwd=finder.root, env=actions).stdout
    assert "→ Name \\`guides\\/setup\\.md\\` instead\\, or take mention 4 out\\." in summary.read_text()


def test_rules_and_masks_see_what_to_do_as_they_see_the_rest(loom: Command, project: Project) -> None:
    project.entries(
        """
        echo:
          schedule: "0 * * * *"
          entrypoint: workers.echo:run
          requires: {env: [CRM_TOKEN]}
        """
    )
    project.worker(
        "echo",
        """
        from loom.worker import Finding, WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            action = f"mail ann@example.org, log in with {context.secret('CRM_TOKEN')} \\x1b[31m" + "x" * 999
            return WorkerOutput(summary="s", findings=[Finding(severity="info", title="t", action=action)])
        """,
    )
    value = "swordfish-4711-value-of-the-token"
    ran = loom("run", "--worker", "echo", cwd=project.root, env={"CRM_TOKEN": value})
    assert "→ mail [mail address redacted], log in with *** [31mxxx" in ran.stdout
    assert "x" * 400 not in ran.stdout
    in_full = loom("history", "--json", cwd=project.root).stdout
    for told in (ran.stdout, ran.stderr, in_full):
        assert value not in told
        assert "ann@example.org" not in told
        assert "\x1b" not in told
