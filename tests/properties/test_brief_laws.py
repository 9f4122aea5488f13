"""Laws of a brief: every finding once, whoever ran first; and "all" is said only when nobody is needed."""

import re
from datetime import UTC, datetime
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from loom.brief.findings import compare, grouped, subject_key
from loom.brief.headline import headline
from loom.domain.brief import Need
from loom.domain.run import Outcome, Run, Trigger
from loom.report.gist import SEVERITIES, findings

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
SPELLINGS = [
    "", "?", "contact 1005 (Marcus Webb)", "Contact 1005 (Marcus Webb).", "docs/tone.md:6",
    "docs/tone.md:9:2", "DOCS/tone.md", "https://example.org/team", "https://example.org/Team/#people", "https://example.org:80",
]  # fmt: skip
SUBJECTS = st.sampled_from(SPELLINGS) | st.text(max_size=12)
FOUND = st.fixed_dictionaries(
    {"severity": st.sampled_from(SEVERITIES), "title": st.sampled_from("abc"), "subject": SUBJECTS}
)
OUTPUTS = st.lists(FOUND, max_size=8)


def run_of(worker: str, found: list[dict[str, str]]) -> Run:
    return Run(
        run_id=f"run-of-{worker}",
        worker=worker,
        agent=worker.upper(),
        slot=AT,
        trigger=Trigger.SCHEDULE,
        outcome=Outcome.SUCCEEDED,
        output={"summary": "s", "findings": found},
        tick_at=AT,
    )


@given(st.dictionaries(st.sampled_from(["crm", "mail", "site", "docs"]), OUTPUTS), st.randoms())
def test_every_finding_is_in_one_group_whatever_the_order_of_the_runs(
    outputs: dict[str, list[dict[str, str]]], random: Random
) -> None:
    runs = [run_of(worker, found) for worker, found in outputs.items()]
    groups = grouped(compare(run, None) for run in runs)
    told = [(each.worker, each.severity, each.title, each.subject) for g in groups for each in g.findings]
    given_ = [(run.worker, e.severity, e.title, e.subject) for run in runs for e in findings(run)]
    assert sorted(told) == sorted(given_)

    random.shuffle(runs)
    assert grouped(compare(run, None) for run in runs) == groups

    for group in groups:
        assert len({subject_key(each.subject) for each in group.findings}) == 1
        places = [SEVERITIES.index(each.severity) for each in group.findings]
        assert places == sorted(places)
        assert group.worst == SEVERITIES[min(places)]
        assert group.subject or len(group.workers) == 1, "what names no subject is its worker's alone"
    keys = [(subject_key(g.subject), g.subject or g.workers[0]) for g in groups]
    named = [key for key, _ in keys if key]
    assert len(set(named)) == len(named), "one subject, one group"
    ranks = [(SEVERITIES.index(g.worst), -len(g.workers), -len(g.findings)) for g in groups]
    assert ranks == sorted(ranks)


@given(OUTPUTS, OUTPUTS)
def test_what_is_new_and_what_is_gone_add_up(now: list[dict[str, str]], before: list[dict[str, str]]) -> None:
    compared = compare(run_of("crm", now), run_of("crm", before))
    new = sum(each.new for each in compared.findings)
    assert len(compared.findings) == len(now)
    assert 0 <= compared.gone <= len(before)
    # Whatever isn't gone is told still, if perhaps as worse, and then counted as new.
    assert new >= len(now) - (len(before) - compared.gone)
    again = compare(run_of("crm", now), run_of("crm", now))
    assert (sum(each.new for each in again.findings), again.gone) == (0, 0)
    assert all(each.new for each in compare(run_of("crm", now), None).findings)


@given(SUBJECTS, st.text(alphabet=" .,;:!?/", max_size=4), st.integers(0, 10**6))
def test_spelling_a_subject_in_another_way_makes_no_other_subject(
    subject: str, ending: str, line: int
) -> None:
    key = subject_key(subject)
    assert subject_key(key) == key
    assert subject_key(f"  {subject}{ending} ") == key or "#" in subject
    assert key == key.strip()
    if "://" not in subject:
        assert subject_key(f"{subject}:{line}") == key


def test_capitals_make_no_other_subject() -> None:
    for subject in SPELLINGS:
        assert subject_key(subject.upper()) == subject_key(subject)


def test_subjects_that_differ_stay_apart() -> None:
    apart = [
        "contact 1005", "contact 1006", "https://example.org:80", "https://example.org:81", "a.md", "b.md",
        "issue #12", "issue #13", "v1.2", "v1.3",
    ]  # fmt: skip
    assert len({subject_key(each) for each in apart}) == len(apart)


NEEDS = st.lists(
    st.builds(
        Need,
        kind=st.sampled_from(["setup", "ticks", "alerts", "down", "late"]),
        what=st.just("down"),
        do=st.just("look"),
        worker=st.none() | st.sampled_from(["crm", "mail", "docs"]),
        waits=st.booleans(),
    ),
    max_size=5,
)
HEALTH = st.just({"up": 3}) | st.dictionaries(
    st.sampled_from(["up", "new", "late", "down", "paused", "disabled", "broken"]), st.integers(0, 9)
)


@given(NEEDS, HEALTH, st.integers(0, 3), st.integers(0, 2), st.integers(0, 3), st.integers(0, 3))
def test_the_headline_says_all_only_when_nothing_needs_anybody(
    needs: list[Need], health: dict[str, int], runs: int, bad: int, critical: int, new: int
) -> None:
    said = headline(
        needs, health, runs=runs, bad=bad, since="yesterday", critical=critical, new=min(new, critical)
    )
    if re.search(r"\ball\b", said, re.IGNORECASE):
        assert needs == []
    if re.search(r"\bAll \d+ workers are up\b", said):
        assert not [name for name in ("new", "late", "down", "broken") if health.get(name)]
    if "all good" in said:
        assert bad == 0
    urgent = [need for need in needs if not need.waits]
    assert ("need" in said) == bool(urgent), said
    for name in {need.worker for need in urgent if need.worker}:
        assert name in said
    assert said.endswith(".")
