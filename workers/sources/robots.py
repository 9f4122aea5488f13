"""robots.txt (RFC 9309): what a site asks programs to leave alone, and where its sitemaps are.

The standard library's parser knows neither ``*`` nor ``$`` in a path, nor that the longest rule wins.
"""

from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

_MAX_RULES = 5_000


@dataclass(frozen=True, slots=True)
class Robots:
    """rules: (allow, path pattern) of the groups that speak to this program. delay_s: `Crawl-delay`, or 0."""

    rules: tuple[tuple[bool, str], ...] = ()
    sitemaps: tuple[str, ...] = ()
    delay_s: float = 0.0

    def allows(self, url: str) -> bool:
        """Whether the address may be asked for. The longest rule that fits decides, `Allow` on a tie."""
        parts = urlsplit(url)
        path = _spelled(f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/")
        fitting = [(len(pattern), allow) for allow, pattern in self.rules if _fits(pattern, path)]
        return max(fitting, default=(0, True))[1]


def read_robots(text: str, *, agent: str) -> Robots:
    """What robots.txt says to the program called `agent`, or, when it isn't named, to all. Never raises:
    lines that can't be read are passed over, as the RFC asks."""
    groups: dict[str, list[tuple[bool, str]]] = {}
    delays: dict[str, float] = {}
    sitemaps: list[str] = []
    speaking_to: list[str] = []
    naming = False
    for line in text.splitlines():
        key, colon, value = (part.strip() for part in line.partition("#")[0].partition(":"))
        key = key.lower()
        if not colon:
            continue
        if key == "user-agent":
            speaking_to = [*speaking_to, value.lower()] if naming else [value.lower()]
            groups |= {name: groups.get(name, []) for name in speaking_to}
        elif key == "sitemap":
            sitemaps.append(value)
        for name in speaking_to:
            if key in ("allow", "disallow") and value and len(groups[name]) < _MAX_RULES:
                groups[name].append((key == "allow", _spelled(value)))
            elif key == "crawl-delay":
                delays[name] = _seconds(value)
        naming = key == "user-agent" or (naming and key == "sitemap")
    chosen = agent.lower() if agent.lower() in groups else "*"
    return Robots(tuple(groups.get(chosen, ())), tuple(sitemaps[:50]), delays.get(chosen, 0.0))


def _spelled(path: str) -> str:
    return quote(unquote(path), safe="/*$?&=:@!'()+,;~-._")


def _seconds(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 3600.0)
    except ValueError:
        return 0.0


def _fits(pattern: str, path: str) -> bool:
    """``*`` stands for any characters, a last ``$`` for the end of the path; otherwise a prefix fits."""
    whole = pattern.endswith("$")
    first, *rest = (pattern[:-1] if whole else f"{pattern}*").split("*")
    if not path.startswith(first):
        return False
    if not rest:
        return path == first
    place = len(first)
    for part in rest[:-1]:
        found = path.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return path.endswith(rest[-1]) and len(path) - len(rest[-1]) >= place
