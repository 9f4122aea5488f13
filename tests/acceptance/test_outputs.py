"""What must not leave in an output, by the real command."""

from tests.ground.command import Command
from tests.ground.project import Project
from tests.ground.secrets import TOKENS

AT = ("--at", "2026-11-20T12:10:00Z")


def test_what_was_redacted_is_recorded_with_its_number_and_places(loom: Command, project: Project) -> None:
    project.worker(
        "echo",
        """
        from loom.worker import Finding, WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            found = Finding(severity="info", title="two", detail="a@example.org, b@example.org")
            return WorkerOutput(summary="call +1 312 555 0142", findings=[found, found])
        """,
    )
    (run,) = loom("run", *AT, "--json", cwd=project.root).json()["runs"]
    assert run["outcome"] == "succeeded", run
    assert run["reason"] == "redacted: phone number (1 in summary), mail address (4 in findings.*.detail)"
    assert run["output"]["summary"] == "call [phone number redacted]"
    assert "+patterns:" in run["enforcement_digest"]
    assert "mail address (4 in findings.*.detail)" in loom("show", run["run_id"], cwd=project.root).stdout


def test_a_token_in_an_output_blocks_the_run_and_no_part_of_it_is_kept(
    loom: Command, project: Project
) -> None:
    secret = next(secret for use, _, secret in TOKENS if use == "anthropic-key")
    project.worker(
        "echo",
        f"""
        from loom.worker import Finding, WorkerContext, WorkerOutput

        TOKEN = "".join({[*secret]!r})

        def run(context: WorkerContext) -> WorkerOutput:
            context.log.info(f"asked with {{TOKEN}}")
            found = [Finding(severity="info", title="a", detail=f"Authorization: Bearer {{TOKEN}}, 401")]
            return WorkerOutput(summary="1 request", findings=found)
        """,
    )
    ran = loom("run", *AT, "--json", cwd=project.root)
    (run,) = ran.json()["runs"]
    assert run["outcome"] == "blocked", run
    assert run["error"]["kind"] == "no-secrets-in-outputs"
    shown = loom("show", run["run_id"], cwd=project.root)
    assert "Authorization: Bearer [Anthropic key redacted], 401" in " ".join(shown.stdout.split())
    kept = [file.read_bytes() for file in (project.root / ".loom").rglob("*") if file.is_file()]
    for text in (ran.stdout, ran.stderr, shown.stdout, shown.stderr, *map(repr, kept)):
        assert not [part for part in (secret[:30], secret[30:60], secret[-30:]) if part in text]
