"""Which texts are alike, which directives contradict each other: the rules of these shared sources."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz

from workers.sources.directives import contradictions, read_directives, speaks_against
from workers.sources.similarity import alike, numbers, words

SOME = st.lists(st.text(alphabet="ab cé.X1", max_size=12), max_size=12)


@given(SOME)
def test_groups_share_no_text_and_each_is_alike_to_its_first(texts: list[str]) -> None:
    groups = alike(texts, threshold=80)
    members = [number for group in groups for number in group]
    assert len(members) == len(set(members))
    for group in groups:
        assert list(group) == sorted(group)
        first, *others = (" ".join(sorted(words(texts[number]))) for number in group)
        assert all(fuzz.ratio(first, other) >= 80 for other in others)


@given(SOME, st.randoms())
def test_the_same_words_in_any_order_and_spelling_are_always_one_group(
    texts: list[str], chance: random.Random
) -> None:
    said = [text for text in texts if words(text)]
    turned = []
    for text in said:
        shuffled = words(text)
        chance.shuffle(shuffled)
        turned.append(" ".join(shuffled).upper() + "!")
    group_of = {number: group for group in alike([*said, *turned], threshold=100) for number in group}
    for number in range(len(said)):
        assert group_of[number] == group_of[number + len(said)]


def test_texts_kept_apart_are_never_grouped() -> None:
    texts = ["Episode 1 is late", "Episode 2 is late", "Episode 1 is late!"]
    assert alike(texts, threshold=50, apart=[numbers(text) for text in texts]) == [(0, 2)]


def test_a_chain_of_small_changes_doesnt_join_its_ends() -> None:
    chain = [[f"word{number}" for number in range(10)]]
    for number in range(10):
        chain.append([*chain[-1][:number], f"other{number}", *chain[-1][number + 1 :]])
    texts = [" ".join(step) for step in chain]
    assert all(len(alike(list(pair), threshold=80)) == 1 for pair in pairwise(texts))
    assert all(not {0, 10} <= set(group) for group in alike(texts, threshold=80))


def contradict(one: str, other: str, *, about: tuple[str, str] = ("", "")) -> bool:
    said = [*read_directives(one, about=about[0]), *read_directives(other, about=about[1])]
    return bool(contradictions(said, limit=10))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Always send drafts to the client.", "Never send drafts to the client."),
        ("You must sign commits", "Commits must not be signed."),
        ("Do use tabs in Python.", "Don't use tabs in Python"),
        ("Use tabs in Python.", "Don’t use tabs in Python."),
        ("Agents should ask first about rates.", "Agents shouldn't ask first about rates."),
        ("Dark mode is enabled on staging.", "Dark mode is disabled on staging."),
        ("Nora prefers long calls.", "Nora avoids long calls."),
        ("Never email clients directly.", "Email clients always directly, on Mondays."),
        ("Never disable the guest login.", "Always disable the guest login."),
        ("First read it. Then always publish the page.", "Be quick: never publish the page."),
        ("Always sign invoices, and never send unsigned letters.", "Always send unsigned letters."),
    ],
)
def test_opposite_directives_about_the_same_contradict_each_other_in_either_order(
    one: str, other: str
) -> None:
    assert contradict(one, other)
    assert contradict(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Always send drafts to the client.", "Always send drafts to the client."),
        ("Always send drafts to the client.", "Never send invoices to the client."),
        ("Never publish before the review.", "Always publish after the review."),
        ("Never publish without the review.", "Always publish with the review."),
        ("Never disable the login.", "Always enable the login."),
        ("Use tabs.", "Don't use tabs in YAML files, Makefiles and tables."),
        ("You should use fixtures.", "Don't use fixtures in benchmarks."),
        ("Tabs are used in Python.", "Don't use tabs in Python."),
        ("Always.", "Never."),
        ("npm publish works", "Disable npm publish works"),
        ("Checks that the output holds all lines", "Checks that the output does not hold all lines"),
        ("Yes", "Never do it"),
        ("", "Never send drafts to the client."),
    ],
)
def test_what_can_be_followed_together_doesnt_contradict(one: str, other: str) -> None:
    assert not contradict(one, other)
    assert not contradict(other, one)


def test_what_a_note_is_about_counts_with_its_words() -> None:
    texts = ("Prefers calls", "Avoids calls")
    assert contradict(*texts, about=("Nora", "Nora"))
    assert not contradict(*texts, about=("Nora", "Theo"))


def test_what_is_said_a_thousand_times_is_one_contradiction() -> None:
    said = [
        *read_directives("Always sign letters. " * 1_000),
        *read_directives("Never sign letters. " * 1_000),
    ]
    assert contradictions(said, limit=10) == [(0, 1_000)]


def test_what_stands_in_one_place_hides_no_contradiction_with_another() -> None:
    said = [
        *read_directives("Always sign letters. Never sign letters."),
        *read_directives("Never sign letters."),
    ]
    assert contradictions(said, limit=10, origins=["a", "a", "b"]) == [(0, 2)]
    assert contradictions(said[:2], limit=10, origins=["a", "a"]) == []


def test_two_markers_against_make_one_for() -> None:
    assert speaks_against("Never push")
    assert not speaks_against("Never disable it")
    assert not speaks_against("nevertheless, a knot")
