"""Feeds as values, and what RSS, Atom and Apple Podcasts ask of them."""

import time
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.sources.durations import clock, clock_seconds, iso_seconds
from workers.sources.feed_rules import mistakes_of
from workers.sources.feeds import Enclosure, FeedError, read_feed

ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
GOOD_ITEM = (
    "<item><title>One &amp;amp; two</title><link>http://x.org/1</link><guid>g1</guid>"
    "<pubDate>Tue, 02 Jun 2026 12:00:00 +0200</pubDate><itunes:episode>12</itunes:episode>"
    "<itunes:duration>1:01:05</itunes:duration><itunes:explicit>yes</itunes:explicit>"
    '<enclosure url="http://x.org/1.mp3" length="1040" type="audio/mpeg"/></item>'
)
GOOD_CHANNEL = (
    "<title>Show</title><link>http://x.org/</link><description>About</description><language>en-GB</language>"
    '<itunes:image href="http://x.org/a.png"/><itunes:category text="Arts"/>'
    "<itunes:explicit>false</itunes:explicit>"
)


def rss(channel: str = GOOD_CHANNEL, items: str = GOOD_ITEM) -> bytes:
    return f'<rss version="2.0" xmlns:itunes="{ITUNES}"><channel>{channel}{items}</channel></rss>'.encode()


ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Show</title><id>urn:show</id>
<updated>2026-06-02T10:00:00Z</updated><entry><title>One</title><id>urn:1</id>
<updated>2026-06-02T10:00:00Z</updated><link href="http://x.org/1"/>
<link rel="enclosure" href="http://x.org/1.mp3" length="1040" type="audio/mpeg"/></entry></feed>"""


def test_an_rss_item_is_read_with_apples_tags() -> None:
    (one,) = read_feed(rss()).items
    assert (one.guid, one.title, one.link) == ("g1", "One & two", "http://x.org/1")
    assert one.published == datetime(2026, 6, 2, 10, 0, tzinfo=UTC)
    assert (one.duration_s, one.episode, one.explicit) == (3_665, 12, True)
    assert one.enclosures == (Enclosure("http://x.org/1.mp3", 1040, "audio/mpeg"),)


def test_an_atom_entry_is_read_likewise() -> None:
    feed = read_feed(ATOM)
    (one,) = feed.items
    assert (one.guid, one.title, one.link) == ("urn:1", "One", "http://x.org/1")
    assert one.published == datetime(2026, 6, 2, 10, 0, tzinfo=UTC)
    assert one.enclosures == (Enclosure("http://x.org/1.mp3", 1040, "audio/mpeg"),)
    assert list(mistakes_of(feed)) == []


def test_a_feed_that_lacks_nothing_has_no_mistakes() -> None:
    assert list(mistakes_of(read_feed(rss(), content_type="application/rss+xml"))) == []


@pytest.mark.parametrize(
    "name",
    ["title", "link", "description", "language", "itunes:image", "itunes:category", "itunes:explicit"],
)
def test_each_element_that_a_channel_needs_is_missed(name: str) -> None:
    start = GOOD_CHANNEL.index(f"<{name}")
    closing = GOOD_CHANNEL.find(f"</{name}>")
    end = closing + len(name) + 3 if closing >= 0 else GOOD_CHANNEL.index("/>", start) + 2
    (mistake,) = mistakes_of(read_feed(rss(GOOD_CHANNEL[:start] + GOOD_CHANNEL[end:])))
    assert mistake.what == f"the channel's <{name}> is missing or empty"
    assert mistake.serious


@pytest.mark.parametrize(
    ("written", "instead", "what"),
    [
        ("<title>One &amp;amp; two</title>", "", "<title> is missing"),
        (
            '<enclosure url="http://x.org/1.mp3" length="1040" type="audio/mpeg"/>',
            "",
            "<enclosure> is missing",
        ),
        ('length="1040"', 'length="0"', "the enclosure's length is missing or no number"),
        ('length="1040"', 'length="about 1 MB"', "the enclosure's length is missing or no number"),
        ('type="audio/mpeg"', "", "the enclosure's type is missing or no media type"),
        ("Tue, 02 Jun 2026 12:00:00 +0200", "the day before", "<pubDate> is no date"),
        ("1:01:05", "an hour", "<itunes:duration> is no duration"),
        (">yes<", ">maybe<", "<itunes:explicit> is neither true nor false"),
        ("<guid>g1</guid>", "", "<guid> is missing"),
        ("<pubDate>Tue, 02 Jun 2026 12:00:00 +0200</pubDate>", "", "<pubDate> is missing"),
    ],
)
def test_each_thing_that_an_item_needs_is_missed_and_the_item_named(
    written: str, instead: str, what: str
) -> None:
    assert written in GOOD_ITEM
    feed = read_feed(rss(items=GOOD_ITEM.replace(written, instead)))
    (mistake,) = mistakes_of(feed)
    assert mistake.what == what
    assert mistake.items == (("item 1",) if what == "<title> is missing" else ("'One & two'",))


def test_a_guid_given_twice_is_a_mistake_of_both_items() -> None:
    (mistake,) = mistakes_of(read_feed(rss(items=GOOD_ITEM * 2)))
    assert mistake.what == "the guid g1 is given 2 times"
    assert len(mistake.items) == 2


def test_a_feed_served_as_something_else_is_read_and_told() -> None:
    feed = read_feed(rss(), content_type="text/html")
    assert len(feed.items) == 1
    (mistake,) = mistakes_of(feed)
    assert "served or encoded oddly" in mistake.what
    assert not mistake.serious


def test_odd_values_of_language_and_explicit_are_told() -> None:
    odd = GOOD_CHANNEL.replace("en-GB", "English!").replace(">false<", ">perhaps<")
    assert [one.what for one in mistakes_of(read_feed(rss(odd)))] == [
        "the channel's <language> is no language code: English!",
        "the channel's <itunes:explicit> is neither true nor false: perhaps",
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<rss><channel>" + b"<a>" * 100_000, "nested deeper"),
        (b"<?xml version='1.0'?>" + b"\n" * 300_000 + b"<rss><channel/></rss>", "before its root element"),
        (b"<rss>" + b"<" * 300_000, "well-formed"),
        (
            b"<rss><channel>" + b"<item><title>x</title></item>" * 30_000 + b"</channel></rss>",
            "more than 5,000 items",
        ),
        (
            b"<rss><channel>" + b"<category>x</category>" * 100_000 + b"</channel></rss>",
            "more than 300 elements",
        ),
        (
            b"<rss><channel>" + (b"<item>" + b"<x/>" * 200 + b"</item>") * 2_000 + b"</channel></rss>",
            "200,000 el",
        ),
        (
            b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><rss><channel>&a;</channel></rss>',
            "document type",
        ),
        (b'<?xml version="1.0" encoding="klingon"?><rss><channel/></rss>', "encoding"),
        (b'<?xml version="1.0" encoding="zlib"?><rss><channel/></rss>', "encoding"),
        (b"<opml/>", "root element is <opml>"),
    ],
)
def test_a_feed_made_to_cost_time_or_memory_is_refused_at_once(body: bytes, said: str) -> None:
    began = time.process_time()  # not by the clock on the wall: the machine may be busy
    with pytest.raises(FeedError, match=said):
        read_feed(body)
    assert time.process_time() - began < 5


def test_entities_of_an_entity_never_grow_and_no_file_is_fetched_even_by_feedparser_itself() -> None:
    """Why a document type is refused first, and what would happen if it weren't."""
    feedparser = pytest.importorskip("feedparser")
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    bomb = f'<!DOCTYPE x [<!ENTITY l0 "lol">{laughs}]><rss><channel><title>&l8;</title></channel></rss>'
    assert len(str(feedparser.parse(bomb.encode())["feed"])) < 1_000
    inclusion = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><rss><channel><title>&f;</title></channel></rss>'
    assert "root:" not in str(feedparser.parse(inclusion.encode()))
    for body in (bomb, inclusion):
        with pytest.raises(FeedError, match="document type"):
            read_feed(body.encode())


def test_a_body_that_is_the_name_of_a_file_or_an_address_is_never_opened() -> None:
    for body in (__file__.encode(), b"http://127.0.0.1:9/feed", b"/etc/passwd"):
        with pytest.raises(FeedError):
            read_feed(body)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_feed_or_no_feed(body: bytes) -> None:
    with suppress(FeedError):
        read_feed(body)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_in_an_item_is_kept_as_data(title: str, duration: str) -> None:
    def written(text: str) -> str:
        return "".join(f"&#{ord(char)};" for char in text if char.isprintable() and ord(char) < 0xD800)

    item = (
        f"<item><title>{written(title)}</title><itunes:duration>{written(duration)}</itunes:duration></item>"
    )
    feed = read_feed(rss(items=item))
    assert len(feed.items) == 1
    assert list(mistakes_of(feed))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1:02:03", 3_723),
        ("62:03", 3_723),
        ("3723", 3_723),
        ("90.5", 90),
        ("1h", None),
        ("", None),
        ("-5", None),
    ],
)
def test_a_clock_time_has_seconds(text: str, seconds: int | None) -> None:
    assert clock_seconds(text) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT1H2M3S", 3_723),
        ("PT45S", 45),
        ("P1DT1S", 86_401),
        ("pt5m", 300),
        ("P", None),
        ("PT", None),
        ("P1M", None),
    ],
)
def test_an_iso_duration_has_seconds(text: str, seconds: int | None) -> None:
    assert iso_seconds(text) == seconds


@given(st.integers(0, 300_000))
def test_a_clock_time_reads_as_it_was_written(seconds: int) -> None:
    assert clock_seconds(clock(seconds)) == seconds
