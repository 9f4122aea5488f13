"""media-post-production against real files. Now is 15 June 2026, 09:00 in Chicago."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from loom.worker import Skip
from tests.ground.command import Command
from tests.ground.project import Project
from tests.sample.planted import assert_found, planted
from tests.workers.conftest import Contexts
from tests.workers.media_sample import COMPANY, SAMPLE_NOW, by_command, write
from tests.workers.outputs import counted, only
from workers.media_post_production import KINDS, Output, Settings, reads, run

SOUND = {
    "show": "Sessions",
    "number": "12",
    "title": "The long tail",
    "status": "recorded",
    "recording": "2026-06-05 10:00",
    "duration": "10:00",
    "assets": "assets/012",
}
TRANSCRIPT = (
    "[00:05] Mara Ellison: Welcome to the archive of the newsroom, where the old stories are.\n"
    "[01:00] Ada Marsh: The archive of a newsroom earns more readers than its front page.\n"
    "[02:00] Mara Ellison: Bye.\n[02:01] Ada Marsh: Bye.\n"
)
CAPTIONS = "WEBVTT\n\n00:05.000 --> 00:09.000\nWelcome.\n\n01:00.000 --> 01:05.000\nThe archive.\n"
ASSETS: dict[str, str | bytes] = {
    "transcript.txt": TRANSCRIPT,
    "captions.vtt": CAPTIONS,
    "chapters.txt": "0:00 Hello\n1:00 The archive\n",
    "shownotes.md": "What an archive earns.\n",
    "thumbnail.png": b"\x89PNG",
}


def episode(**keys: str | None) -> str:
    """An episode recorded ten days ago, unless `keys` say otherwise."""
    return "".join(f"{key}: {value}\n" for key, value in {**SOUND, **keys}.items() if value is not None)


def scan(
    contexts: Contexts, files: Mapping[str, str | bytes], previous: Output | None = None, **settings: object
) -> Output:
    write(contexts.project, files)
    before = previous.model_dump(mode="json") if previous else None
    return run(contexts(Settings.model_validate(settings), now=SAMPLE_NOW, previous=before))


def one(contexts: Contexts, parts: Mapping[str, str | bytes | None] = {}, **keys: str | None) -> Output:
    """An episode whose folder holds all its parts; a part given as None isn't there."""
    files: dict[str, str | bytes] = {"episodes/012.yaml": episode(**keys)}
    for name, content in {**ASSETS, **parts}.items():
        if content is not None:
            files[f"assets/012/{name}"] = content
    return scan(contexts, files)


def kinds(output: Output) -> dict[str, int]:
    return counted(output, KINDS)


# The sample company


def test_every_fault_planted_in_the_sample_company_is_found_and_nothing_else(contexts: Contexts) -> None:
    sample = planted("media-post-production")
    settings = Settings.model_validate(sample.settings)
    output = run(contexts(settings, project=COMPANY, now=SAMPLE_NOW))
    assert_found(output, sample, KINDS)
    assert output.recordings_checked == 5
    assert all(finding.action for finding in output.findings)
    (draft,) = output.drafts
    assert [draft.episode for fault in sample.faults if fault.drafted] == [
        "episodes/015-how-we-lost-the-pitch.yaml"
    ]
    assert "With Mara Ellison, Priya Venkataraman." in draft.notes
    transcript = (COMPANY / draft.source).read_text()
    quotes = [line.partition("“")[2].removesuffix("”") for line in draft.notes.splitlines() if "“" in line]
    assert len(quotes) == 5
    assert all(quote in transcript for quote in quotes)


# What should be there by now


def test_a_recording_with_all_its_parts_is_no_finding(contexts: Contexts) -> None:
    output = one(contexts)
    assert (output.findings, output.drafts, output.recordings_checked) == ([], [], 1)
    assert output.summary == "1 recordings checked, 0 findings."


@pytest.mark.parametrize(
    ("part", "kind", "days"),
    [
        ("transcript.txt", "transcript", 3),
        ("chapters.txt", "chapters", 5),
        ("shownotes.md", "notes", 5),
        ("thumbnail.png", "thumbnail", 5),
    ],
)
def test_a_missing_part_is_found_once_it_is_due_and_critical_when_it_is_late(
    part: str, kind: str, days: int, contexts: Contexts
) -> None:
    severities = []
    for since in (days - 1, days, days + 6, days + 7):
        day = 15 - since
        recording = f"2026-06-{day:02} 23:00" if day > 0 else f"2026-05-{31 + day:02} 23:00"
        output = one(contexts, {part: None}, recording=recording)
        severities.append([finding.severity for finding in output.findings])
        assert set(kinds(output)) <= {kind}
    assert severities == [[], ["warning"], ["warning"], ["critical"]]
    (contexts.project / "assets" / "012" / part).write_text("")
    finding = only(one(contexts, {part: b"" if part.endswith("png") else ""}))
    assert f"assets/012/{part} is empty" in finding.detail
    assert finding.subject == "episodes/012.yaml:7"


def test_a_transcript_of_blank_lines_is_an_empty_one(contexts: Contexts) -> None:
    assert "transcript.txt is empty" in only(one(contexts, {"transcript.txt": "\n \n"})).detail


@pytest.mark.parametrize("assets", [None, "assets/gone", "../outside", "/etc", "episodes/012.yaml", "link"])
def test_without_a_folder_of_the_project_one_finding_says_so(
    assets: str | None, contexts: Contexts, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    write(outside, {"transcript.txt": TRANSCRIPT})
    (contexts.project / "link").symlink_to(outside)
    output = one(contexts, assets=assets)
    assert kinds(output) == {"assets": 1}
    assert only(output).severity == "critical"
    assert output.drafts == []


def test_names_of_files_are_a_setting_and_a_part_may_lie_deeper(contexts: Contexts) -> None:
    files: dict[str, str | bytes] = {
        "episodes/012.yaml": episode(),
        "assets/012/text/Abschrift.txt": TRANSCRIPT,
        "assets/012/web/cover.jpg": b"\xff",
        "assets/012/kapitel.txt": "0:00 Hello",
        "assets/012/notes.html": "<p>",
    }
    output = scan(contexts, files, transcript=["Abschrift.*"], chapters=["kapitel.txt"])
    assert output.findings == []


def test_only_recorded_and_lately_published_episodes_are_looked_at(contexts: Contexts) -> None:
    files = {
        "episodes/1.yaml": episode(number="1", status="planned", assets=None),
        "episodes/2.yaml": episode(number="2", status="published", published="2026-05-31", assets=None),
        "episodes/3.yaml": episode(
            number="3", status="published", published="2026-06-01", recording="2026-04-01 10:00", assets=None
        ),
    }
    output = scan(contexts, files)
    assert output.recordings_checked == 1
    assert (only(output).subject, only(output).severity) == ("episodes/3.yaml", "warning")


def test_an_episode_past_its_day_or_without_a_day_of_recording_is_found(contexts: Contexts) -> None:
    assert kinds(one(contexts, published="2026-06-15")) == {}
    output = one(contexts, published="2026-06-14")
    assert kinds(output) == {"overdue": 1}
    assert kinds(one(contexts, recording=None)) == {"undated": 1}
    assert kinds(one(contexts, {"thumbnail.png": None}, recording=None)) == {"undated": 1}
    (contexts.project / "assets" / "012" / "thumbnail.png").unlink()
    assert kinds(one(contexts, {"thumbnail.png": None}, recording=None)) == {"undated": 1, "thumbnail": 1}


# Captions and chapters


@pytest.mark.parametrize(
    ("assets", "kind", "subject", "expected"),
    [
        ({"captions.vtt": "Hello"}, "captions", "captions.vtt:1", "WEBVTT"),
        ({"captions.vtt": CAPTIONS.replace("-->", "->", 1)}, "captions", "captions.vtt:3", "isn't read"),
        ({"b.srt": "1\n00:00:01,000 --> 00:00:02\nHi\n"}, "captions", "b.srt:2", "isn't read"),
        (
            {"captions.vtt": CAPTIONS.replace("00:09.000", "01:00.001")},
            "captions_overlap",
            "captions.vtt:6",
            "00:01:00.000 is before 00:01:00.001",
        ),
        (
            {"captions.vtt": CAPTIONS.replace("01:05.000", "10:02.001")},
            "captions_beyond",
            "captions.vtt:6",
            "1 of 2 cues, the last until 00:10:02.001; the audio ends at 10:00",
        ),
        ({"chapters.txt": "0:00 A\nB\n"}, "chapters_form", "chapters.txt:2", "begin with a time"),
        ({"chapters.txt": "0:00 A\n1:00\n"}, "chapters_form", "chapters.txt:2", "1:00"),
        ({"chapters.txt": "0:01 A\n1:00 B\n"}, "chapters_start", "chapters.txt:1", "begins at 0:01"),
        (
            {"chapters.txt": "0:00 A\n1:00 B\n1:00 C"},
            "chapters_order",
            "chapters.txt:3",
            "1:00 stands after 1:00",
        ),
        ({"chapters.txt": "0:00 A\n10:03 B\n"}, "chapters_beyond", "chapters.txt:2", "ends at 10:00"),
        ({"chapters.json": '{"chapters": ['}, "chapters_form", "chapters.json:1", "isn't JSON"),
    ],
)
def test_captions_and_chapters_that_players_take_badly_are_found_with_their_line(
    assets: dict[str, str], kind: str, subject: str, expected: str, contexts: Contexts
) -> None:
    output = one(contexts, assets)
    assert kinds(output) == {kind: 1}
    assert only(output).subject == f"assets/012/{subject}"
    assert expected in only(output).detail


@pytest.mark.parametrize(
    "keys", [{"duration": None}, {"duration": "9:58"}, {"duration": "1:10:00"}], ids=["none", "close", "long"]
)
def test_captions_within_the_tolerance_or_of_audio_of_unknown_length_arent_beyond_it(
    keys: dict[str, str | None], contexts: Contexts
) -> None:
    captions = {
        "captions.vtt": CAPTIONS.replace("01:05.000", "10:00.000"),
        "chapters.txt": "0:00 A\n10:00 B\n",
    }
    assert one(contexts, captions, **keys).findings == []


def test_an_overlap_with_a_cue_that_isnt_the_last_one_is_found(contexts: Contexts) -> None:
    long = (
        "WEBVTT\n\n00:00.000 --> 01:00.000\nA\n\n00:10.000 --> 00:20.000\nB\n\n00:30.000 --> 00:40.000\nC\n"
    )
    detail = only(one(contexts, {"captions.vtt": long})).detail
    assert (
        detail == "line 6: 00:00:10.000 is before 00:01:00.000, line 9: 00:00:30.000 is before 00:01:00.000."
    )


def test_chapters_in_webvtt_arent_taken_for_captions(contexts: Contexts) -> None:
    chapters = "WEBVTT\n\n00:00.000 --> 05:00.000\nA\n\n05:00.000 --> 09:00.000\nB\n"
    assert one(contexts, {"chapters.txt": None, "chapters.vtt": chapters}).findings == []


# Drafts


def test_show_notes_are_drafted_only_where_there_are_none_and_somebody_wrote_down_what_was_said(
    contexts: Contexts,
) -> None:
    output = one(contexts, {"shownotes.md": None})
    (draft,) = output.drafts
    assert (draft.episode, draft.source) == ("episodes/012.yaml", "assets/012/transcript.txt")
    assert "With Mara Ellison, Ada Marsh." in draft.notes
    assert "“The archive of a newsroom earns more readers than its front page.”" in draft.notes
    assert "- 1:00 The archive" in draft.notes
    assert "assets/012/transcript.txt" in only(output).action
    assert output.metrics["drafts"] == 1
    assert not list(contexts.project.rglob("*notes*")), "nothing is written"


def test_without_a_transcript_the_captions_stand_in_and_without_words_nothing_is_made_up(
    contexts: Contexts,
) -> None:
    bare = {"shownotes.md": None, "transcript.txt": None}
    output = one(contexts, bare)
    assert [draft.source for draft in output.drafts] == ["assets/012/captions.vtt"]
    (contexts.project / "assets" / "012" / "captions.vtt").unlink()
    output = one(contexts, {**bare, "captions.vtt": None})
    assert output.drafts == []
    assert kinds(output) == {"transcript": 1, "notes": 1}
    assert "draft" not in " ".join(finding.action for finding in output.findings)


def test_no_more_drafts_are_made_than_the_limit(contexts: Contexts) -> None:
    files = {f"episodes/{n}.yaml": episode(number=str(n), assets=f"assets/{n}") for n in range(1, 8)}
    files |= {f"assets/{n}/transcript.txt": TRANSCRIPT for n in range(1, 8)}
    assert len(scan(contexts, files).drafts) == 5
    assert len(scan(contexts, {}, max_drafts=0).drafts) == 0


# Bad input, limits, and the output


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("captions.vtt", b"WEBVTT\n" + b"x" * 10_000_000, "more than the limit of 2,000,000"),
        (
            "captions.vtt",
            "WEBVTT\n\n" + "00:00.000 --> 00:01.000\nx\n\n" * 20_001,
            "20,001 cues, more than 20,000",
        ),
        ("captions.vtt", b"WEBVTT\n\n\xff\xfe", "isn't UTF-8"),
        ("transcript.txt", b"\x00" * 100, "binary"),
        ("chapters.txt", b"0:00 Gr\xfc\xdfe", "isn't UTF-8"),
    ],
    ids=["bomb", "cues", "latin-1", "binary", "chapters"],
)
def test_an_asset_that_cant_be_read_is_a_finding_and_the_rest_is_checked(
    name: str, content: str | bytes, expected: str, contexts: Contexts
) -> None:
    output = one(contexts, {name: content, "thumbnail.png": None})
    details = [
        finding.detail for finding in output.findings if finding.subject.startswith(f"assets/012/{name}")
    ]
    assert len(details) == 1, output.findings
    assert expected in details[0]
    assert kinds(output)["thumbnail"] == 1


def test_a_file_that_cant_be_read_hides_no_other(contexts: Contexts) -> None:
    write(contexts.project, {"episodes/011.yaml": "show: Sessions\nnumber: 11\ntitle: 'Half"})
    output = one(contexts, {"thumbnail.png": None})
    assert kinds(output) == {"unreadable": 1, "thumbnail": 1}
    assert output.findings[0].subject == "episodes/011.yaml:3"


def test_names_with_control_characters_and_markup_are_shown_plain(contexts: Contexts) -> None:
    write(contexts.project, {"assets/012/\x1b[2J<b>.vtt": "no captions"})
    output = one(contexts, {"shownotes.md": None}, title='"<script>\\e[2J"')
    assert kinds(output) == {"captions": 1, "notes": 1}
    text = " ".join(f"{each.title}{each.subject}{each.detail}{each.action}" for each in output.findings)
    assert "<b>.vtt" in text
    assert text.isprintable()
    assert "<script>" not in output.drafts[0].notes
    assert output.drafts[0].notes.replace("\n", "").isprintable()


def test_files_beyond_the_limit_are_said_to_be_unchecked(contexts: Contexts) -> None:
    write(contexts.project, {f"assets/012/zz/{number}.wav": "x" for number in range(300)})
    output = one(contexts)
    assert kinds(output) == {"unchecked": 1}
    assert "105 files" in only(output).detail


def test_without_any_episode_file_the_run_is_skipped_and_with_none_recorded_it_says_so(
    contexts: Contexts,
) -> None:
    with pytest.raises(Skip, match=r"no file fits episodes/\*.yaml"):
        scan(contexts, {"assets/012/transcript.txt": TRANSCRIPT})
    output = one(contexts, status="planned")
    assert (output.recordings_checked, output.findings) == (0, [])


def test_a_second_run_tells_new_from_resolved(contexts: Contexts) -> None:
    first = one(contexts, {"thumbnail.png": None, "shownotes.md": None})
    second = scan(contexts, {"assets/012/shownotes.md": "Notes"}, previous=first)
    assert (second.metrics["new"], second.metrics["resolved"]) == (0, 1)


def test_a_cancelled_run_stops_between_episodes_and_says_how_far_it_came(contexts: Contexts) -> None:
    write(contexts.project, {f"episodes/{number}.yaml": episode(number=str(number)) for number in range(5)})
    answers = iter([False, False, True])
    output = run(contexts(Settings(), now=SAMPLE_NOW, cancelled=lambda: next(answers)))
    assert output.recordings_checked == 2
    assert output.summary.startswith("2 of 5 recordings checked")


def test_what_a_run_would_read_is_told(contexts: Contexts) -> None:
    write(contexts.project, {"episodes/1.yaml": episode(), "episodes/2.yaml": "half: ["})
    assert list(reads(Settings(), contexts.project)) == [
        "episodes/*.yaml, episodes/*.yml: 2 files",
        "asset folders of recorded and lately published episodes, of assets/012",
    ]


# By the real command


def test_by_the_real_command_it_runs_guarded_and_a_breach_of_expect_is_invalid(
    loom: Command, project: Project
) -> None:
    files = {f"assets/012/{name}": content for name, content in ASSETS.items() if name != "shownotes.md"}
    write(project.root, {"episodes/012.yaml": episode(), **files})
    expect = "{non_empty: [summary], min: {metrics.episodes_read: 1}}"
    (ran,) = by_command(loom, project, "media-post-production", expect).json()["runs"]
    assert ran["outcome"] == "succeeded", ran
    assert [finding["title"] for finding in ran["output"]["findings"]] == ["No show notes of episode 12"]
    assert "Ada Marsh" in ran["output"]["drafts"][0]["notes"]
    Path(project.root / "episodes" / "012.yaml").write_text("title: [")
    (ran,) = by_command(loom, project, "media-post-production", expect, "--force").json()["runs"]
    assert ran["outcome"] == "invalid", ran
    assert "episodes_read" in ran["error"]["where"], ran
