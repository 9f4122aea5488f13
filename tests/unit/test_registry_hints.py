"""A hint is a likely meaning that would be read, or it isn't given."""

from pathlib import Path
from zoneinfo import available_timezones

import pytest

from tests.unit.registry_project import GOOD, HEAD, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def mistake(project: Project, top: str) -> str:
    (found,) = project.whole_file_mistakes(f"{HEAD}{top}\nworkers:\n  echo: {GOOD}\n")
    return found


def zone_mistake(project: Project, zone: str) -> str:
    (found,) = project.whole_file_mistakes(f"version: 1\ntimezone: {zone}\nworkers: {{}}\n")
    return found.partition("timezone' > ")[2]


HOOK = "alerts:\n  - kind: command\n    command: {}"


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("x y", "[x, y]"),
        ("notify-send", "[notify-send]"),
        ("'notify-send \"a b\" -t 5'", '[notify-send, "a b", -t, "5"]'),
        ("notify, --all", '["notify,", --all]'),
        ("./tell {}", '[./tell, "{}"]'),
        ("\"tell 'it #1'\"", '[tell, "it #1"]'),
        ("/bin/echo null true ~ 1.5 << - x-", '[/bin/echo, "null", "true", "~", "1.5", "<<", "-", x-]'),
    ],
)
def test_a_command_in_one_line_is_shown_as_the_list_of_its_words_and_that_list_is_read(
    project: Project, written: str, hint: str
) -> None:
    assert mistake(project, HOOK.format(written)).endswith(f"; write {hint}")
    registry = project.load(f"{HEAD}{HOOK.format(hint)}\nworkers: {{}}\n")
    assert registry.hooks[0].kind == "command"


@pytest.mark.parametrize("written", ["null", "~", "", "5", "true", '"tell \'it"', "{a: b}"])
def test_what_is_no_text_or_has_no_words_gets_no_list_made_of_it(project: Project, written: str) -> None:
    found = mistake(project, HOOK.format(written))
    assert "expected a list, got" in found
    assert found.endswith("; write one item a line, each after '- '")


@pytest.mark.parametrize("written", ["null", "~", "", "stderr", "{kind: stderr}", "false"])
def test_alerts_that_are_no_list_get_no_hint_that_would_not_be_read(project: Project, written: str) -> None:
    found = mistake(project, f"alerts: {written}")
    assert found.endswith("; write one item a line, each after '- '")


@pytest.mark.parametrize(
    ("written", "hint"), [("TOKEN", "[TOKEN]"), ("ONE, TWO", "[ONE, TWO]"), ("ONE TWO", "[ONE, TWO]")]
)
def test_names_in_one_line_are_shown_as_a_list(project: Project, written: str, hint: str) -> None:
    (found,) = project.entry_mistakes(f"  echo: {GOOD[:-1]}, requires: {{env: '{written}'}}}}\n")
    assert found.endswith(f"; write {hint}")


def test_an_item_that_may_hold_spaces_stays_one(project: Project) -> None:
    text = "alerts:\n  - {kind: github-issue, labels: good first issue}"
    assert mistake(project, text).endswith('; write ["good first issue"]')


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("CST", "America/Chicago"),
        ("CDT", "America/Chicago"),
        ("cst", "America/Chicago"),
        ("est", "America/New_York"),
        ("EDT", "America/New_York"),
        ("mst", "America/Denver"),
        ("MDT", "America/Denver"),
        ("PST", "America/Los_Angeles"),
        ("PDT", "America/Los_Angeles"),
        ("Central", "America/Chicago"),
        ("Central Time", "America/Chicago"),
        ("US/central", "US/Central"),
        ("Eastern Standard Time", "America/New_York"),
        ("chicago", "America/Chicago"),
        ("America/Chigaco", "America/Chicago"),
        ("America/Chicgo", "America/Chicago"),
        ("america/new york", "America/New_York"),
        ("Los Angeles", "America/Los_Angeles"),
        ("Europe/Berln", "Europe/Berlin"),
        ("utc", "UTC"),
    ],
)
def test_a_zone_that_is_nearly_right_is_guessed(project: Project, written: str, meant: str) -> None:
    assert zone_mistake(project, written) == f"unknown time zone \"{written}\"; did you mean '{meant}'?"


def test_a_word_that_is_several_places_names_them_all(project: Project) -> None:
    assert zone_mistake(project, "West").endswith("; did you mean 'Australia/West' or 'Brazil/West'?")


@pytest.mark.parametrize(
    "written", ["IST", "BST", "XYZ", "CCT", "Mars/Olympus", "America", "Mordor", "../etc", "/etc/localtime"]
)
def test_a_zone_that_could_mean_anything_is_not_guessed(project: Project, written: str) -> None:
    assert zone_mistake(project, written) == (
        f'unknown time zone "{written}"; write an IANA name such as America/Chicago'
    )


@pytest.mark.parametrize("written", ["UTC-6", "GMT+2", "'-06:00'", "UTC+05:30", "GMT-0600"])
def test_a_distance_from_utc_is_not_a_zone(project: Project, written: str) -> None:
    # IANA's own Etc/GMT+2 is two hours behind UTC: a guess would turn the meaning round.
    found = zone_mistake(project, written)
    assert found.endswith(
        "; a distance from UTC knows no clock changes: write a place, such as America/Chicago"
    )


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("localtime", "is whatever zone a machine is set to"),
        ("posixrules", "is whatever zone a machine is set to"),
        ("Factory", "stands for a machine that was never set"),
        ("posix/America/Chicago", "isn't there on every machine; write America/Chicago"),
        ("right/America/Chicago", "counts leap seconds"),
        ("right/Nowhere", "counts leap seconds"),
    ],
)
def test_a_name_that_means_something_else_on_another_machine_is_refused_wherever_a_zone_may_stand(
    project: Project, written: str, reason: str
) -> None:
    assert reason in zone_mistake(project, written)
    (own,) = project.entry_mistakes(f"  echo: {GOOD[:-1]}, timezone: {written}}}\n")
    assert reason in own
    assert reason in mistake(project, f"tick: {{cron: '7 * * * *', timezone: {written}}}")


def test_every_zone_of_the_iana_database_but_those_is_taken(project: Project) -> None:
    zones = sorted(available_timezones() - {"localtime", "Factory"})
    entries = "".join(f"  w{n}: {GOOD[:-1]}, timezone: {zone}}}\n" for n, zone in enumerate(zones))
    registry = project.load_workers(entries)
    assert (len(registry.workers), registry.broken) == (len(zones), ())
