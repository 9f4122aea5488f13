"""Masking: a secret's value doesn't leave in a log, an error, an output, an alert or an answer. Pure.

The law of `mask`, for every text and every secret of `SHORTEST` characters or more:

1. None of the secret's forms is left. Its forms are the value, the value without the white space around it,
   each of its lines of 8 characters or more, and these as they look in a URL, in JSON, in HTML and in
   Python's `repr` of text or bytes (the whole value also as it looks in one of these inside another, such
   as JSON inside JSON or a URL encoded twice), in hexadecimal, and in base64, also inside a longer one.
2. Nor is one of 8 characters or more that line ends, with the indentation after them, or any number of
   backslashes break up: one that was wrapped, or escaped again and again.
3. Where the text says that it was cut, by ``...`` or ``…``, neither the first `SHORTEST` or more characters
   of a form stand right before that, nor the last ones right after it. So whoever cuts a text says so
   (`loom.cutting`), and half a secret is hidden however early it was cut.
4. Masking again changes nothing, and neither does masking what holds none of this.

Not found: a secret that was compressed, encrypted, spelled backwards or taken apart; a piece from the middle
of one; and what is split over two texts of which each is masked by itself.
"""

import base64
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator
from functools import lru_cache
from itertools import groupby
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 4
"""Characters, white space around them not counted. A shorter value isn't masked: it would blank ordinary
words and hide nothing."""

_SHORTEST_PART = 8  # of a line of a longer secret, and of its base64 inside other base64
_CUT = re.compile(r"\.{3,}|…|\\u2026")
_BETWEEN = " '\"\n\\"  # a cut text and its mark, when it was shown by `repr`, by JSON or on lines of its own
_BETWEEN_AT_MOST = 3
# Line ends also as they look in JSON and `repr`; then what the line begins with, in a traceback of a group.
_BREAK = re.compile(r"(?:[\r\n]|(?<!\\)\\++(?!u2026)[rn]?)+[ \t|]*")
_LITERAL = r'("(?:[^"\\]|\\.)*")(\s*:)?'
_LOWER_HEX = re.compile("%[0-9A-F]{2}")

_Span = tuple[int, int]


def mask(text: str, secrets: Collection[str]) -> str:
    """`text` with ``***`` in the place of every secret, in whatever form it stands there; see above."""
    forms, flat_forms = _forms_of(frozenset(secrets))
    if forms.all:
        # What is left on both sides of a mask may be a secret too; each round leaves fewer characters.
        while spans := [*_spans(text, forms), *_broken(text, flat_forms)]:
            text = _without(text, spans)
    return text


def is_too_short(secret: str) -> bool:
    """Whether `secret` is left as it is wherever it stands."""
    return len(secret.strip()) < SHORTEST


def mask_json(document: str, secrets: Collection[str]) -> str:
    """A JSON document with its texts masked, and still one: no key, number or constant is touched, for a
    secret may be ``true``, ``1234`` or the name of a key."""
    # As in loom.report.as_json: the runner of GitHub Actions obeys '##[' anywhere in a line.
    shown = document.replace("\\u0023#[", "##[")
    if all(mask(text, secrets) == text for text in (document, shown)):
        return document

    def masked(found: re.Match[str]) -> str:
        literal, colon = found.groups()
        if colon:
            return found[0]
        before = json.loads(literal)
        after = mask(before, secrets)
        return literal if after == before else json.dumps(after).replace("##[", "\\u0023#[")

    return re.sub(_LITERAL, masked, document)


class _Forms:
    """heads, tails: those that begin, or end, with so many characters."""

    def __init__(self, found: Collection[str]) -> None:
        self.all = tuple(sorted(found))
        self.heads = _grouped(found, lambda form: form[:SHORTEST])
        self.tails = _grouped(found, lambda form: form[-SHORTEST:])
        self.longest = max(map(len, found), default=0)


@lru_cache(maxsize=32)
def _forms_of(secrets: frozenset[str]) -> tuple[_Forms, _Forms]:
    """The forms, and those that are looked for where nothing breaks them up."""
    found = {form for secret in secrets for form in _forms(secret)}
    flat = {_BREAK.sub("", form) for form in found}
    return _Forms(found), _Forms({form for form in flat if len(form) >= _SHORTEST_PART})


def _grouped(forms: Collection[str], key: Callable[[str], str]) -> dict[str, tuple[str, ...]]:
    return {part: tuple(each) for part, each in groupby(sorted(forms, key=key), key)}


def _spans(text: str, forms: _Forms) -> Iterator[_Span]:
    yield from _whole(text, forms.all)
    yield from _cut_short(text, forms)


def _whole(text: str, forms: Collection[str]) -> Iterator[_Span]:
    """Where forms stand; places of one form that overlap come as one."""
    for form in forms:
        first, last = -1, -1
        for start in _places(text, form):
            if start > last:
                if first >= 0:
                    yield first, last
                first = start
            last = start + len(form)
        if first >= 0:
            yield first, last


def _places(text: str, part: str) -> Iterator[int]:
    start = text.find(part)
    while start >= 0:
        yield start
        start = text.find(part, start + 1)


def _broken(text: str, forms: _Forms) -> Iterator[_Span]:
    """What is found once all that breaks it up is taken out, by where it stands in `text`."""
    flat = _BREAK.sub("", text)
    found = list(_spans(flat, forms)) if flat != text else []
    if not found:
        return
    # Where each stretch between two breaks begins: in `text`, and in `flat`.
    begins = [0, *(gap.end() for gap in _BREAK.finditer(text))]
    begins_flat = [0]
    for begin, gap in zip(begins, _BREAK.finditer(text), strict=False):
        begins_flat.append(begins_flat[-1] + gap.start() - begin)

    def place(index: int) -> int:
        stretch = bisect_right(begins_flat, index) - 1
        return begins[stretch] + index - begins_flat[stretch]

    for start, end in found:
        yield place(start), place(end - 1) + 1


def _cut_short(text: str, forms: _Forms) -> Iterator[_Span]:
    """The beginnings of forms before a cut, and the ends of forms after one."""
    heads = [head for head in forms.heads if head in text]
    tails = [tail for tail in forms.tails if tail in text]
    if not heads and not tails:
        return
    for cut in _CUT.finditer(text):
        for place in _ends(text, cut):
            first = max(0, place - forms.longest)
            before = text[first:place]
            for head in heads:
                for start in _places(before, head):
                    if any(form.startswith(before[start:]) for form in forms.heads[head]):
                        yield first + start, place
        for place in _beginnings(text, cut):
            after = text[place : place + forms.longest]
            for tail in tails:
                for end in (start + SHORTEST for start in _places(after, tail)):
                    if any(form.endswith(after[:end]) for form in forms.tails[tail]):
                        yield place, place + end


def _ends(text: str, cut: re.Match[str]) -> Iterator[int]:
    """Where the text before a cut may end: at the mark, within it if the text has dots of its own, or beyond
    a quotation mark, white space or a backslash in between."""
    place = cut.start()
    yield from range(place, place + 1 + _own_dots(cut))
    while place > 0 and cut.start() - place < _BETWEEN_AT_MOST and text[place - 1] in _BETWEEN:
        place -= 1
        yield place


def _beginnings(text: str, cut: re.Match[str]) -> Iterator[int]:
    """Where the text after a cut may begin; see `_ends`."""
    place = cut.end()
    yield from range(place - _own_dots(cut), place + 1)
    while place < len(text) and place - cut.end() < _BETWEEN_AT_MOST and text[place] in _BETWEEN:
        place += 1
        yield place


def _own_dots(cut: re.Match[str]) -> int:
    return min(max(len(cut[0]) - 3, 0), 3)


def _without(text: str, spans: Collection[_Span]) -> str:
    """`text` with one mask for all that overlap."""
    kept: list[str] = []
    done = 0
    for start, end in sorted(spans):
        if start >= done:
            kept += text[done:start], MASK
        done = max(done, end)
    return "".join((*kept, text[done:]))


def _forms(secret: str) -> Iterator[str]:
    value = secret.strip()
    if is_too_short(secret):
        return
    yield from _encoded(secret)
    yield from _encoded(value)
    for once in {encode(value) for encode in _ENCODINGS}:
        yield from (encode(once) for encode in _ENCODINGS)
    for line in value.splitlines():
        if len(line.strip()) >= _SHORTEST_PART:
            yield from _encoded(line.strip())


def _encoded(value: str) -> Iterator[str]:
    yield value
    yield from (encode(value) for encode in _ENCODINGS)
    raw = _bytes(value)
    yield raw.hex()
    yield raw.hex().upper()
    for form in _base64_forms(raw):
        yield form
        yield quote(form, safe="")
        yield _lower(quote(form, safe=""))


def _base64_forms(raw: bytes) -> Iterator[str]:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(raw).decode()
        yield whole
        yield whole.rstrip("=")
        # Inside a longer text it begins at one of three places in a group of three bytes; only the
        # characters that depend on nothing beside it can be looked for.
        for before in range(3):
            first = -(-before * 8 // 6)
            last = (before + len(raw)) * 8 // 6
            part = encode(b"\0" * before + raw).decode()[first:last]
            if len(part) >= _SHORTEST_PART:
                yield part


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")


def _lower(quoted: str) -> str:
    return _LOWER_HEX.sub(lambda found: found[0].lower(), quoted)


def _html(value: str, quotation: str, apostrophe: str) -> str:
    escaped = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace('"', quotation).replace("'", apostrophe)


_ENCODINGS: tuple[Callable[[str], str], ...] = (
    lambda value: quote(_bytes(value)),
    lambda value: quote(_bytes(value), safe=""),
    lambda value: quote_plus(_bytes(value)),
    lambda value: _lower(quote(_bytes(value))),
    lambda value: _lower(quote(_bytes(value), safe="")),
    lambda value: _lower(quote_plus(_bytes(value))),
    lambda value: json.dumps(value)[1:-1],
    lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    lambda value: json.dumps(value)[1:-1].replace("/", "\\/"),
    lambda value: repr(value)[1:-1],
    # Beside both kinds of quotation marks, of which one has to be escaped.
    lambda value: repr(f"{value}'\"")[1:-4],
    lambda value: repr(_bytes(value))[2:-1],
    lambda value: repr(_bytes(value) + b"'\"")[2:-4],
    lambda value: _html(value, '"', "'"),
    lambda value: _html(value, "&quot;", "&#x27;"),
    lambda value: _html(value, "&#34;", "&#39;"),
)
