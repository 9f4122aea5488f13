"""An explanation names the rule that decides and says, in the rule's own words, why."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from loom.domain.cron import parse_cron
from loom.domain.enforcement import GUARD, EnforcementContext
from loom.domain.explanation import Explanation, Says
from loom.domain.rules import HttpAllowance, HttpRule, LimitsRule
from loom.domain.schedule import Schedule
from loom.domain.worker import Isolation, Requires, Worker
from loom.enforcement.asking.explaining import explain
from loom.enforcement.asking.questions import FORMS, Questions
from loom.enforcement.judges.places import places_of
from loom.enforcement.reading.document import Document
from loom.enforcement.reading.loader import load
from loom.enforcement.reading.rules import read_rule
from loom.errors import UsageError
from tests.ground.shut import REPOSITORY

SHIPPED = load(REPOSITORY / "enforcement")
SENTINEL = Worker(
    id="sentinel",
    agent="Sentinel",
    schedule=Schedule("0 6 * * *", parse_cron("0 6 * * *"), "UTC"),
    entrypoint="workers.sentinel:run",
    requires=Requires(env=("HUBSPOT_ACCESS_TOKEN", "AWS_SECRET")),
)
RULES = """
drafts: {kind: files, applies_to: [sentinel], allow: {write: [drafts/**, $TMP/**]},
         deny: {write: [drafts/kept/**], read: [$HOME/.ssh/**]}}
tools: {kind: process, allow: {programs: [{program: sh, arguments: [[-c, -e], "**"]}], fork: true},
        deny: {programs: [cat], modules: [boto*]}}
database: {kind: sockets, applies_to: [media-*], allow: {connect: ["db.example.org:5432"]}}
local: {kind: sockets, allow: {connect: ["localhost:*"], listen: ["[::1]:8080"]}, deny: ["localhost:22"]}
tokens: {kind: secrets, applies_to: [media-*], allow: [AWS_*]}
calendar: {kind: http, hosts: [calendar.example.org, "[2001:db8::1]:8443"],
           allow: [{methods: [GET, POST], paths: [/days/*], https_only: true}]}
"""


def context() -> EnforcementContext:
    rules = []
    for name, said in yaml.safe_load(RULES).items():
        text = yaml.dump({"id": name, "why": f"That is {name}.", **said})
        document = Document(f"{name}.yaml", text.encode())
        rules.append(read_rule(document, name))
        assert document.problems == []
    hubspot = [rule for rule in SHIPPED.rules if rule.id == "hubspot-read-only"]
    return replace(SHIPPED, rules=(*hubspot, *(rule for rule in rules if rule is not None)))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    (project / "drafts").mkdir(parents=True)
    return project


def ask(project: Path, *words: str, rules: EnforcementContext | None = None) -> Explanation:
    questions = Questions(SENTINEL, places_of(project, os.environ))
    return explain(rules or context(), SENTINEL, questions, words)


@pytest.mark.parametrize(
    ("act", "allowed", "rule", "because"),
    [
        (
            "POST https://api.hubapi.com/crm/v3/objects/contacts",
            False,
            "hubspot-read-only",
            "it allows GET, HEAD alone",
        ),
        (
            "POST https://api.hubapi.com/crm/v3/objects/0-1/search",
            True,
            "hubspot-read-only",
            "GET, HEAD, POST",
        ),
        ("GET http://api.hubapi.com/crm", False, "hubspot-read-only", "it allows this by https alone"),
        ("get https://calendar.example.org/days/1?x=y", True, "calendar", "of this path it allows GET, POST"),
        ("GET https://calendar.example.org/nights", False, "calendar", "it allows nothing of this path"),
        ("POST https://[2001:db8::1]:8443/days/1", True, "calendar", "of this path it allows GET, POST"),
        ("GET https://example.org/", False, GUARD, ""),
        ("ftp ftp://example.org/", False, GUARD, ""),
        ("connect localhost:5432", True, "local", "its allow.connect has 'localhost:*'"),
        ("connect localhost:22", False, "local", "its deny has 'localhost:22'"),
        ("connect db.example.org:5432", False, GUARD, ""),
        ("listen [::1]:8080", True, "local", "its allow.listen has '[::1]:8080'"),
        ("listen localhost:8080", False, GUARD, ""),
        ("connect unix:/run/x.sock", False, GUARD, ""),
        ("look up localhost", True, "local", "its allow.connect has 'localhost:*'"),
        ("look up example.org", False, GUARD, ""),
        ("write drafts/letter to a friend.md", True, "drafts", "its allow.write has 'drafts/**'"),
        ("write drafts/kept/x", False, "drafts", "its deny.write has 'drafts/kept/**'"),
        ("write $TMP/x", True, "drafts", "its allow.write has '$TMP/**'"),
        ("write drafts/../x", False, GUARD, ""),
        ("write enforcement/rules/x.yaml", False, GUARD, ""),
        ("write .git/config", False, GUARD, ""),
        ("read anything", True, GUARD, ""),
        ("read ~/.ssh/id", False, "drafts", "its deny.read has '$HOME/.ssh/**'"),
        ("read $HOME/.ssh/id", False, "drafts", "its deny.read has '$HOME/.ssh/**'"),
        ("run sh -c 'echo two words'", True, "tools", "its allow.programs has 'sh'"),
        ("run sh script.sh", False, "tools", "not with these arguments"),
        ("run cat x", False, "tools", "its deny.programs has 'cat'"),
        ("run no-such-program", False, GUARD, ""),
        ("fork", True, "tools", "its allow.fork is true"),
        ("native", False, GUARD, ""),
        ("import boto3", False, "tools", "its deny.modules has 'boto*'"),
        ("import json", True, GUARD, ""),
        ("secret HUBSPOT_ACCESS_TOKEN", True, GUARD, ""),
        ("secret AWS_SECRET", False, "tokens", "it is for media-*"),
        ("secret OTHER", False, "worker-registry.yaml", ""),
    ],
)
def test_each_act_is_decided_by_the_rule_that_speaks_of_it(
    project: Path, act: str, allowed: bool, rule: str, because: str
) -> None:
    found = ask(project, act)
    assert (found.ruling.allowed, found.ruling.rule) == (allowed, rule)
    assert found.ruling.why
    deciding = [opinion for opinion in found.opinions if opinion.decides]
    if because:
        (opinion,) = deciding
        assert opinion.says is (Says.ALLOWS if allowed else Says.DENIES)
        assert because in opinion.because
    else:
        assert deciding == []


def test_rules_for_others_are_told_if_they_would_have_a_say(project: Path) -> None:
    found = ask(project, "connect db.example.org:5432")
    said = {opinion.rule: (opinion.applies, opinion.says) for opinion in found.opinions}
    assert said == {"local": (True, Says.DOES_NOT_FIT), "database": (False, Says.ALLOWS)}
    assert [opinion.rule for opinion in ask(project, "connect db.example.org:1").opinions] == ["local"]


def test_a_star_gives_way_to_the_rule_that_names_the_host(project: Path) -> None:
    anywhere = HttpRule(id="anywhere", why="W.", hosts=("*",), allow=(HttpAllowance(("POST",), ("/**",)),))
    rules = replace(context(), rules=(*context().rules, anywhere))
    found = ask(project, "POST https://api.hubapi.com/crm/v3/objects/contacts", rules=rules)
    (star,) = [opinion for opinion in found.opinions if opinion.rule == "anywhere"]
    assert star.says is Says.DOES_NOT_FIT
    assert star.because == "its '*' gives way to hubspot-read-only, which names the host"
    elsewhere = ask(project, "POST https://example.org/", rules=rules)
    assert elsewhere.ruling.rule == "anywhere"
    assert "an address that isn't public" in elsewhere.notes[0]


@pytest.mark.parametrize(
    ("act", "remedy"),
    [
        (
            "GET https://example.org/a/b",
            'hosts: ["example.org"]\nallow:\n  - methods: [GET]\n    paths: ["/a/b"]',
        ),
        (
            "GET https://example.org:8443/a%20b",
            'hosts: ["example.org:8443"]\nallow:\n  - methods: [GET]\n    paths: ["/**"]',
        ),
        ("connect db.example.org:5432", 'allow: {connect: ["db.example.org:5432"]}'),
        ("listen localhost:8080", 'allow: {listen: ["localhost:8080"]}'),
        ("look up db.example.org", 'allow: {connect: ["db.example.org:*"]}'),
        ("write out/x", 'allow: {write: ["out/x"]}'),
        ("write .", 'allow: {write: ["**"]}'),
        ("write /srv/x", 'allow: {write: ["/srv/x"]}'),
        ("write $HOME/x", 'allow: {write: ["$HOME/x"]}'),
        ("run ls *.py", 'allow: {programs: [{program: "ls", arguments: ["[*].py"]}]}'),
        ("run sh x", 'allow: {programs: [{program: "sh", arguments: ["x"]}]}'),
        ("native", "allow: {native: true}"),
        ("secret AWS_SECRET", 'allow: ["AWS_SECRET"]'),
    ],
)
def test_what_no_rule_denies_comes_with_the_rule_that_would_allow_it(
    project: Path, act: str, remedy: str
) -> None:
    found = ask(project, act)
    assert not found.ruling.allowed
    assert found.remedy.endswith(f"decides.\n{remedy}\n")


@pytest.mark.parametrize(
    "act",
    [
        "POST https://api.hubapi.com/crm/v3/objects/contacts",
        "connect localhost:22",
        "write drafts/kept/x",
        "write enforcement/x",
        "run cat x",
        "run no-such-program",
        "import boto3",
        "secret OTHER",
        "write drafts/x",
        "write out/\udcff",
    ],
)
def test_no_rule_is_proposed_where_none_would_help(project: Path, act: str) -> None:
    assert ask(project, act).remedy == ""


def test_a_proposed_rule_has_an_id_that_no_other_has(project: Path) -> None:
    taken = replace(context().rules[0], id="sentinel-files")
    rules = replace(context(), rules=(*context().rules, taken))
    assert ask(project, "write out/x", rules=rules).remedy.startswith("id: sentinel-files-2\n")


def test_a_path_is_judged_by_where_it_leads(project: Path, tmp_path: Path) -> None:
    (project / "drafts" / "out").symlink_to(tmp_path)
    found = ask(project, "write drafts/out/x")
    assert not found.ruling.allowed
    assert found.notes == (f"drafts/out/x leads to {tmp_path}/x, and that is what is judged",)


def test_a_worker_in_a_process_of_its_own_has_folders_of_its_own(project: Path) -> None:
    alone = replace(SENTINEL, isolation=Isolation.PROCESS)
    questions = Questions(alone, places_of(project, os.environ))
    assert "made for the run" in explain(context(), alone, questions, ["write $HOME/x"]).notes[0]
    assert explain(context(), alone, questions, ["write drafts/x"]).notes == ()
    assert ask(project, "write $HOME/x").notes == ()


def test_what_else_may_stop_a_request_is_noted(project: Path) -> None:
    limits = LimitsRule(id="few", why="W.", requests=5, findings=3)
    rules = replace(context(), rules=(*context().rules, limits))
    assert ask(project, "GET https://api.hubapi.com/x", rules=rules).notes == (
        "few allows one run 5 requests in all",
    )


def test_the_words_may_come_split_by_the_shell(project: Path) -> None:
    assert ask(project, "run", "sh", "-c", "echo two words").ruling.allowed
    assert ask(project, "look", "up", "localhost").ruling.allowed
    assert ask(project, "GET", "https://api.hubapi.com/x").ruling.allowed


@pytest.mark.parametrize(
    ("act", "message"),
    [
        ("", "say what act it is"),
        ("wirte x", "did you mean 'write'?"),
        ("jump", "expected one of 'connect', 'listen', 'look up', 'write'"),
        ("GET example.org/x", "write the whole address: GET https://example.org/x"),
        ("post", "write the whole address: POST https://"),
        ("GET https://exa mple.org/", "that is no address; a space in one is written %20"),
        ("GET https://", "that is no address"),
        ("GET https://[::1/", "that is no address"),
        ("GET https://example.org:port/", "that is no address"),
        ("connect db", "a place is written db.example.org:5432, [::1]:53 or unix:/run/service.sock"),
        ("connect db:port", "a place is written"),
        ("connect db:70000", "a place is written"),
        ("connect db:5432/x", "a place is written"),
        ("look up", "say what it is to look up"),
        ("write", "say what it is to write"),
        ("fork twice", "'fork' stands alone"),
        ("run sh -c 'x", "its quotes don't close"),
        ("run ''", "say which program"),
    ],
)
def test_what_is_no_act_is_refused_with_the_forms_there_are(project: Path, act: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        ask(project, act)
    assert message in str(caught.value)
    assert FORMS in str(caught.value)
