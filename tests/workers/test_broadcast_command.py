"""Both of Broadcast's workers by the real command: under the guard, with the registry's own expectations."""

import shutil
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from loom.sample.exchange import StandIn, serving
from loom.sample.site import Site
from loom.sample.youtube import Records, YouTube
from tests.ground.command import Command, Result
from tests.ground.project import Project
from tests.ground.shut import REPOSITORY
from tests.sample.planted import differences, planted
from tests.workers.broadcast_ground import COMPANY, company_serving

AT = "2026-06-15T14:00:00Z"
KEY = "a-key-" + "of-nobody"
WORKERS = ("media-distribution", "media-youtube-comments")


@pytest.fixture
def company(project: Project) -> Project:
    """The sample company's episodes, the real workers, the repository's rules."""
    shutil.rmtree(project.root / "workers")
    shutil.copytree(
        REPOSITORY / "workers", project.root / "workers", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(COMPANY / "episodes", project.root / "episodes")
    return project


def enter(company: Project, base: str, settings: Mapping[str, Mapping[str, Any]]) -> None:
    """The workers' entries are the repository's own, but for their settings."""
    own = yaml.safe_load((REPOSITORY / "worker-registry.yaml").read_text(encoding="utf-8"))["workers"]
    entries = {
        name: {**own[name], "settings": dict(settings[name]), "requires": {"env": ["YOUTUBE_API_KEY"]}}
        for name in settings
    }
    company.entries(yaml.safe_dump(entries))


def grant(company: Project, base: str) -> None:
    company.rule(
        "stand-ins",
        f"""
        id: stand-ins
        kind: http
        why: The company's services stand on this machine.
        hosts: ["{base.removeprefix("http://")}"]
        allow: [{{methods: [GET, HEAD], paths: ["/**"]}}]
        """,
    )


def run_both(loom: Command, company: Project, *more: str) -> Result:
    named = [word for name in WORKERS for word in ("--worker", name)]
    return loom("run", *named, "--at", AT, "--json", *more, cwd=company.root, env={"YOUTUBE_API_KEY": KEY})


def test_both_do_their_work_under_the_guard_and_no_key_gets_out(loom: Command, company: Project) -> None:
    with company_serving() as base:
        grant(company, base)
        lists = {name: planted(name, base=base) for name in WORKERS}
        enter(company, base, {name: sample.settings for name, sample in lists.items()})
        ran = run_both(loom, company)
    runs = {run["worker"]: run for run in ran.json()["runs"]}
    assert {name: runs[name]["outcome"] for name in WORKERS} == dict.fromkeys(WORKERS, "succeeded"), ran
    for name, sample in lists.items():
        assert differences(sample, runs[name]["output"]["findings"]) == []
    assert KEY not in ran.stdout + ran.stderr
    kept = b"".join(file.read_bytes() for file in (company.root / ".loom").rglob("*") if file.is_file())
    assert KEY.encode() not in kept


def test_without_a_rule_for_the_host_both_are_blocked(loom: Command, company: Project) -> None:
    with company_serving() as base:
        enter(company, base, {name: planted(name, base=base).settings for name in WORKERS})
        ran = run_both(loom, company)
    assert {run["outcome"] for run in ran.json()["runs"]} == {"blocked"}, ran


def test_zero_channels_and_zero_videos_break_what_the_registry_expects(
    loom: Command, company: Project
) -> None:
    stand_ins: Mapping[str, StandIn] = {
        "": Site(company.root / "nothing"),
        "/youtube": YouTube(records=Records()),
    }
    with serving(stand_ins) as base:
        grant(company, base)
        settings = {
            "media-distribution": {"feed": f"{base}/second-take.rss"},
            "media-youtube-comments": {"api": f"{base}/youtube"},
        }
        enter(company, base, settings)
        ran = run_both(loom, company)
    runs = {run["worker"]: run for run in ran.json()["runs"]}
    assert {run["outcome"] for run in runs.values()} == {"invalid"}, ran
    assert "channels_checked" in str(runs["media-distribution"]["error"])
    assert "videos_checked" in str(runs["media-youtube-comments"]["error"])


def test_without_the_key_the_run_names_it_and_asks_nothing(loom: Command, company: Project) -> None:
    enter(company, "", {"media-youtube-comments": {"videos": ["video01"]}})
    ran = loom("run", "--worker", "media-youtube-comments", "--at", AT, "--json", cwd=company.root)
    (run,) = ran.json()["runs"]
    assert run["outcome"] != "succeeded"
    assert "YOUTUBE_API_KEY" in str(run)
