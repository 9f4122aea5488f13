"""What is published of the benchmarks is what was measured."""

import json

import pytest

from tests.benchmarks.published import in_full, in_short
from tests.ground.shut import REPOSITORY

RAW = REPOSITORY / "docs" / "benchmarks.json"


def test_the_tables_in_readme_and_docs_are_drawn_from_the_raw_numbers() -> None:
    kept = json.loads(RAW.read_text(encoding="utf-8"))
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    published = readme.partition("<!-- benchmarks -->\n")[2].partition("\n<!-- end of benchmarks -->")[0]
    assert published == in_short(kept)
    assert (REPOSITORY / "docs" / "benchmarks.md").read_text(encoding="utf-8") == in_full(kept)


def test_every_question_was_asked_in_one_run_of_ten_rounds() -> None:
    from tests.benchmarks.__main__ import MEASUREMENTS

    kept = json.loads(RAW.read_text(encoding="utf-8"))
    assert kept["results"].keys() == MEASUREMENTS.keys()
    assert "--rounds" not in kept["command"]


KEPT = {
    "at": "2026-11-28T06:00:00+00:00",
    "machine": "a machine",
    "command": "python -m tests.benchmarks",
    "results": {
        "lost": {
            "title": "lost",
            "columns": ["", "ticks as", "lost"],
            "rows": [
                ["Loom", "fpl-intelligence", "0"],
                ["Loom", "aprender", "0"],
                ["other", "aprender", "7"],
            ],
            "notes": ["a note"],
            "goals": [{"text": "nothing lost", "reached": True}, {"text": "quick", "reached": False}],
            "raw": {},
        }
    },
}


def test_readme_gets_some_rows_and_every_goal_and_the_document_gets_all() -> None:
    short, full = in_short(KEPT), in_full(KEPT)
    assert [line for line in short.splitlines() if line.startswith("| Loom")] == [
        "| Loom | fpl-intelligence | 0 |"
    ]
    assert "a note" not in short
    for told in (short, full):
        assert "- reached: nothing lost\n- **missed**: quick" in told
        assert "2026-11-28: a machine; `python -m tests.benchmarks`" in told
    assert "| other | aprender | 7 |" in full
    assert "- a note" in full


def test_a_row_of_a_column_that_is_not_there_is_no_excerpt() -> None:
    wrong = {**KEPT, "results": {"slots": KEPT["results"]["lost"]}}  # type: ignore[index]
    with pytest.raises(ValueError, match="not in tuple"):
        in_short(wrong)
