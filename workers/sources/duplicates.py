"""Which of many records may be one and the same: equal keys, and names that differ by a slip of the hand."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workers.sources.extras import extra

# Each name is compared with this many that follow it in order: near-duplicates sort near each other, and
# ten thousand names take seconds.
_NEIGHBOURS = 40
_LEGAL_FORMS = frozenset(
    {"ab", "ag", "bv", "co", "company", "corp", "corporation", "gmbh", "group", "inc", "incorporated", "kg"}
    | {"limited", "llc", "llp", "ltd", "nv", "oy", "plc", "pty", "sa", "sarl", "sas", "srl", "the"}
)
# Addresses of these say nothing about where somebody works.
FREE_MAIL = frozenset(
    {"aol.com", "fastmail.com", "gmail.com", "gmx.de", "gmx.net", "googlemail.com", "hotmail.com"}
    | {"icloud.com", "live.com", "mail.com", "me.com", "msn.com", "outlook.com", "pm.me", "proton.me"}
    | {"protonmail.com", "web.de", "yahoo.com", "yandex.com", "zoho.com"}
)


@dataclass(frozen=True, slots=True)
class Named:
    """Something with a name. block: names are compared within the same block only."""

    id: str
    name: str
    block: Hashable


def same(keys: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Of (id, key): the ids that share a key, a group each, in the order given. An empty key is none."""
    groups: dict[str, dict[str, None]] = defaultdict(dict)
    for one_id, key in keys:
        if key:
            groups[key][one_id] = None
    return list(dict.fromkeys(tuple(ids) for ids in groups.values() if len(ids) > 1))


def alike(named: Iterable[Named], *, score: float) -> list[tuple[str, ...]]:
    """The ids of names that are alike, a group each. score: from 0 to 100, how much alike at least; the order
    of the words doesn't count, and names with different numbers are different."""
    ratio: Any = extra("rapidfuzz.fuzz").ratio
    blocks: dict[Hashable, list[tuple[str, str]]] = defaultdict(list)
    for one in named:
        if one.name:
            blocks[one.block].append((" ".join(sorted(one.name.split())), one.id))
    sets = _Sets()
    for block in blocks.values():
        block.sort()
        for place, (name, one_id) in enumerate(block):
            for other, other_id in block[place + 1 : place + 1 + _NEIGHBOURS]:
                if ratio(name, other, score_cutoff=score) and _numbers(name) == _numbers(other):
                    sets.join(one_id, other_id)
    return sets.groups()


def mail_key(address: str) -> str:
    """What is the same for every spelling of a mailbox; empty for what is no address."""
    mailbox, at, domain = address.strip().lower().rpartition("@")
    if not at or not mailbox or not domain:
        return ""
    mailbox = mailbox.partition("+")[0]
    if domain in ("gmail.com", "googlemail.com"):
        mailbox, domain = mailbox.replace(".", ""), "gmail.com"
    return f"{mailbox}@{domain}"


class Domains:
    """Registrable domains, by the public suffix list that tldextract brings along; nothing is fetched."""

    def __init__(self) -> None:
        self._extract: Any = extra("tldextract").TLDExtract(suffix_list_urls=(), cache_dir=None)

    def key(self, address: str) -> str:
        """The domain by which a company is known ('shop.acme.co.uk' -> 'acme.co.uk'); empty for none."""
        found = self._extract(address.strip().lower())
        if found.suffix:
            return str(found.top_domain_under_public_suffix)
        # A suffix that isn't on the list: the last two parts.
        parts = [*found.subdomain.split("."), found.domain]
        return ".".join(parts[-2:]) if found.subdomain and found.domain else ""


def name_key(name: str) -> str:
    """A company's or person's name without accents, capitals, signs and legal form."""
    folded = unicodedata.normalize("NFKD", name).casefold().replace("&", " and ")
    letters = "".join(char for char in folded if not unicodedata.combining(char))
    words = re.sub(r"[^\w\s]", "", letters).split()
    return " ".join(word for word in words if word not in _LEGAL_FORMS) or " ".join(words)


class _Sets:
    """Ids joined into groups."""

    def __init__(self) -> None:
        self._of: dict[str, list[str]] = {}

    def join(self, one: str, other: str) -> None:
        mine, theirs = self._of.setdefault(one, [one]), self._of.setdefault(other, [other])
        if mine is not theirs:
            mine += theirs
            self._of |= dict.fromkeys(theirs, mine)

    def groups(self) -> list[tuple[str, ...]]:
        found: Mapping[int, Sequence[str]] = {id(group): group for group in self._of.values()}
        return [tuple(group) for group in found.values()]


def _numbers(name: str) -> list[str]:
    return re.findall(r"\d+", name)
