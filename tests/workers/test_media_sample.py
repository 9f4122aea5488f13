"""The three media workers over the sample company, by the real command: guarded, redacted, recorded."""

import importlib
import shutil

import pytest

from tests.ground.command import Command
from tests.ground.project import Project
from tests.sample.planted import assert_found, planted
from tests.workers.media_sample import COMPANY, by_command


@pytest.mark.parametrize(
    ("worker_id", "checked"),
    [
        ("media-pre-production", "metrics.episodes_read"),
        ("media-post-production", "metrics.episodes_read"),
        ("media-linkedin-events", "events_checked"),
    ],
)
def test_by_the_real_command_the_sample_companys_faults_are_found_and_no_rule_changes_a_word(
    worker_id: str, checked: str, loom: Command, project: Project
) -> None:
    for name in ("episodes", "assets"):
        shutil.copytree(COMPANY / name, project.root / name)
    for name in ("calendar.ics", "events.yaml"):
        shutil.copyfile(COMPANY / name, project.root / name)
    before = {path: path.read_bytes() for path in (project.root / "assets").rglob("*") if path.is_file()}
    expect = f"{{non_empty: [summary], min: {{{checked}: 1}}}}"
    (ran,) = by_command(loom, project, worker_id, expect, "--force").json()["runs"]
    assert (ran["outcome"], ran["reason"]) == ("succeeded", None), ran
    module = importlib.import_module(f"workers.{worker_id.replace('-', '_')}")
    assert_found(module.Output.model_validate(ran["output"]), planted(worker_id), module.KINDS)
    after = {path: path.read_bytes() for path in (project.root / "assets").rglob("*") if path.is_file()}
    assert after == before
