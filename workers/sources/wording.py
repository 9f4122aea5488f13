"""Words in instructions that leave open what is meant, and days in them that have passed."""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from workers.sources.instructions import sentence_at, without_code

# What leaves it to the reader, and what to write in its place; where that is empty, nothing.
VAGUE = {
    "appropriately": "[say how]",
    "as appropriate": "[say when]",
    "if appropriate": "[say when]",
    "when appropriate": "[say when]",
    "where appropriate": "[say where]",
    "appropriate": "[say which]",
    "as needed": "[say when]",
    "if needed": "[say when]",
    "when needed": "[say when]",
    "as necessary": "[say when]",
    "if necessary": "[say when]",
    "when necessary": "[say when]",
    "where applicable": "[say where]",
    "if applicable": "[say when]",
    "as required": "[say when]",
    "if possible": "",
    "where possible": "",
    "when possible": "",
    "try to": "",
    "etc.": "[name the rest]",
    "and so on": "[name the rest]",
    "and so forth": "[name the rest]",
    "or similar": "[name the rest]",
    "reasonable": "[give the figure]",
    "reasonably": "[give the figure]",
    "as soon as possible": "[within how long]",
    "in a timely manner": "[within how long]",
    "promptly": "[within how long]",
    "properly": "[say how]",
    "correctly": "[say how]",
    "best practices": "[name the practice]",
    "be careful": "[say what to check]",
    "use common sense": "[say the rule]",
    "use your judgement": "[say the rule]",
    "use your judgment": "[say the rule]",
}
_PHRASES = "|".join(re.escape(each).replace(r"\ ", r"\s+") for each in sorted(VAGUE, key=len, reverse=True))
_VAGUE = re.compile(rf"(?<![\w-])(?:{_PHRASES})(?![\w'-])", re.IGNORECASE)

_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
_MONTHS |= {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATE = (
    r"(?P<y1>\d{4})-(?P<m1>\d\d)-(?P<d1>\d\d)"
    rf"|(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\s+(?P<m2>{_MONTH})\.?,?\s+(?P<y2>\d{{4}})"
    rf"|(?P<m3>{_MONTH})\.?\s+(?P<d3>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y3>\d{{4}})"
    rf"|(?:the\s+end\s+of\s+)?(?P<m4>{_MONTH})\.?\s+(?P<y4>\d{{4}})"
)
_DEADLINE = (
    r"until|till|through|by|no\s+later\s+than|expires(?:\s+on)?|valid\s+to|due(?:\s+on)?|deadline(?:\s+is)?"
)
_AS_OF = r"as\s+of|currently|at\s+present|last\s+(?:updated|reviewed|checked)(?:\s+on)?|updated(?:\s+on)?"
_DATED = re.compile(
    rf"(?<![\w-])(?:(?P<deadline>{_DEADLINE})|(?P<as_of>{_AS_OF})):?\s+\(?(?:{_DATE})(?![\w-])", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about a phrase. offset: where it stands. sentence: the one it stands in. instead: that
    sentence with what to write in its place; for a day that has passed, empty."""

    phrase: str
    offset: int
    sentence: str
    instead: str


@dataclass(frozen=True, slots=True)
class Passed:
    """A day that has passed. deadline: it was the end of something, rather than the day of what is said."""

    remark: Remark
    day: date
    deadline: bool


def vague_phrases(text: str) -> Iterator[Remark]:
    """Those of `VAGUE`, each once; not in code, nor in quotes."""
    told: set[str] = set()
    for match in _VAGUE.finditer(without_code(text)):
        phrase = " ".join(match[0].lower().split())
        if phrase not in told:
            told.add(phrase)
            start, sentence = sentence_at(text, match.start())
            before, after = sentence[: match.start() - start], sentence[match.end() - start :]
            yield Remark(
                phrase, match.start(), _line(sentence), _joined(before, VAGUE[phrase], after, phrase)
            )


def passed_days(text: str, today: date, *, stale_after_days: int) -> Iterator[Passed]:
    """Days behind a word such as 'until' that have passed, and those behind one such as 'as of' that are more
    than `stale_after_days` ago. A month stands for its last day."""
    for match in _DATED.finditer(without_code(text)):
        day = _day(match.groupdict())
        if day is None:
            continue
        deadline = match["deadline"] is not None
        if (today - day).days > (0 if deadline else stale_after_days):
            _, sentence = sentence_at(text, match.start())
            phrase = " ".join(match[0].replace("(", "").split())
            yield Passed(Remark(phrase, match.start(), _line(sentence), ""), day, deadline)


def _joined(before: str, instead: str, after: str, phrase: str) -> str:
    if phrase == "etc." and not after.strip():
        after = "."
    spaced = re.sub(r"\s+([.,;:!?])", r"\1", _line(f"{before}{instead}{after}"))
    joined = re.sub(r",{2,}", ",", spaced).lstrip(",;: ")
    return joined[:1].upper() + joined[1:] if before.strip() == "" else joined


def _line(text: str) -> str:
    return " ".join(text.split())


def _day(parts: dict[str, str | None]) -> date | None:
    for number in "1234":
        year, month, day = (parts.get(f"{part}{number}") for part in "ymd")
        if year and month:
            which = _MONTHS.get(month.lower()) or int(month)
            try:
                return date(int(year), which, int(day or calendar.monthrange(int(year), which)[1]))
            except ValueError:
                return None
    return None
