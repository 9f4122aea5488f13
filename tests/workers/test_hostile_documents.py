"""Whatever notes, instructions or pieces of the queue hold: reading it never raises, and never takes long."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workers.documents_sample import SAMPLE_NOW
from workers.sources.commands import read_commands
from workers.sources.directives import contradictions, read_directives
from workers.sources.instructions import read_instructions
from workers.sources.markdown import Mistake
from workers.sources.memories import read_memories
from workers.sources.queue import Piece, read_piece
from workers.sources.similarity import alike
from workers.sources.texts import Text
from workers.sources.wording import passed_days, vague_phrases

TODAY = SAMPLE_NOW.date()
ANY = st.one_of(
    st.text(max_size=200),
    st.text(alphabet="-:\n \"'`#[]{}()&*|>!%@.,abc019", max_size=200),
    st.text(alphabet="-:\n due&*a[]{}!<1", max_size=120).map(lambda text: f"---\n{text}\n---\nbody"),
    st.text(alphabet=" \n.,;:never always don't use it", max_size=200),
)


def read_all(text: str) -> None:
    read_memories("a.md", text)
    read_memories("a.jsonl", text)
    assert isinstance(read_piece("a.md", text), Piece | Mistake)
    file = read_instructions(Text("a.md", text))
    list(read_commands(file.body))
    for passage in file.body.passages:
        list(vague_phrases(passage.text))
        list(passed_days(passage.text, TODAY, stale_after_days=1))
    said = list(read_directives(text))
    assert all(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")[one.start :] for one in said)
    contradictions(said, limit=10)


@given(ANY)
def test_reading_any_text_never_raises(text: str) -> None:
    read_all(text)


@given(
    st.dictionaries(
        st.sampled_from(["text", "at", "subject", "date"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
            ),
        ),
    )
)
def test_reading_any_json_line_never_raises(value: dict[str, object]) -> None:
    memories, mistakes = read_memories("a.jsonl", json.dumps(value))
    assert len(memories) <= 1
    assert memories or mistakes


@pytest.mark.parametrize(
    "text",
    [
        "." * 200_000,
        "a" * 200_000,
        "a." * 100_000,
        " " * 200_000,
        "- " * 5_000,
        "'" * 200_000,
        '"a' * 100_000,
        "`" * 20_000,
        "` `" * 50_000,
        "a/" * 100_000,
        "`" + "a/" * 100_000 + "`",
        "until 2020-01-01 " * 10_000,
        "try to etc. as needed " * 10_000,
        "never " * 30_000,
        "never use it always use it " * 8_000,
        "must \n " * 30_000,
        "and but , " * 20_000,
        "    $ make " + "x" * 200_000,
        "---\n" + "a: &a [*a]\n" * 100 + "---\n",
        "---\ndue: " + "1" * 100_000 + "\n---\n",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_no_text_takes_long(text: str) -> None:
    started = time.thread_time()
    read_all(text)
    alike([text, text + " b", "c " + text], threshold=80)
    assert time.thread_time() - started < 60
