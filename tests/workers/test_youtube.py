"""The stand-in for YouTube's Data API and what the exchanges are held against; the rules for comments."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loom.sample.exchange import Answered, Asked
from loom.sample.youtube import YouTube, read_records
from tests.workers.youtube_discovery import Discovery
from workers.sources.comments import Judge, Kind, Rules, simplified
from workers.sources.youtube_answers import read_refusal


def ask(path: str, **query: str) -> Asked:
    return Asked("GET", path, {name: [value] for name, value in query.items()}, {"x-goog-api-key": "k"}, b"")


THREADS = "/youtube/v3/commentThreads"
GOOD = {"part": "snippet,replies", "videoId": "scndTk00109", "order": "time", "maxResults": "100"}


@pytest.mark.parametrize(
    "asked",
    [
        ask(THREADS, **GOOD),
        ask(THREADS, **{**GOOD, "maxResults": "2"}),
        ask(THREADS, **{**GOOD, "videoId": "nowhere"}),
        ask(THREADS, **{**GOOD, "videoId": "scndTk00105"}),
        ask(THREADS, **{**GOOD, "pageToken": "bm8="}),
        ask(THREADS, part="snippet", id="Ugsmalltown01AaABAg"),
        ask(THREADS, part="snippet", id="gone"),
        ask("/youtube/v3/comments", part="snippet", parentId="Ugsmalltown09AaABAg"),
        ask("/youtube/v3/videos", part="snippet,contentDetails,statistics", id="scndTk00109,scndTk00105"),
        ask("/youtube/v3/playlistItems", part="snippet,contentDetails", playlistId="PLbrightwaterSecondTake"),
        ask("/youtube/v3/playlistItems", part="snippet", playlistId="PLnone"),
    ],
)
def test_the_stand_in_answers_as_youtubes_own_document_says(asked: Asked) -> None:
    answered = YouTube(records=read_records())(asked)
    assert Discovery().check(asked, answered) == []


def test_every_record_of_the_sample_is_as_youtube_describes_it() -> None:
    records, discovery = read_records(), Discovery()
    for method, resources in (
        ("videos", records.videos),
        ("playlistItems", records.playlist_items),
        ("commentThreads", records.threads),
        ("comments", records.comments),
    ):
        answer = Answered.of_json(200, {"items": list(resources)})
        assert discovery.check(ask(f"/youtube/v3/{method}", part="snippet"), answer) == []
        assert resources


@pytest.mark.parametrize(
    ("asked", "answer", "said"),
    [
        (ask(THREADS, **{**GOOD, "order": "newest"}), {}, "order can't be 'newest'"),
        (ask(THREADS, **{**GOOD, "maxResults": "101"}), {}, "maxResults can't be '101'"),
        (ask(THREADS, videoId="v"), {}, "part is missing"),
        (ask(THREADS, **GOOD, sort="up"), {}, "unknown parameter sort"),
        (ask(THREADS, **GOOD, key="k"), {}, "the key stands in the address"),
        (ask("/youtube/v3/search", part="snippet"), {}, "no list method"),
        (Asked("POST", THREADS, {"part": ["snippet"]}, {}, b""), {}, "expected GET"),
        (ask(THREADS, **GOOD), {"items": [{"snippet": {"colour": 1}}]}, "colour"),
        (ask(THREADS, **GOOD), {"items": [{"snippet": {"totalReplyCount": "7"}}]}, "totalReplyCount"),
        (ask(THREADS, **GOOD), {"items": [{"snippet": {"totalReplyCount": -1}}]}, "totalReplyCount"),
        (
            ask("/youtube/v3/videos", part="s"),
            {"items": [{"snippet": {"publishedAt": "soon"}}]},
            "publishedAt",
        ),
        (
            ask("/youtube/v3/videos", part="s"),
            {"items": [{"statistics": {"commentCount": "x"}}]},
            "commentCount",
        ),
    ],
)
def test_what_youtubes_document_does_not_know_is_found_out(asked: Asked, answer: Any, said: str) -> None:
    mistakes = Discovery().check(asked, Answered.of_json(200, answer))
    assert any(said in one for one in mistakes), mistakes


def test_the_stand_in_pages_through_everything_once() -> None:
    youtube, seen, token = YouTube(records=read_records(), page_size=3), [], ""
    while True:
        asked = ask(THREADS, **GOOD, **({"pageToken": token} if token else {}))
        page = json.loads(youtube(asked).body)
        seen += [one["id"] for one in page["items"]]
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert len(seen) == len(set(seen)) == 9


@pytest.mark.parametrize("body", [b"", b"[]", b'{"error": 7}', b'{"error": {"errors": 1}}', b"[" * 100_000])
def test_an_error_that_is_none_has_no_reason(body: bytes) -> None:
    assert read_refusal(body) == (frozenset(), "")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Which microphone do you use?", "question"),
        ("how do you find your guests", "question"),
        ("Lovely! Could you share the checklist?", "question"),
        ("first\nwhat software was that\nbye", "question"),
        ("Is this the same Ana as in episode 100? Loved it", "question"),
        ("What a great show", "praise"),
        ("Thanks so much!", "praise"),
        ("I don't love it", None),
        ("The sound was terrible", "complaint"),
        ("I was disappointed by the ending", "complaint"),
        ("Not disappointed, great episode!", "praise"),
        ("The download doesn't work", "complaint"),
        ("Why is the music too loud?", "complaint"),
        ("We would like to work with you", "lead"),
        ("How much do you charge for editing?", "lead"),
        ("Message me on 𝐖𝐡𝐚𝐭𝐬𝐀𝐩𝐩", "spam"),
        ("Wh\u200batsApp me", "spam"),
        ("see https://a.example/x and https://b.example/y", "spam"),
        ("the source is https://a.example/x?y=1", None),
        ("Great, right?", None),
        ("Anyone else here in 2026?", None),
        ("Why?", None),
        ("goldfish", None),
        ("", None),
    ],
)
def test_a_comment_is_told_by_the_words_in_it(text: str, kind: Kind | None) -> None:
    assert Judge(Rules()).kind(text) == kind


def test_the_words_are_the_settings() -> None:
    rules = Rules(spam=[], complaint=["meh*"], lead=["c++ (expert)"], praise=[], not_questions=[])
    judge = Judge(rules)
    assert judge.kind("Mehhh") == "complaint"
    assert judge.kind("need a C++ (expert) soon") == "lead"
    assert judge.kind("whatsapp") is None


def test_the_same_sentence_from_many_is_spam_and_the_same_thanks_are_not() -> None:
    judge = Judge(Rules())
    advert = "Best way to double your listeners in one week, see my page"
    copied = judge.copied([advert, advert.upper(), f" {advert}\n", *["Thank you so much!"] * 9])
    assert copied == {simplified(advert)}


@given(st.text(max_size=5_000))
def test_any_text_is_judged(text: str) -> None:
    assert Judge(Rules()).kind(text) in (None, "spam", "complaint", "lead", "question", "praise")


@pytest.mark.parametrize(
    "text", ["?" * 10_000, "so " * 5_000, "not " * 5_000, "http://" * 2_000, "a." * 5_000]
)
def test_a_comment_made_to_cost_time_does_not(text: str) -> None:
    judge = Judge(Rules())
    for _ in range(20):
        judge.kind(text)
