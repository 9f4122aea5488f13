"""The law of `loom.enforcement.masking`, on whatever Hypothesis can think of."""

import base64
import html
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from loom.cutting import cut
from loom.enforcement.masking import mask, mask_json
from loom.execution.capture import RunLog

secrets_drawn = st.text(st.characters(exclude_characters="*"), min_size=4, max_size=40).filter(
    lambda secret: len(secret.strip()) >= 4
)


@given(
    text=st.lists(st.text(max_size=10), max_size=5).map("".join),
    secrets=st.lists(secrets_drawn, max_size=3),
    at=st.integers(0, 50),
)
def test_no_secret_is_left_in_a_masked_text(text: str, secrets: list[str], at: int) -> None:
    masked = mask(text[:at] + "".join(secrets) + text[at:], secrets)
    assert not any(secret in masked for secret in secrets)
    assert mask(masked, secrets) == masked


# Letters of which none is in the words around them, so that what is left of a secret can be told.
coded = st.text("ABCÄ\"'\\/%&<\n", min_size=8, max_size=60).filter(
    lambda secret: secret == secret.strip() and len(secret.splitlines()) == 1
)
FORMS: tuple[Callable[[str], str], ...] = (
    str,
    lambda secret: quote(secret, safe=""),
    lambda secret: json.dumps(secret)[1:-1],
    lambda secret: repr(secret)[1:-1],
    html.escape,
    lambda secret: secret.encode().hex().upper(),
    lambda secret: base64.b64encode(secret.encode()).decode(),
)


@given(
    before=st.text("xyz ", max_size=20),
    secret=coded,
    form=st.sampled_from(FORMS),
    after=st.text("xyz ", max_size=20),
    longest=st.integers(1, 120),
    again=st.integers(1, 120),
)
def test_however_a_text_is_cut_no_four_letters_of_a_secret_s_form_are_left(
    before: str, secret: str, form: Callable[[str], str], after: str, longest: int, again: int
) -> None:
    shown = form(secret)
    masked = mask(cut(cut(before + shown + after, longest), again), [secret])
    assert not any(shown[at : at + 4] in masked for at in range(len(shown) - 3))
    assert len(masked) <= min(longest, again)


@given(
    before=st.text("xyz\n", max_size=40),
    secret=coded,
    form=st.sampled_from(FORMS),
    after=st.text("xyz\n", max_size=40),
    keep=st.integers(1, 60),
    pieces=st.lists(st.integers(1, 30), min_size=1, max_size=10),
)
def test_wherever_a_log_leaves_something_out_no_four_letters_of_a_secret_s_form_are_left(
    before: str, secret: str, form: Callable[[str], str], after: str, keep: int, pieces: list[int]
) -> None:
    shown = form(secret)
    log, rest = RunLog("law", lambda: 0.0, keep=keep), before + shown + after
    for size in pieces:
        log.write(rest[:size])
        rest = rest[size:]
    log.write(rest)
    masked = mask(log.text(), [secret])
    # A piece of its middle alone, between two cuts, can't be told from any other text.
    if len(shown.encode()) <= keep:
        assert not any(shown[at : at + 4] in masked for at in range(len(shown) - 3))


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    ),
    secret=st.sampled_from(["true", "null", '", "', "\\\\\\\\", "0000", "u0000"]) | secrets_drawn,
    at=st.sampled_from(["", "{}", "a {} z", "{}{}", "\\{}\\"]),
)
def test_a_masked_document_is_one_with_nothing_but_its_texts_changed(
    value: Any, secret: str, at: str
) -> None:
    whole = [value, at.replace("{}", secret), {secret: 1}]
    for ascii_only in (True, False):
        masked = json.loads(mask_json(json.dumps(whole, ensure_ascii=ascii_only), [secret]))
        assert shape(masked) == shape(whole)
        assert masked[1] == mask(whole[1], [secret])
        assert masked[2] == {secret: 1}


def shape(value: Any) -> Any:
    """`value` without its texts; keys are no texts."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value]
    return str if isinstance(value, str) else value
