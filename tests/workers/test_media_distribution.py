"""media-distribution against real servers on loopback. Unless a test says otherwise now is 15 June 2026,
09:00 UTC, and one episode, number 7, came out on 9 June."""

import gzip
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from loom.sample.exchange import Answered, Asked, serving
from loom.sample.youtube import Records, YouTube
from loom.worker import PermanentError, Skip, TransientError
from tests.sample.planted import assert_found, planted
from tests.workers.broadcast_ground import (
    COMPANY,
    SAMPLE_NOW,
    SECRETS,
    client,
    company_serving,
    video,
)
from tests.workers.conftest import Contexts
from tests.workers.outputs import only
from tests.workers.youtube_discovery import Discovery
from workers.media_distribution import KINDS, Output, Settings, reads, run

AUDIO = b"\xff\xfb" + bytes(998)


@pytest.fixture(scope="module")
def server() -> Iterator[HTTPServer]:
    made = HTTPServer(port=0, threaded=True)
    made.start()
    yield made
    made.stop()


def item(
    *,
    title: str = "A title of its own",
    number: int | None = 7,
    url: str = "${BASE}/7.mp3",
    length: str = "1000",
    type: str = "audio/mpeg",
    more: str = "<itunes:duration>30:00</itunes:duration>",
    day: str = "Tue, 09 Jun 2026 10:00:00 GMT",
    guid: str = "g7",
) -> str:
    episode = "" if number is None else f"<itunes:episode>{number}</itunes:episode>"
    return (
        f"<item><title>{title}</title><guid>{guid}</guid><pubDate>{day}</pubDate>{episode}"
        f'<enclosure url="{url}" length="{length}" type="{type}"/>{more}</item>'
    )


def feed(*items: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel><title>Show</title>'
        "<link>http://show.example/</link><description>About</description><language>en</language>"
        '<itunes:image href="http://show.example/a.png"/><itunes:category text="Arts"/>'
        f"<itunes:explicit>false</itunes:explicit>{''.join(items)}</channel></rss>"
    )


class Show:
    """A project with episode files, and its channels on a real server."""

    def __init__(self, server: HTTPServer, contexts: Contexts) -> None:
        self.server, self.contexts = server, contexts
        server.clear()
        server.no_handler_status_code = 404
        self.episode(7)
        self.answer("/7.mp3", AUDIO, kind="audio/mpeg")
        self.answer("/feed", feed(item()), kind="application/rss+xml")

    @property
    def base(self) -> str:
        return self.server.url_for("").rstrip("/")

    def episode(self, number: int, **values: str) -> None:
        folder = self.contexts.project / "episodes"
        folder.mkdir(exist_ok=True)
        told = {
            "show": "Show",
            "number": str(number),
            "title": "A title of its own",
            "status": "published",
            "published": "2026-06-09",
            "duration": "30:00",
            "slug": f"episode-{number}",
            "youtube": f"video0{number}",
            **values,
        }
        text = "".join(f"{key}: {value}\n" for key, value in told.items() if value)
        (folder / f"{number:03}.yaml").write_text(text, encoding="utf-8")

    def answer(
        self,
        path: str,
        body: str | bytes,
        *,
        kind: str = "text/html; charset=utf-8",
        status: int = 200,
        **headers: str,
    ) -> None:
        data = body.replace("${BASE}", self.base) if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.server.expect_request(path).respond_with_data(data, status, named, content_type=kind)

    def feed(self, *items: str) -> None:
        self.server.clear_all_handlers()
        self.answer("/7.mp3", AUDIO, kind="audio/mpeg")
        self.answer("/feed", feed(*items), kind="application/rss+xml")

    def run(
        self,
        *,
        youtube: YouTube | None = None,
        previous: Output | None = None,
        secrets: Mapping[str, str] | None = SECRETS,
        **settings: Any,
    ) -> Output:
        named = {"feed": f"{self.base}/feed", "delay": 0, **settings}
        before = None if previous is None else previous.model_dump(mode="json")
        discovery = Discovery()
        with (
            client() as http,
            serving({"/youtube": youtube or YouTube(records=Records())}, heard=discovery.heard) as api,
        ):
            chosen = Settings.model_validate({"api": f"{api}/youtube", **named})
            output = run(self.contexts(chosen, http=http, secrets=secrets, previous=before))
        assert discovery.mistakes == []
        return output

    @property
    def asked(self) -> list[str]:
        return [f"{request.method} {request.path}" for request, _ in self.server.log]


@pytest.fixture
def show(server: HTTPServer, contexts: Contexts) -> Show:
    return Show(server, contexts)


def told(output: Output) -> list[str]:
    return [finding.title for finding in output.findings]


def playlist(*ids: str, title: str = "A title of its own") -> Records:
    items = tuple(
        {
            "kind": "youtube#playlistItem",
            "etag": one,
            "id": f"item-{one}",
            "snippet": {
                "publishedAt": "2026-06-09T10:00:00Z",
                "title": title,
                "playlistId": "PLshow",
                "position": place,
                "resourceId": {"kind": "youtube#video", "videoId": one},
            },
            "contentDetails": {"videoId": one, "videoPublishedAt": "2026-06-09T10:00:00Z"},
        }
        for place, one in enumerate(ids)
    )
    return Records(videos=tuple(video(one, title) for one in ids), playlist_items=items)


def page(title: str = "A title of its own", day: str = "2026-06-09", length: str = "PT30M") -> str:
    return (
        f"<html><head><title>{title} | Show</title><script type='application/ld+json'>"
        f'{{"@graph": [{{"@type": "WebSite"}}, {{"@type": "PodcastEpisode", "name": "{title}", '
        f'"datePublished": "{day}", "duration": "{length}"}}]}}</script></head><body></body></html>'
    )


def test_it_finds_what_is_planted_in_the_sample_company_and_nothing_else(contexts: Contexts) -> None:
    discovery = Discovery()
    with company_serving(discovery.heard) as base, client() as http:
        sample = planted("media-distribution", base=base)
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
    assert discovery.exchanges == output.metrics["quota_units"] == 2
    assert (output.channels_checked, output.episodes_checked) == (3, 8)
    assert set(KINDS) <= output.metrics.keys()
    assert all(finding.action for finding in output.findings)


def test_an_episode_that_is_everywhere_and_the_same_everywhere_is_no_finding(show: Show) -> None:
    show.answer("/e/episode-7", page())
    output = show.run(
        youtube=YouTube(records=playlist("video07")), playlist="PLshow", page=f"{show.base}/e/{{slug}}"
    )
    assert output.findings == []
    assert output.summary == "1 episodes held against 3 channels, 0 findings."


def test_a_channel_that_is_not_configured_is_not_asked_and_said_so(show: Show) -> None:
    output = show.run(secrets=None)
    assert output.channels_checked == 1
    assert "(not configured: YouTube playlist, site)" in output.summary
    assert show.asked == ["GET /feed", "HEAD /7.mp3"]


def test_with_no_channel_configured_it_skips_and_says_what_to_set(contexts: Contexts) -> None:
    with pytest.raises(Skip, match=r"set `settings: \{feed: https://\.\.\.\}`.*'media-distribution'"):
        run(contexts(Settings()))


def test_an_episode_absent_everywhere_is_critical_and_one_within_its_grace_is_none(show: Show) -> None:
    show.feed()
    show.episode(8, published="2026-06-14")
    show.episode(9, published="2026-06-16")
    show.episode(6, published="2026-01-01")
    finding = only(show.run())
    assert finding.title == "Episode isn't on the podcast feed"
    assert finding.subject == "7 (A title of its own)"
    assert finding.severity == "critical"
    assert "episodes/007.yaml:5 says that it came out on 2026-06-09" in finding.detail
    assert len(show.run(grace_hours=0).findings) == 2


def test_an_episode_is_known_by_its_number_else_its_address_else_its_title(show: Show) -> None:
    slug = "<link>http://show.example/e/episode-7/</link>"
    for one in (
        item(title="Ep. 7: A title of its own"),
        item(number=None, more=slug, title="A title of its own!"),
        item(number=None, title="#7 - A Title of its Own"),
    ):
        show.feed(one)
        assert show.run().findings == [], one


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("A title of its own", True),
        ("a title of its own!", True),
        ("Ep. 7: A title of its own", True),
        ("A title of its own | The Show", True),
        ("The Show - A title of its own", True),
        ("&lt;b&gt;A title&lt;/b&gt; of its own", True),
        ("A titel of its own", True),
        ("Another name altogether", False),
        ("A title", False),
    ],
)
def test_titles_are_compared_as_a_person_would(show: Show, written: str, same: bool) -> None:
    show.feed(item(title=written))
    assert told(show.run()) == ([] if same else ["Title differs on the podcast feed"])


def test_days_and_lengths_may_differ_a_little_and_no_more(show: Show) -> None:
    show.feed(item(day="Wed, 10 Jun 2026 10:00:00 GMT", more="<itunes:duration>1830</itunes:duration>"))
    assert show.run().findings == []
    show.feed(item(day="Thu, 11 Jun 2026 10:00:00 GMT", more="<itunes:duration>0:31:01</itunes:duration>"))
    output = show.run()
    assert told(output) == ["Day differs on the podcast feed", "Length differs on the podcast feed"]
    assert output.findings[0].detail == "There: 2026-06-11. In episodes/007.yaml:5: 2026-06-09."
    assert output.findings[1].detail == "There: 31:01. In episodes/007.yaml:6: 30:00."


def test_what_is_out_without_a_file_and_what_is_out_too_early_is_told(show: Show) -> None:
    show.episode(8, status="recorded", title="The next one")
    show.feed(
        item(), item(number=8, title="The next one", guid="g8"), item(number=99, title="Stray", guid="g99")
    )
    output = show.run()
    assert told(output) == [
        "Out on the podcast feed, and its file says recorded",
        "On the podcast feed, and no episode's file speaks of it",
    ]
    assert [one.subject for one in output.findings] == ["8 (The next one)", "Stray"]


def test_a_video_that_is_private_is_absent_although_the_playlist_lists_it(show: Show) -> None:
    made = playlist("video07", "video08")
    gone = Records(videos=made.videos[1:], playlist_items=made.playlist_items)
    output = show.run(youtube=YouTube(records=gone), playlist="PLshow")
    assert "Episode isn't on the YouTube playlist" not in told(output)  # video08 has its title
    none = Records(videos=(), playlist_items=made.playlist_items)
    output = show.run(youtube=YouTube(records=none), playlist="PLshow")
    assert told(output) == ["Episode isn't on the YouTube playlist"]


def test_a_long_playlist_is_read_page_by_page_and_at_the_budget_nothing_is_called_absent(show: Show) -> None:
    ids = [f"other{n:03}" for n in range(120)]
    made = playlist(*ids, "video07")
    output = show.run(youtube=YouTube(records=made), playlist="PLshow", max_findings=500)
    assert output.metrics["quota_units"] == 3 + 3
    assert not [one for one in told(output) if "isn't on" in one]
    stopped = show.run(youtube=YouTube(records=made), playlist="PLshow", budget_units=2)
    assert told(stopped) == ["The YouTube playlist can't be read"]
    assert stopped.channels_checked == 1


def test_a_playlist_that_is_not_there_is_a_finding_and_the_other_channels_are_read(show: Show) -> None:
    output = show.run(playlist="PLgone")
    assert told(output) == ["The YouTube playlist can't be read"]
    assert "Correct `playlist`" in output.findings[0].action
    assert output.channels_checked == 1


def test_a_missing_or_invalid_key_names_the_secret(show: Show) -> None:
    with pytest.raises(PermanentError, match="YOUTUBE_API_KEY"):
        show.run(playlist="PLshow", secrets=None)
    with pytest.raises(PermanentError, match="Check the secret YOUTUBE_API_KEY"):
        show.run(playlist="PLshow", youtube=YouTube(records=Records(), key="another"))


def test_a_page_that_is_missing_is_absent_and_one_that_fails_is_not(show: Show) -> None:
    show.episode(8, title="The next one")
    show.feed(item(), item(number=8, title="The next one", guid="g8"))
    show.answer("/e/episode-8", "sorry", status=500)
    output = show.run(page=f"{show.base}/e/{{slug}}")
    assert told(output) == ["Episode's page can't be read", "Episode isn't on the site"]
    assert "it answers 500" in output.findings[0].detail


def test_a_page_is_believed_by_its_linked_data_its_head_and_its_time(show: Show) -> None:
    pattern = f"{show.base}/e/{{number}}"
    show.answer("/e/7", page(title="Something else", day="2026-06-01", length="PT1H30M"))
    assert told(show.run(page=pattern)) == [
        "Title differs on the site", "Day differs on the site", "Length differs on the site",
    ]  # fmt: skip
    show.server.clear_all_handlers()
    show.feed(item())
    bare = "<meta property='og:title' content='A title of its own'><time datetime='2026-05-01'>May</time>"
    show.answer("/e/7", bare)
    assert told(show.run(page=pattern)) == ["Day differs on the site"]


def test_an_episode_without_a_slug_says_that_its_page_was_not_asked_for(show: Show) -> None:
    show.episode(7, slug="")
    finding = only(show.run(page=f"{show.base}/e/{{slug}}"))
    assert finding.title == "Episode's page wasn't asked for"
    assert finding.action == "Add `slug` to episodes/007.yaml."


@pytest.mark.parametrize(
    ("answer", "title", "severity"),
    [
        ({"status": 404}, "Audio file doesn't answer", "critical"),
        ({"status": 503}, "Audio file doesn't answer", "critical"),
        ({"status": 403}, "Audio file doesn't answer", "warning"),
        ({"kind": "text/html"}, "Audio file has another type than the feed says", "warning"),
        ({"body": bytes(900)}, "Audio file has another length than the feed says", "warning"),
        ({"kind": "audio/mp3"}, None, None),
        ({"kind": "application/octet-stream"}, None, None),
        ({"body": bytes(1_005)}, None, None),
    ],
)
def test_audio_files_answer_with_the_type_and_length_that_the_feed_gives(
    show: Show, answer: dict[str, Any], title: str | None, severity: str | None
) -> None:
    show.server.clear_all_handlers()
    show.answer("/feed", feed(item()), kind="application/rss+xml")
    show.answer("/7.mp3", **{"body": AUDIO, "kind": "audio/mpeg", **answer})
    found = [(one.title, one.severity) for one in show.run().findings]
    assert found == ([] if title is None else [(title, severity)])


def test_an_audio_file_behind_redirects_is_found_and_a_loop_ends(show: Show) -> None:
    show.feed(item(url="${BASE}/r1"), item(number=None, guid="g8", url="${BASE}/loop", title="Loop"))
    show.answer("/r1", "", status=302, Location="/r2")
    show.answer("/r2", "", status=302, Location="/7.mp3")
    show.answer("/loop", "", status=302, Location="/loop")
    output = show.run()
    assert told(output) == [
        "Audio file doesn't answer",
        "On the podcast feed, and no episode's file speaks of it",
    ]
    assert "redirect loop" in output.findings[0].detail


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost:1/secret",
        "http://10.0.0.8/a.mp3",
        "http://[::1]:1/a.mp3",
        "http://printer/a.mp3",
        "http://127.1/a.mp3",
        "http://2130706433/a.mp3",
        "http://0x7f.0.0.1/a.mp3",
        "http://nas.local/a.mp3",
        "file:///etc/passwd",
        "ftp://example.org/a.mp3",
        "javascript:alert(1)",
    ],
)
def test_no_address_of_this_machine_or_network_that_a_feed_names_is_ever_asked(show: Show, url: str) -> None:
    show.feed(item(url=url))
    finding = only(show.run())
    assert finding.title == "Audio file lies where listeners can't get it"
    assert finding.severity == "critical"
    assert show.asked == ["GET /feed"]


def test_a_redirect_to_a_private_address_is_not_followed(show: Show, contexts: Contexts) -> None:
    asked: list[str] = []

    def hidden(one: Asked) -> Answered:
        asked.append(one.path)
        return Answered(200)

    with serving({"": hidden}) as inside:
        show.feed(item(url="${BASE}/lead"))
        show.answer("/lead", "", status=302, Location=f"{inside}/secret")
        assert "redirect to a private address" in only(show.run()).detail
        show.answer("/moved", "", status=301, Location=f"{inside}/feed")
        finding = only(show.run(feed=f"{show.base}/moved", window_days=3))
        assert finding.title == "The podcast feed can't be read"
        show.answer("/e/episode-7", "", status=301, Location=f"{inside}/page")
        show.feed(item())
        show.answer("/e/episode-7", "", status=301, Location=f"{inside}/page")
        assert told(show.run(page=f"{show.base}/e/{{slug}}")) == ["Episode's page can't be read"]
    assert asked == []


def test_a_feed_of_fifty_megabytes_is_refused_by_limit_packed_or_not(show: Show) -> None:
    pieces = 50

    def endless(_request: Request) -> Response:
        return Response((b" " * 1_000_000 for _ in range(pieces)), content_type="application/rss+xml")

    show.server.expect_request("/large").respond_with_handler(endless)
    packed = gzip.compress(b" " * 50_000_000)
    show.answer("/packed", packed, kind="application/rss+xml", Content_Encoding="gzip")
    for path in ("/large", "/packed"):
        output = show.run(feed=f"{show.base}{path}")
        finding = only(output)
        assert (finding.title, finding.severity) == ("The podcast feed can't be read", "critical")
        assert finding.detail == "too large"
        assert output.channels_checked == 0


def test_a_feed_whose_body_never_ends_is_left_after_its_time(show: Show) -> None:
    def dripping(_request: Request) -> Response:
        def drops() -> Iterator[bytes]:
            for _ in range(400):
                yield b" "
                time.sleep(0.1)

        return Response(drops(), content_type="application/rss+xml")

    show.server.expect_request("/drip").respond_with_handler(dripping)
    began = time.monotonic()
    finding = only(show.run(feed=f"{show.base}/drip", timeout=2))
    assert finding.detail == "too slow"
    assert time.monotonic() - began < 30


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">'
    + "".join(f'<!ENTITY lol{n} "{f"&lol{n - 1 if n > 1 else str()};" * 10}">' for n in range(1, 10))
    + ']><rss version="2.0"><channel><title>&lol9;</title></channel></rss>'
)
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><title>&x;</title></channel></rss>'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (LAUGHS, "document type"),
        (OUTSIDE, "document type"),
        ("<html><body>Not found</body></html>", "its root element is <html>"),
        ("<rss><channel><title>Half", "isn't well-formed XML"),
        ("", "isn't well-formed XML"),
        ('{"items": []}', "isn't well-formed XML"),
    ],
)
def test_a_feed_that_is_none_or_hostile_is_a_critical_finding_that_says_why(
    show: Show, body: str, said: str
) -> None:
    show.server.clear_all_handlers()
    show.answer("/feed", body, kind="application/rss+xml")
    finding = only(show.run())
    assert finding.severity == "critical"
    assert said in finding.detail


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_feed_that_fails_for_now_is_an_error_that_may_pass(show: Show, status: int) -> None:
    show.server.clear_all_handlers()
    show.answer("/feed", "", status=status)
    with pytest.raises(TransientError, match=f"it answers {status}"):
        show.run()


def test_a_feed_or_site_that_cannot_be_reached_is_an_error_that_may_pass(show: Show) -> None:
    with serving({}) as base:
        pass
    with pytest.raises(TransientError, match="can't be read"):
        show.run(feed=f"{base}/feed")
    with pytest.raises(TransientError, match="site can't be reached"):
        show.run(page=f"{base}/e/{{slug}}")


def test_markup_and_control_characters_of_a_feed_arrive_as_plain_text(show: Show) -> None:
    title = "&lt;script&gt;alert(1)&lt;/script&gt; \u202eX &amp;amp; " + "long " * 500
    show.feed(item(), item(number=None, guid="g8", title=title))
    finding = only(show.run())
    assert finding.subject.isprintable()
    assert "<script>" not in finding.subject
    assert len(finding.subject) <= 150


def test_episode_files_that_cannot_be_read_are_told_and_hide_no_other(show: Show) -> None:
    (show.contexts.project / "episodes" / "008.yaml").write_text("number: [", encoding="utf-8")
    output = show.run()
    assert told(output) == ["Episode file can't be read"]
    assert output.findings[0].subject.startswith("episodes/008.yaml")
    assert output.episodes_checked == 1


def test_without_episode_files_the_channels_alone_are_checked_and_it_says_so(show: Show) -> None:
    (show.contexts.project / "episodes" / "007.yaml").unlink()
    output = show.run()
    assert told(output) == ["No episode files to hold the channels against"]
    assert output.channels_checked == 1


def test_only_the_shows_own_episodes_are_held_against_its_channels(show: Show) -> None:
    show.episode(8, show="Another")
    assert show.run(show="Show").findings == []
    assert len(show.run().findings) == 1


def test_when_no_channel_can_be_read_the_output_breaks_what_the_registry_expects(show: Show) -> None:
    output = show.run(feed=f"{show.base}/nothing-here")
    assert output.channels_checked == 0
    assert only(output).detail == "it answers 404"


def test_it_says_what_is_new_and_what_is_resolved(show: Show) -> None:
    show.feed()
    first = show.run()
    show.feed(item(title="Another name altogether"))
    second = show.run(previous=first)
    assert (second.metrics["new"], second.metrics["resolved"]) == (1, 1)


def test_audio_files_beyond_the_limit_are_said_not_to_be_asked_for(show: Show) -> None:
    show.feed(*(item(url=f"${{BASE}}/{n}.mp3", number=None, guid=f"g{n}") for n in range(5)))
    output = show.run(max_enclosures=2)
    unasked = next(one for one in output.findings if one.title == "Audio files weren't all asked for")
    assert unasked.subject == "3 files"
    assert output.metrics["enclosures_checked"] == 2


def test_what_it_would_read_is_told_without_asking(show: Show) -> None:
    settings = Settings(feed="https://x.org/feed", playlist="PLx", page="https://x.org/e/{slug}")
    lines = list(reads(settings, show.contexts.project))
    assert lines[0] == "episodes/*.yaml, episodes/*.yml: 1 files"
    assert lines[1] == "GET https://x.org/feed"
    assert "GET https://youtube.googleapis.com/youtube/v3/playlistItems?playlistId=PLx" in lines
    assert lines[-1] == "GET https://x.org/e/{slug}"
    assert show.asked == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"feed": "example.org/feed"},
        {"page": "https://example.org/episodes"},
        {"page": "ftp://example.org/{slug}"},
        {"api": "nowhere"},
        {"playlist": "a&b"},
        {"similarity": 101},
        {"x": 1},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)
