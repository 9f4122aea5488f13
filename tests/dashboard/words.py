"""What the workers of a made-up year say: their metrics, and findings that stay for a while."""

import random
from collections.abc import Mapping
from typing import Any

# What is counted, and what may be found: severity, title, subject, what to do.
_ABOUT: Mapping[str, tuple[tuple[str, ...], tuple[tuple[str, str, str, str], ...]]] = {
    "pattern-memory-analyzer": (
        ("memories_analyzed", "contradictions"),
        (
            ("warning", "two notes contradict each other", "memories/pricing-{n}.md", "keep the newer one"),
            ("info", "the same lesson is written down {n} times", "memories/lessons.md", "merge them"),
        ),
    ),
    "instruction-optimizer": (
        ("instructions_reviewed", "tokens"),
        (("info", "an instruction nobody can follow", "AGENTS.md:{n}", "say what to do instead"),),
    ),
    "staleness-detector": (
        ("documents_checked", "oldest_age_days"),
        (
            ("warning", "not touched for {n} days", "docs/guide-{n}.md", "review it, or say that it holds"),
            ("critical", "points to a file that is gone", "docs/setup.md:{n}", "mend the link"),
        ),
    ),
    "relationship-sentinel": (
        ("contacts_checked", "quiet_contacts", "overdue_deals"),
        (
            ("warning", "quiet for {n} days", "contact {n}07", "write to them"),
            ("critical", "the deal is overdue by {n} days", "deal {n}41", "agree on a new date, or close it"),
            ("info", "no owner", "company {n}9", "give it one"),
        ),
    ),
    "content-queue-scanner": (
        ("items_checked", "overdue"),
        (("warning", "overdue by {n} days", "queue/post-{n}.md", "publish it, or move its date"),),
    ),
    "data-integrity": (
        ("records_checked", "duplicates"),
        (("warning", "two contacts with one address", "contact {n}11", "merge them in HubSpot"),),
    ),
    "website-health-scanner": (
        ("pages_checked", "links_checked", "latency_ms_median"),
        (
            ("critical", "answers 404", "/blog/entry-{n}", "put it back, or redirect it"),
            ("warning", "took {n}00 ms", "/pricing?step={n}", "look at what is slow"),
        ),
    ),
}
_MEDIA = (
    ("episodes_read", "lacking"),
    (
        ("warning", "no thumbnail", "episode {n}", "draw one"),
        ("info", "recorded {n} days ago, not cut yet", "episode {n}", "ask the editor"),
    ),
)


class Voice:
    """One worker's way of speaking: counts that drift, findings of which some go and some come."""

    def __init__(self, worker: str, chance: random.Random, *, most: int) -> None:
        self.worker, self.chance, self.most = worker, chance, most
        counted, self._found = _ABOUT.get(worker, _MEDIA)
        self._counts = {name: chance.randint(20, 400) for name in counted}
        self._open: list[dict[str, Any]] = []

    def output(self) -> dict[str, Any]:
        """The JSON form of what the next good run returns."""
        self._open = [each for each in self._open if self.chance.random() < 0.9]
        for _ in range(self.chance.choice((0, 0, 0, 1, 1, 2))):
            if len(self._open) < self.most:
                self._open.append(self._finding())
        for name, count in self._counts.items():
            self._counts[name] = max(0, count + self.chance.randint(-4, 5))
        first, *_ = self._counts.items()
        return {
            "summary": f"{first[1]} {first[0].replace('_', ' ')}, {len(self._open)} findings",
            "findings": [dict(each) for each in self._open],
            "metrics": {**{n: float(count) for n, count in self._counts.items()}, "runs": 1.0},
            first[0]: first[1],
        }

    def _finding(self) -> dict[str, Any]:
        severity, title, subject, action = self.chance.choice(self._found)
        number = self.chance.randint(2, 99)
        site = self.worker == "website-health-scanner"
        subject = subject.format(n=number)
        return {
            "severity": severity,
            "title": title.format(n=number),
            "detail": f"as seen by {self.worker}, for the first time {number} days ago",
            "subject": subject,
            "url": f"https://www.example.com{subject}" if site else None,
            "action": action,
        }
