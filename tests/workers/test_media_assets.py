"""Captions, chapters, transcripts and show notes, as workers.sources reads and drafts them."""

import time

import pytest

from workers.sources.captions import Captions, Cue, clock, read_captions
from workers.sources.chapters import Chapters, read_chapters, stamp
from workers.sources.show_notes import draft_notes, headline_sentences
from workers.sources.transcripts import Transcript, Turn, read_transcript


def vtt(text: str) -> Captions:
    return read_captions(text, srt=False, max_cues=100)


def srt(text: str) -> Captions:
    return read_captions(text, srt=True, max_cues=100)


# Captions


def test_cues_of_webvtt_are_read_with_speaker_text_and_line() -> None:
    text = (
        "WEBVTT - a title\nKind: captions\n\nNOTE 1 -> 2\n\nSTYLE\n::cue { color: red }\n\nfirst\n"
        "00:01.000 --> 00:02.500 align:start\n<v.loud Ada Marsh>Hi <b>there</b>\nyou\n\n"
        "100:00:00.000 --> 100:00:01.000\nLate\x07\n"
    )
    assert vtt(text) == Captions(
        (
            Cue(1_000, 2_500, "Hi there you", "Ada Marsh", 10),
            Cue(360_000_000, 360_001_000, "Late\N{REPLACEMENT CHARACTER}", None, 14),
        )
    )


def test_cues_of_subrip_are_read_whatever_their_line_ends() -> None:
    text = (
        "\ufeff1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>Hi</i>\r\n\r\n"
        "2\r\n00:00:03,000 --> 00:00:04,000\r\nyou\r\n"
    )
    assert srt(text) == Captions((Cue(1_000, 2_500, "Hi", None, 2), Cue(3_000, 4_000, "you", None, 6)))


@pytest.mark.parametrize(
    ("text", "line", "expected", "cues"),
    [
        ("", 1, "doesn't begin with the word WEBVTT", 0),
        ("<html>", 1, "<html>", 0),
        ("WEBVTT\n", 1, "no cues", 0),
        ("WEBVTT\n\n00:01.000 -> 00:02.000\nHi\n\n00:03.000 --> 00:04.000\nyou\n", 3, "isn't read", 1),
        ("WEBVTT\n\n00:01,000 --> 00:02,000\nHi\n\n00:03.000 --> 00:04.000\nyou\n", 3, "isn't read", 1),
        ("WEBVTT\n\n0:1.0 --> 00:02.000\nHi\n\n00:03.000 --> 00:04.000\nyou\n", 3, "isn't read", 1),
        ("WEBVTT\n\n00:01.000 -->\nHi\n\n00:03.000 --> 00:04.000\nyou\n", 3, "isn't read", 1),
        ("WEBVTT\n\n00:61.000 --> 01:62.000\nHi\n", 3, "isn't read", 0),
        ("WEBVTT\n\n00:04.000 --> 00:04.000\nHi\n", 3, "not after 00:04.000", 1),
        ("WEBVTT\n\na\nb\n00:04.000 --> 00:05.000\nHi\n", None, "", 1),
    ],
)
def test_webvtt_that_doesnt_parse_is_a_mistake_with_its_line(
    text: str, line: int | None, expected: str, cues: int
) -> None:
    captions = vtt(text)
    assert len(captions.cues) == cues
    assert [mistake.line for mistake in captions.mistakes] == ([line] if line else [])
    assert all(expected in mistake.text for mistake in captions.mistakes)


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("Hello\n", 1, "doesn't begin with the number 1"),
        ("1\n00:00:01,000 --> 00:00:02\nHi\n", 2, "isn't read"),
        ("1\n00:00:01,000 --> 00:00:02,000\nHi\n\n2\n00:00:03,000 -> 00:00:04,000\nyou\n", 6, "isn't read"),
        (
            "1\n00:00:01,000 --> 00:00:02,000\nHi\n\nx\n00:00:03,000 --> 00:00:04,000\nyou\n",
            6,
            "no cue begins",
        ),
    ],
)
def test_subrip_that_doesnt_parse_is_a_mistake_with_its_line(text: str, line: int, expected: str) -> None:
    (mistake,) = srt(text).mistakes
    assert mistake.line == line
    assert expected in mistake.text


@pytest.mark.own_clock
@pytest.mark.parametrize(
    "text",
    [
        "WEBVTT\n\n" + "00:00.000 --> 00:01.000\nx\n\n" * 50_000,
        "WEBVTT\n\n" + "00:00.000 --> " * 100_000,
        "WEBVTT\n\n" + " " * 1_900_000 + "00:00.000",
        "WEBVTT\n\n00:00.000 --> 00:01.000\n" + "<" * 1_000_000,
        "WEBVTT\n\n00:00.000 --> 00:01.000\n" + "<v x" * 400_000,
        "WEBVTT\n\n" + "1:1:1" * 300_000,
    ],
    ids=["cues", "arrows", "spaces", "brackets", "voices", "times"],
)
def test_a_caption_bomb_takes_no_time(text: str) -> None:
    started = time.thread_time()
    captions = vtt(text)
    assert sum(len(cue.text) for cue in captions.cues) <= 1_000
    assert time.thread_time() - started < 20


def test_times_are_written_as_players_do() -> None:
    assert [clock(0), clock(3_723_045)] == ["00:00:00.000", "01:02:03.045"]
    assert [stamp(0), stamp(62.9), stamp(3_723), stamp(36_000)] == ["0:00", "1:02", "1:02:03", "10:00:00"]


# Chapters


def told(chapters: Chapters) -> list[tuple[float, str, int]]:
    return [(each.start_s, each.title, each.line) for each in chapters.chapters]


def test_chapters_are_read_from_lines_json_and_webvtt() -> None:
    lines = "# a remark\n0:00 Hello\n- [1:02:30] - What came of it\n(75:10) Late\n\n00:05.500\n"
    assert told(read_chapters(lines, path="chapters.txt")) == [
        (0, "Hello", 2),
        (3_750, "What came of it", 3),
        (4_510, "Late", 4),
        (5, "", 6),
    ]
    written = (
        '{"version": "1", "chapters": [\n{"startTime": 0, "title": "A"},\n{"title": "B", "startTime": 1.5}]}'
    )
    assert told(read_chapters(written, path="a/chapters.json")) == [(0, "A", 2), (1.5, "B", 3)]
    cues = "WEBVTT\n\n00:00.000 --> 00:10.000\nA\n\n00:10.000 --> 00:20.000\nB\n"
    assert told(read_chapters(cues, path="chapters.vtt")) == [(0, "A", 3), (10, "B", 6)]


@pytest.mark.parametrize(
    ("path", "text", "line", "expected"),
    [
        ("c.txt", "", 1, "no chapters"),
        ("c.txt", "0:00 A\nThen B\n", 2, "doesn't begin with a time"),
        ("c.txt", "0:00 A\n1:75 B\n", 2, "doesn't begin with a time"),
        ("c.json", '{"chapters": [\n{"startTime": 0,', 2, "isn't JSON"),
        ("c.json", "[" * 100_000, 1, "can't be read as JSON"),
        ("c.json", "[]", 1, "no list `chapters`"),
        ("c.json", '{"chapters": {}}', 1, "no list `chapters`"),
        ("c.json", '{"chapters": [\n{"startTime": "0:00"}]}', 2, "chapter 1 has no `startTime`"),
        ("c.json", '{"chapters": [{"startTime": true}]}', 1, "chapter 1"),
        ("c.json", '{"chapters": [{"startTime": NaN}]}', 1, "chapter 1"),
        ("c.json", '{"chapters": [{"startTime": -1}]}', 1, "chapter 1"),
        ("c.json", '{"chapters": [7]}', 1, "chapter 1"),
        ("c.json", '{"chapters": [{"startTime": ' + "9" * 5_000 + "}]}", 1, "can't be read"),
        ("c.vtt", "0:00 A", 1, "WEBVTT"),
    ],
)
def test_chapters_that_cant_be_read_are_a_mistake_with_its_line(
    path: str, text: str, line: int, expected: str
) -> None:
    (mistake,) = read_chapters(text, path=path).mistakes
    assert mistake.line == line
    assert expected in mistake.text


def test_more_chapters_than_the_limit_are_a_mistake() -> None:
    chapters = read_chapters("0:00 A\n" * 50, path="c.txt", max_chapters=10)
    assert len(chapters.chapters) == 10
    assert "50 chapters" in chapters.mistakes[0].text


# Transcripts


def test_a_transcript_of_lines_has_speakers_times_and_what_was_said() -> None:
    text = (
        "Recorded: in June\n\n[00:00:05] Mara Ellison: Welcome: sit down.\nAll of you.\n"
        "12:30 Ada Marsh: And then.\n**Ada Marsh:** Markdown, too.\n(1:02:03) Mara Ellison: Bye.\n"
    )
    transcript = read_transcript(text, path="transcript.txt")
    assert transcript.turns == (
        Turn(None, None, "Recorded: in June"),
        Turn("Mara Ellison", 5, "Welcome: sit down."),
        Turn("Mara Ellison", None, "All of you."),
        Turn("Ada Marsh", 750, "And then."),
        Turn("Ada Marsh", None, "Markdown, too."),
        Turn("Mara Ellison", 3_723, "Bye."),
    )
    assert transcript.speakers == ("Mara Ellison", "Ada Marsh")
    assert transcript.words == 14


def test_captions_are_a_transcript_too() -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ada>Hi\n"
    assert read_transcript(text, path="a.vtt").turns == (Turn("Ada", 1, "Hi"),)
    assert read_transcript("nonsense", path="a.srt") == Transcript()


# Show notes


def said(*sentences: str) -> Transcript:
    return Transcript(tuple(Turn("Ada Marsh", number * 60, text) for number, text in enumerate(sentences)))


def test_the_sentences_picked_are_those_of_the_words_most_said_in_the_order_they_fall() -> None:
    transcript = said(
        "I had toast with butter and a cup of tea this morning.",
        "The archive of a newsroom earns more readers than the front page.",
        "An archive, an archive, an archive.",
        "Is the archive of the newsroom what the readers want from us now?",
        "Nobody budgets for an archive although every newsroom lives on one.",
        "The archive of a newsroom earns many more readers than a front page.",
    )
    picked = [one.text for one in headline_sentences(transcript, most=2)]
    assert picked == [
        "The archive of a newsroom earns more readers than the front page.",
        "Nobody budgets for an archive although every newsroom lives on one.",
    ]


def test_a_draft_is_picked_from_the_transcript_and_lets_no_markup_through() -> None:
    transcript = Transcript(
        (
            Turn(
                "<b>Ada</b>",
                65,
                "We put <script>alert(1)</script> and [a link](http://x) into the archive again.",
            ),
            Turn(None, None, "Short."),
        )
    )
    chapters = read_chapters("0:00 *Hello*\n1:05 Scripts\n", path="c.txt").chapters
    notes = draft_notes(
        title="12 & <more>", transcript=transcript, chapters=chapters, source="assets/012/t.txt", sentences=5
    )
    assert notes.splitlines() == [
        "# 12 &amp; &lt;more&gt;",
        "",
        "Draft picked from assets/012/t.txt: read it before it is used.",
        "",
        "With &lt;b&gt;Ada&lt;/b&gt;.",
        "",
        "- [1:05] &lt;b&gt;Ada&lt;/b&gt;: “We put &lt;script&gt;alert(1)&lt;/script&gt; and "
        "\\[a link\\](http://x) into the archive again.”",
        "",
        "## Chapters",
        "",
        "- 0:00 \\*Hello\\*",
        "- 1:05 Scripts",
    ]


@pytest.mark.own_clock
def test_a_draft_of_an_endless_transcript_is_bounded() -> None:
    text = "".join(
        f"Ada: word{number} and the archive of the newsroom is what we all read.\n"
        for number in range(40_000)
    )
    started = time.thread_time()
    transcript = read_transcript(text, path="t.txt")
    notes = draft_notes(title="x" * 9_000, transcript=transcript, chapters=(), source="t.txt", sentences=20)
    assert len(notes) <= 6_000
    assert len(transcript.turns) == 20_000
    assert time.thread_time() - started < 20
