"""What a comment is about, by rules that anyone can read and test: lists of English words and phrases.

No model judges. A comment gets the first kind that fits, in this order: spam, complaint, lead, question,
praise. Spam comes first, because it poses as all the others; praise last, because a thankful comment that
also asks wants an answer.

A phrase fits whole words, in any capitals and in any of Unicode's disguises (`𝐖𝐡𝐚𝐭𝐬𝐀𝐩𝐩`); a `*` at its end
stands for the rest of a word. A complaint or praise doesn't count behind a negation ("not disappointed").
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["spam", "complaint", "lead", "question", "praise"]
Phrases = Annotated[list[Annotated[str, Field(min_length=2, max_length=100)]], Field(max_length=500)]

_JUDGED = 3_000
_LINK = re.compile(
    r"(?:https?://|www\.)\S+|\b[a-z0-9-]{2,60}\.(?:com|net|org|info|shop|xyz|top|ru|me|ly)/\S+"
)
_NEGATION = re.compile(r"\b(?:not|never|no|isn't|wasn't|aren't|weren't|don't|doesn't|didn't|won't|hardly)\b")
_SENTENCE_END = re.compile(r"[.!?\n]+")
_CLAUSE_END = re.compile(r"[.!?\n,;:]+")
_ASKING = re.compile(
    r"(?:so |and |but |also |hey |hi |wait |ok |okay |quick question |question )*"
    r"(?:(?:how|what|why|when|where|which|who)(?:'s| (?:do|does|did|is|are|was|were|can|could|should|would"
    r"|will|about|if|much|many|long|often|exactly|kind of|happens|mic|microphone|software|tool))\b"
    r"|(?:can|could|would|will) (?:you|someone|anyone|anybody)\b"
    r"|(?:do|does|did|have|has|is|are|was|were) (?:you|your|there|it|this|that|anyone|anybody)\b"
    r"|(?:does|has|can) (?:anyone|anybody|someone)\b|any (?:tips|advice|idea|chance|plans)\b"
    r"|i(?:'m| am|'d| would)? (?:wonder|wondering|love to know|like to know)\b)"
)


class Rules(BaseModel):
    """The words by which comments are told apart. copies: how many comments with the same text make it spam.
    links: how many links in one comment do. not_questions: what ends in '?' and wants no answer."""

    model_config = ConfigDict(extra="forbid")

    spam: Phrases = [
        "whatsapp", "telegram", "t.me", "sub4sub", "sub for sub", "subscribe to my channel",
        "check out my channel", "check my channel", "visit my channel", "free gift card*", "giveaway winner",
        "you have been selected", "bitcoin invest*", "crypto trad*", "crypto invest*", "forex",
        "trading signals", "invest with",
        "financial advisor", "passive income", "earn from home", "double your money", "promo code",
        "buy followers", "grow your channel", "adult content", "casino", "slots", "onlyfans",
    ]  # fmt: skip
    complaint: Phrases = [
        "disappoint*", "terrible", "awful", "horrible", "worst", "waste of time", "clickbait", "misleading",
        "misinformation", "factually wrong", "plain wrong", "unacceptable", "refund", "unsubscrib*",
        "doesn't work", "does not work", "not working", "isn't working", "won't play",
        "won't load", "broken link", "link is broken", "link is dead",
        "can't hear", "cannot hear", "hard to hear", "too quiet", "too loud", "out of sync", "bad audio",
        "audio is bad", "sound is bad", "too many ads", "annoying", "unwatchable", "unlistenable", "rude",
        "never received", "still waiting", "no response", "complain*",
    ]  # fmt: skip
    lead: Phrases = [
        "hire you", "hiring you", "work with you", "working with you", "work with your", "your rates",
        "rate card", "a quote", "how much do you charge", "your services", "business inquiry",
        "business enquiry", "collaborat*", "sponsor*", "partner with", "partnership", "produce our",
        "produce my", "help our company", "help us launch", "our podcast needs", "looking for an agency",
        "looking for a producer", "book you", "invite you", "speak at our", "who do i contact",
        "how can i contact", "how do i contact", "get in touch",
    ]  # fmt: skip
    praise: Phrases = [
        "thank*", "love this", "love it", "loved this", "loved it", "love your", "great episode",
        "great video", "great show", "great interview", "great conversation", "so helpful", "very helpful",
        "really helpful", "super helpful", "amazing", "awesome", "excellent", "brilliant", "fantastic",
        "well done", "good job", "great job", "favorite", "favourite", "best podcast", "best episode",
        "learned a lot", "learned so much", "inspiring", "underrated", "pure gold",
    ]  # fmt: skip
    not_questions: Phrases = [
        "anyone else", "who else", "who's here", "am i right", "right?", "is it just me", "how cool is",
        "how great is", "how good is",
    ]  # fmt: skip
    copies: int = Field(default=3, ge=2)
    links: int = Field(default=2, ge=1)


class Judge:
    """Tells comments' kinds by the rules."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._spam, self._complaint = _pattern(rules.spam), _pattern(rules.complaint)
        self._lead, self._praise = _pattern(rules.lead), _pattern(rules.praise)
        self._not_questions = _pattern(rules.not_questions)

    def kind(self, text: str, *, copied: bool = False) -> Kind | None:
        """The comment's kind, None for one that is none of them. copied: others have the same text."""
        plain = simplified(text)
        if copied or self._spam.search(plain) or len(_LINK.findall(plain)) >= self._rules.links:
            return "spam"
        if _said(self._complaint, plain):
            return "complaint"
        if self._lead.search(plain):
            return "lead"
        if self._asks(plain):
            return "question"
        return "praise" if _said(self._praise, plain) else None

    def copied(self, texts: Iterable[str]) -> frozenset[str]:
        """The simplified texts, of at least 40 characters, that stand there `copies` times or more: many
        people write the same thanks, nobody the same sentence."""
        counts: dict[str, int] = {}
        for text in texts:
            plain = simplified(text)
            if len(plain) >= 40:
                counts[plain] = counts.get(plain, 0) + 1
        return frozenset(plain for plain, count in counts.items() if count >= self._rules.copies)

    def _asks(self, plain: str) -> bool:
        """A sentence that ends in a question mark, or begins as questions do. Links are no sentences."""
        text = _LINK.sub(" ", plain)
        place = 0
        for end in [*_SENTENCE_END.finditer(text), None]:
            sentence = text[place : end.start() if end else len(text)].strip(" ,;:-")
            marked = end is not None and "?" in end.group()
            place = end.end() if end else len(text)
            if not sentence or self._not_questions.search(f"{sentence}?" if marked else sentence):
                continue
            if (marked and len(sentence.split()) > 1) or _ASKING.match(sentence):
                return True
        return False


def simplified(text: str) -> str:
    """At most 3,000 characters of it, in lower case, plain letters and apostrophes; lines stay lines."""
    told = unicodedata.normalize("NFKC", text[:_JUDGED]).casefold()
    told = told.translate({0x2019: "'", 0x2018: "'", 0x200B: None, 0x200D: None, 0xFEFF: None, 0xAD: None})
    return "\n".join(" ".join(line.split()) for line in told.splitlines() if line.strip())


def _pattern(phrases: Sequence[str]) -> re.Pattern[str]:
    """One pattern for them all, without anything that could search twice; no phrases fit nothing."""
    words = []
    for phrase in phrases:
        stem = simplified(phrase)
        word = re.escape(stem.removesuffix("*")) + (r"\w*" if stem.endswith("*") else "")
        words.append(rf"{word}(?!\w)")
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})" if words else r"(?!)")


def _said(pattern: re.Pattern[str], plain: str) -> bool:
    """Whether one of its phrases stands there without a negation in the 20 characters before it."""
    return any(
        not _NEGATION.search(_CLAUSE_END.split(plain[max(found.start() - 20, 0) : found.start()])[-1])
        for found in pattern.finditer(plain)
    )
