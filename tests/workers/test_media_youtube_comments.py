"""media-youtube-comments against the stand-in for YouTube's Data API, each exchange held against YouTube's
own description of it. Unless a test says otherwise now is 15 June 2026, 09:00 UTC."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from loom.sample.exchange import Answered, serving
from loom.sample.youtube import Records, YouTube
from loom.worker import PermanentError, Skip, TransientError
from tests.sample.planted import assert_found, planted
from tests.workers.broadcast_ground import (
    COMPANY,
    SAMPLE_NOW,
    SECRETS,
    client,
    comment,
    company_serving,
    records,
    thread,
    video,
)
from tests.workers.conftest import NOW, Contexts
from tests.workers.outputs import only
from tests.workers.youtube_discovery import Discovery
from workers.media_youtube_comments import KINDS, Output, Settings, reads, run


class Reader:
    """Runs the worker as Loom would over a stand-in; every exchange must be one that YouTube describes."""

    def __init__(self, contexts: Contexts) -> None:
        self.contexts = contexts

    def __call__(
        self,
        youtube: YouTube | Records,
        *,
        previous: Output | None = None,
        now: datetime = NOW,
        secrets: Mapping[str, str] = SECRETS,
        **settings: Any,
    ) -> Output:
        stand_in = YouTube(records=youtube) if isinstance(youtube, Records) else youtube
        discovery = Discovery()
        named = settings or {"videos": [one["id"] for one in stand_in.records.videos]}
        if not {"videos", "playlist"} & named.keys():
            named["videos"] = [one["id"] for one in stand_in.records.videos]
        with serving({"/youtube": stand_in}, heard=discovery.heard) as base, client() as http:
            try:
                output = run(
                    self.contexts(
                        Settings.model_validate({"api": f"{base}/youtube", **named}),
                        now=now,
                        http=http,
                        secrets=secrets,
                        previous=None if previous is None else previous.model_dump(mode="json"),
                    )
                )
            finally:
                if not stand_in.broken:
                    assert discovery.mistakes == []
        return Output.model_validate_json(output.model_dump_json())


@pytest.fixture
def reader(contexts: Contexts) -> Reader:
    return Reader(contexts)


def told(output: Output) -> list[str]:
    return [finding.title for finding in output.findings]


def test_it_finds_what_is_planted_in_the_sample_company_and_nothing_else(contexts: Contexts) -> None:
    discovery = Discovery()
    with company_serving(discovery.heard) as base, client() as http:
        sample = planted("media-youtube-comments", base=base)
        output = run(
            contexts(
                Settings.model_validate(sample.settings),
                project=COMPANY,
                now=SAMPLE_NOW,
                http=http,
                secrets=SECRETS,
            )
        )
    assert_found(output, sample, KINDS)
    assert discovery.mistakes == []
    assert discovery.exchanges == output.metrics["quota_units"]
    assert output.videos_checked == 8
    assert set(KINDS) <= output.metrics.keys()
    assert all(finding.action for finding in output.findings)


def test_an_answer_of_the_channel_or_its_team_is_an_answer_and_one_of_another_viewer_is_not(
    reader: Reader,
) -> None:
    threads = [thread(f"t{n}", f"Which lens is number {n}?") for n in range(3)]
    answers = [
        comment("r0", "The 35.", parent="t0", channel="UCown", at="2026-06-14T11:00:00Z"),
        comment("r1", "The 50.", parent="t1", channel="UCteam", at="2026-06-14T11:00:00Z"),
        comment("r2", "I guess the 85.", parent="t2", at="2026-06-14T11:00:00Z"),
    ]
    output = reader(records(*threads, replies=answers), team=["UCteam"])
    assert told(output) == ["Question unanswered: Which lens is number 2?"]
    assert output.comments_read == 6


def test_all_replies_are_read_before_a_question_is_called_unanswered(reader: Reader) -> None:
    replies = [comment("r0", "The 35.", parent="t0", channel="UCown", at="2026-06-14T10:30:00Z")]
    replies += [
        comment(f"r{n}", "Same here.", parent="t0", at=f"2026-06-14T{11 + n % 8}:{n % 60:02}:00Z")
        for n in range(1, 130)
    ]
    stand_in = YouTube(records=records(thread("t0", "Which lens is it?"), replies=replies))
    output = reader(stand_in)
    assert output.findings == []
    assert output.comments_read == 131
    assert [one.one("pageToken") != "" for one in stand_in.asked if one.path.endswith("/comments")] == [
        False,
        True,
    ]


def test_a_finding_says_who_where_what_and_leads_to_the_comment(reader: Reader) -> None:
    finding = only(reader(records(thread("Ug-1_x", "Where can I buy the map?", author="@ann"))))
    assert finding.subject == "@ann under Title of video01"
    assert finding.url == "https://www.youtube.com/watch?v=video01&lc=Ug-1_x"
    assert finding.detail == "Written 2026-06-14 10:00 UTC: Where can I buy the map?"
    assert finding.action == "Answer under the video."
    assert finding.severity == "info"
    late = only(reader(records(thread("t", "Where can I buy the map?", at="2026-06-12T10:00:00Z"))))
    assert late.severity == "warning"


def test_markup_and_control_characters_of_comments_names_and_titles_arrive_as_short_plain_text(
    reader: Reader,
) -> None:
    text = "What is\x1b[31m <img src=x onerror=alert(1)>\n\u202eright-to-left\x00 here? " + "long " * 2_000
    made = records(thread("t&lc=other#", text, author="<b>eve</b>\x07"))
    titled = replace(made, videos=(video("video01", "<script>\x1btitle"),))
    finding = only(reader(titled))
    whole = finding.title + finding.detail + finding.subject
    assert whole.isprintable()
    assert "<img src=x onerror=alert(1)>" in finding.detail
    assert "\N{REPLACEMENT CHARACTER}title" in finding.subject
    assert len(finding.title) < 130
    assert len(finding.detail) < 450
    assert finding.url == "https://www.youtube.com/watch?v=video01&lc=t%26lc%3Dother%23"


def test_every_page_of_threads_is_read_back_to_the_window_and_no_further(reader: Reader) -> None:
    first = datetime.fromisoformat("2026-06-15T08:00:00+00:00")
    threads = [
        thread(f"t{n:04}", f"What is {n}?", at=f"{first - timedelta(hours=n):%Y-%m-%dT%H:%M:%SZ}")
        for n in range(1_000)
    ]
    stand_in = YouTube(records=records(*threads))
    output = reader(stand_in, window_days=20, max_findings=1_000)
    assert output.metrics["question"] == 20 * 24
    assert len(stand_in.asked) == 1 + 5
    assert output.metrics["quota_units"] == 6


def test_the_next_run_reads_only_what_is_new_and_what_still_waits(reader: Reader) -> None:
    old = [thread(f"old{n}", "Lovely. Thank you!", at="2026-06-10T10:00:00Z") for n in range(250)]
    asked = thread("asked", "Which lens is it?", at="2026-06-13T10:00:00Z")
    first = reader(records(*old, asked))
    assert sorted(told(first)) == ["250 viewers praise the video", "Question unanswered: Which lens is it?"]
    assert first.memory.waiting == {"asked": "video01"}

    fresh = thread("fresh", "What a great episode", at="2026-06-15T10:00:00Z")
    stand_in = YouTube(records=records(*old, asked, fresh))
    second = reader(stand_in, previous=first, now=NOW + timedelta(days=1))
    assert sorted(told(second)) == ["A viewer praises the video", "Question unanswered: Which lens is it?"]
    assert [one.path.rpartition("/")[2] for one in stand_in.asked] == [
        "videos",
        "commentThreads",
        "commentThreads",
    ]
    assert second.comments_read == 2
    assert (second.metrics["new"], second.metrics["resolved"]) == (1, 1)

    answer = comment("r", "The 35.", parent="asked", channel="UCown", at="2026-06-16T08:00:00Z")
    answered = records(*old, asked, fresh, replies=[answer])
    third = reader(answered, previous=second, now=NOW + timedelta(days=2))
    assert third.findings == []
    assert third.memory.waiting == {}
    assert third.videos_checked == 1


def test_a_waiting_comment_that_was_deleted_waits_no_more_and_hides_no_other(reader: Reader) -> None:
    threads = [thread(f"t{n}", f"What is {n}?") for n in range(5)]
    first = reader(records(*threads))
    assert len(first.memory.waiting) == 5
    second = reader(records(*threads[:2], *threads[3:]), previous=first, now=NOW + timedelta(days=3))
    assert sorted(second.memory.waiting) == ["t0", "t1", "t3", "t4"]
    assert len(second.findings) == 4


def test_a_comment_that_was_held_back_and_let_through_later_is_still_seen(reader: Reader) -> None:
    newest = thread("newest", "Nice light.", at="2026-06-15T08:00:00Z")
    first = reader(records(newest))
    held = thread("held", "Which light is that?", at="2026-06-15T01:00:00Z")
    second = reader(records(newest, held), previous=first, now=NOW + timedelta(days=1))
    assert told(second) == ["Question unanswered: Which light is that?"]


def test_what_is_not_answered_is_followed_for_so_long_and_then_left(reader: Reader) -> None:
    made = records(thread("t", "Which lens is it?"))
    first = reader(made, follow_days=10)
    near = reader(made, previous=first, now=NOW + timedelta(days=8), follow_days=10)
    assert near.memory.waiting == {"t": "video01"}
    far = reader(made, previous=near, now=NOW + timedelta(days=12), follow_days=10)
    assert far.memory.waiting == {}
    assert reader(made, previous=far, now=NOW + timedelta(days=13), follow_days=10).findings == []


def test_at_the_budget_the_reading_stops_says_so_and_the_cursor_passes_nothing_unread(reader: Reader) -> None:
    threads = [
        thread(f"{name}{n:03}", f"What is {name}{n}?", video=name, at=f"2026-06-14T{n % 24:02}:00:00Z")
        for name in ("video01", "video02", "video03")
        for n in range(150)
    ]
    stand_in = YouTube(records=records(*threads))
    first = reader(stand_in, budget_units=4, max_findings=1_000)
    assert len(stand_in.asked) == first.metrics["quota_units"] == 4
    assert first.videos_checked == 1
    assert first.metrics["question"] == 250
    assert first.memory.seen.keys() == {"video01"}
    assert first.memory.unread == ["video02", "video03"]
    stopped = next(one for one in first.findings if one.title == "Comments were read only in part")
    assert "the budget of 4 quota units is spent" in stopped.detail
    assert "2 not: the budget of 4 quota units is spent" in first.summary

    second = reader(records(*threads), previous=first, max_findings=1_000)
    assert second.memory.seen.keys() == {"video01", "video02", "video03"}
    assert second.metrics["question"] == 450
    assert second.memory.unread == []


def test_the_next_run_begins_with_the_videos_that_were_not_reached(reader: Reader) -> None:
    threads = [thread(f"t{n}", "Fine.", video=f"video0{n}") for n in range(1, 6)]
    reached: list[str] = []
    output: Output | None = None
    for _ in range(3):
        stand_in = YouTube(records=records(*threads))
        output = reader(stand_in, previous=output, budget_units=3)
        reached += [one.one("videoId") for one in stand_in.asked if one.one("videoId")]
    assert reached[:5] == [f"video0{n}" for n in range(1, 6)]


def test_waiting_threads_that_the_budget_did_not_reach_go_on_waiting(reader: Reader) -> None:
    first = reader(records(thread("t", "Which lens is it?")))
    second = reader(records(thread("t", "Which lens is it?")), previous=first, budget_units=1)
    assert second.memory.waiting == {"t": "video01"}
    assert "Waiting threads not asked for: 1" in second.findings[0].detail


def test_youtubes_own_quota_ends_the_reading_like_the_budget_or_the_run_if_nothing_was_read(
    reader: Reader,
) -> None:
    threads = [thread(f"t{n}", "What is it?", video=f"video0{n}") for n in range(1, 4)]
    output = reader(YouTube(records=records(*threads), quota=2))
    assert output.videos_checked == 1
    assert "daily quota is used up" in output.summary
    assert output.memory.unread == ["video02", "video03"]
    with pytest.raises(TransientError, match="midnight, Pacific time"):
        reader(YouTube(records=records(*threads), quota=0))


def test_switched_off_comments_of_one_video_are_a_finding_and_no_failure(reader: Reader) -> None:
    made = records(thread("t", "What is it?"))
    both = replace(made, videos=(video("closed1", "Quiet", comments=None), *made.videos))
    output = reader(both)
    assert told(output) == ["Question unanswered: What is it?", "Comments are switched off"]
    assert output.findings[1].severity == "info"
    assert output.findings[1].subject == "Quiet"
    assert output.videos_checked == 2


def test_a_video_that_is_not_there_is_named_and_the_others_are_read(reader: Reader) -> None:
    output = reader(records(thread("t", "Fine.")), videos=["deleted1", "video01"])
    assert told(output) == ["Video isn't there for everyone"]
    assert output.findings[0].subject == "deleted1"
    assert output.videos_checked == 1


def test_with_no_video_that_can_be_read_the_output_breaks_what_the_registry_expects(reader: Reader) -> None:
    output = reader(records(videos=["video01"]), videos=["deleted1"])
    assert output.videos_checked == 0
    spent = reader(records(thread("t", "What is it?")), budget_units=1)
    assert spent.videos_checked == 0


def test_a_playlist_that_is_gone_is_a_failure_that_a_person_hears_of(reader: Reader) -> None:
    with pytest.raises(PermanentError, match=r"the playlist PLgone can't be read: .*correct `playlist`"):
        reader(records(videos=["video01"]), playlist="PLgone", videos=[])


def test_a_channel_without_comments_is_a_finished_reading_without_findings(reader: Reader) -> None:
    output = reader(records(videos=["video01", "video02"]))
    assert output.findings == []
    assert output.videos_checked == 2
    assert output.summary == "0 comments under 2 videos read, 0 findings."


def test_without_a_playlist_or_videos_it_reads_those_of_the_newest_published_episodes(
    contexts: Contexts, reader: Reader
) -> None:
    with pytest.raises(Skip, match=r"set `settings: \{playlist"):
        run(contexts(Settings(), secrets=SECRETS))
    folder = contexts.project / "episodes"
    folder.mkdir()
    for n in range(1, 4):
        text = f"show: S\nnumber: {n}\nstatus: published\npublished: 2026-06-0{n}\nyoutube: video0{n}\n"
        (folder / f"{n}.yaml").write_text(text, encoding="utf-8")
    stand_in = YouTube(records=records(videos=["video01", "video02", "video03"]))
    with serving({"/youtube": stand_in}) as base, client() as http:
        settings = Settings(api=f"{base}/youtube", max_videos=2)
        output = run(contexts(settings, http=http, secrets=SECRETS))
    assert output.videos_checked == 2
    assert stand_in.asked[0].query["id"] == ["video03,video02"]


def test_the_key_goes_in_a_header_and_stands_in_no_address(reader: Reader) -> None:
    stand_in = YouTube(records=records(videos=["video01"]))
    reader(stand_in)
    assert {one.headers["x-goog-api-key"] for one in stand_in.asked} == set(SECRETS.values())
    assert not any(SECRETS["YOUTUBE_API_KEY"] in str(one.query) + one.path for one in stand_in.asked)


def test_an_invalid_key_names_the_secret_and_what_to_do(reader: Reader) -> None:
    refusing = YouTube(records=records(videos=["video01"]), key="another-key")
    with pytest.raises(PermanentError, match=r"API key not valid.*Check the secret YOUTUBE_API_KEY"):
        reader(refusing)
    assert len(refusing.asked) == 1
    with pytest.raises(PermanentError, match="YOUTUBE_API_KEY"):
        reader(records(videos=["video01"]), secrets={})


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_names_the_secret(reader: Reader, status: int) -> None:
    body = {"error": {"code": status, "message": "Requests are blocked.", "errors": []}}
    refusing = YouTube(records=records(videos=["v"]), broken={"videos": Answered.of_json(status, body)})
    with pytest.raises(PermanentError, match="YOUTUBE_API_KEY"):
        reader(refusing)


def test_a_short_retry_after_is_waited_for_and_each_call_is_counted(reader: Reader) -> None:
    output = reader(YouTube(records=records(videos=["video01"]), too_many=2))
    assert output.videos_checked == 1
    assert output.metrics["quota_units"] == 4


@pytest.mark.parametrize(("retry_after", "seconds"), [("3600", 3600.0), ("", None)])
def test_a_long_or_missing_retry_after_is_passed_on(
    reader: Reader, retry_after: str, seconds: float | None
) -> None:
    with pytest.raises(TransientError, match="slow down") as caught:
        reader(YouTube(records=records(videos=["video01"]), too_many=9, retry_after=retry_after))
    wait = caught.value.retry_after
    assert (None if wait is None else wait.total_seconds()) == seconds


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (Answered(503, b"later"), TransientError, "answers 503 to commentThreads"),
        (Answered(200, b"<html>"), PermanentError, "unknown shape"),
        (
            Answered(200, b'{"items": [{"id": "t", "snippet": {}}]}'),
            PermanentError,
            "items.0.snippet.topLevel",
        ),
        (Answered(200, b"[" * 100_000), PermanentError, "unknown shape"),
        (Answered(200, b'{"items": []' + b" " * 6_000_000), PermanentError, "too large"),
        (Answered(302, b"", {"Location": "http://127.0.0.1:9/steal"}), PermanentError, "redirect to another"),
        (Answered(400, b"{}"), PermanentError, "answers 400"),
    ],
)
def test_an_answer_that_is_none_is_an_error_that_shows_where(
    reader: Reader, answer: Answered, error: type[Exception], said: str
) -> None:
    stand_in = YouTube(records=records(videos=["video01"]), broken={"commentThreads": answer})
    with pytest.raises(error, match=said):
        reader(stand_in)


def test_a_next_page_that_never_ends_is_refused(reader: Reader) -> None:
    page = {"items": [thread("t", "Fine.")], "nextPageToken": "again"}
    stand_in = YouTube(
        records=records(videos=["video01"]), broken={"commentThreads": Answered.of_json(200, page)}
    )
    with pytest.raises(PermanentError, match="same next page again"):
        reader(stand_in)


def test_no_answer_at_all_is_an_error_that_may_pass(contexts: Contexts) -> None:
    with serving({}) as base:
        pass
    settings = Settings(api=f"{base}/youtube", videos=["video01"])
    with client() as http, pytest.raises(TransientError, match="can't be reached"):
        run(contexts(settings, http=http, secrets=SECRETS))


def test_a_memory_that_cannot_be_read_is_none(contexts: Contexts) -> None:
    stand_in = YouTube(records=records(thread("t", "What is it?")))
    with serving({"/youtube": stand_in}) as base, client() as http:
        settings = Settings(api=f"{base}/youtube", videos=["video01"])
        for memory in ({"seen": {"video01": "yesterday"}}, "nothing", None, 7, {"waiting": ["t"]}):
            output = run(contexts(settings, http=http, secrets=SECRETS, previous={"memory": memory}))
            assert output.metrics["question"] == 1


def test_two_thousand_comments_are_read_within_the_budget(reader: Reader) -> None:
    threads = [
        thread(f"t{n:05}", "Great episode, thanks!" if n % 100 else "What is the song?") for n in range(2_000)
    ]
    output = reader(YouTube(records=records(*threads)), max_findings=300)
    assert output.comments_read == 2_000
    assert output.metrics["quota_units"] == 21
    assert output.metrics["question"] == 20
    assert len(json.dumps(output.model_dump(mode="json"))) < 200_000


def test_what_it_would_read_is_told_without_asking(contexts: Contexts) -> None:
    named = list(reads(Settings(playlist="PLx"), contexts.project))
    assert named[0] == "GET https://youtube.googleapis.com/youtube/v3/playlistItems?playlistId=PLx"
    assert "500 quota units" in named[1]
    assert next(iter(reads(Settings(), COMPANY))).startswith("episodes/*.yaml, episodes/*.yml: ")
    assert "2 videos" in "".join(reads(Settings(videos=["a", "b"]), contexts.project))


@pytest.mark.parametrize(
    "wrong",
    [
        {"api": "ftp://x"},
        {"api": "https://user@x.org"},
        {"playlist": "a b"},
        {"rules": {"spam": [""]}},
        {"x": 1},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)


def test_the_client_is_asked_for_only_with_something_to_read(contexts: Contexts) -> None:
    with pytest.raises(Skip):
        run(contexts(Settings(), http=httpx.Client(), secrets=SECRETS))
