"""What the steps write into worker-registry.yaml, and what the model reads out of the same values."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

DEFAULT_ZONE = "America/Chicago"
RESERVE = timedelta(minutes=2)
"""What a tick keeps of its budget for itself."""
SCHEDULES: Final = ("0 * * * *", "0 */2 * * *", "30 2 * * *", "30 1 * * *", "0 6,18 * * *", "10-13 * * * *")
SETTINGS: Final[dict[str, tuple[Any, ...]]] = {
    "schedule": SCHEDULES,
    "timezone": ("America/Chicago", "UTC", "Asia/Kolkata"),
    "gap": ("transition", "skip", "shift"),
    "fold": ("first", "second", "both"),
    "policy": ("latest", "all", "none"),
    "overlap": ("skip", "wait", "allow"),
    "within": ("null", "2h", "9h", "3d"),
    "attempts": (1, 2),
    "max_backoff": ("0s", "1m", "3h"),
    "later_ticks": (0, 1, 2),
    "abandoned": ("true", "false"),
    "after": (1, 3),
    "timeout": ("50ms", "10m", "3h"),
    "status": ("active", "active", "active", "paused", "disabled"),
    "env": (False, True),
    "path": (False, True),
    "typo": (False, False, True),
}
WHOLE_FILE: Final = (
    *(("max_parallel", number) for number in (1, 2, 4)),
    *(("budget", text) for text in ("null", "13m", "4h")),
    *(("keep", text) for text in ("3650d", "5d")),
)
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


def span(text: str) -> timedelta:
    """``50ms``, ``20m``, ``3h``, ``4d``."""
    number = text.rstrip("mshd")
    return int(number) * _UNITS[text.removeprefix(number)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One worker as a person wrote it. typo: its schedule can't be read."""

    id: str
    schedule: str = "0 * * * *"
    timezone: str = DEFAULT_ZONE
    gap: str = "transition"
    fold: str = "first"
    status: str = "active"
    policy: str = "latest"
    overlap: str = "skip"
    within: str = "null"
    attempts: int = 1
    max_backoff: str = "1m"
    later_ticks: int = 2
    abandoned: str = "true"
    after: int = 1
    timeout: str = "10m"
    env: bool = False
    path: bool = False
    was: str | None = None
    typo: bool = False

    @property
    def catch_up(self) -> timedelta:
        """How late it may start. Unset: a day, for no schedule here leaves one out."""
        return timedelta(hours=24) if self.within == "null" else span(self.within)

    def yaml(self) -> str:
        schedule = "0 25 * * *" if self.typo else self.schedule
        lines = [
            f"{self.id}:",
            f'  schedule: "{schedule}"',
            f"  timezone: {self.timezone}",
            f"  dst: {{gap: {self.gap}, fold: {self.fold}}}",
            f"  status: {self.status}",
            "  entrypoint: workers.doer:run",
            f"  timeout: {self.timeout}",
            f"  overlap: {self.overlap}",
            f"  catch_up: {{policy: {self.policy}, within: {self.within}}}",
            f"  retry: {{attempts: {self.attempts}, backoff: 0s, max_backoff: {self.max_backoff}, "
            f"later_ticks: {self.later_ticks}, abandoned: {self.abandoned}}}",
            f"  alert: {{after: {self.after}}}",
        ]
        env, paths = ["[DOER_TOKEN]"] * self.env, ["[data]"] * self.path
        if env or paths:
            lines.append(f"  requires: {{env: {(env or ['[]'])[0]}, paths: {(paths or ['[]'])[0]}}}")
        if self.was is not None:
            lines.append(f"  was: {self.was}")
        return "\n".join(f"  {line}" for line in lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The whole file. broken: nothing of it can be read. budget: how long a tick may take. keep: how long
    what is over stays on record."""

    entries: tuple[Entry, ...] = ()
    max_parallel: int = 4
    budget: str = "null"
    keep: str = "3650d"
    broken: bool = False
    by_id: dict[str, Entry] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {entry.id: entry for entry in self.entries})

    def yaml(self) -> str:
        zone = "America/Chigaco" if self.broken else DEFAULT_ZONE
        head = (
            f"version: 1\ntimezone: {zone}\nmax_parallel: {self.max_parallel}\n"
            f"tick: {{budget: {self.budget}}}\nstate: {{keep: {self.keep}}}\n"
        )
        if not self.entries:
            return f"{head}workers: {{}}\n"
        return f"{head}workers:\n" + "\n".join(entry.yaml() for entry in self.entries) + "\n"

    def broken_ids(self) -> set[str]:
        """Whose entries are broken: a typo, a former id that another entry still has or had as well, a
        timeout that fits into no tick."""
        broken = {entry.id for entry in self.entries if entry.typo or entry.was in self.by_id}
        if self.budget != "null":
            most = span(self.budget) - RESERVE
            broken |= {e.id for e in self.entries if e.status != "disabled" and span(e.timeout) > most}
        heirs: set[str | None] = {None}
        for entry in self.entries:
            if entry.was in heirs and entry.was is not None and not entry.typo:
                broken.add(entry.id)
            elif not entry.typo:
                heirs.add(entry.was)
        return broken

    def enabled(self) -> set[str]:
        return {entry.id for entry in self.entries if entry.status != "disabled"}

    def readable(self) -> list[Entry]:
        broken = self.broken_ids()
        return [entry for entry in self.entries if entry.id not in broken]

    def put(self, entry: Entry) -> "Written":
        others = tuple(each for each in self.entries if each.id != entry.id)
        return replace(self, entries=(*others, entry))

    def mended(self) -> "Written":
        """What a person makes of it in whose registry every worker runs, and finds its slots."""
        whole = replace(self, broken=False, budget="null")
        entries = tuple(
            replace(entry, typo=False, status="active", policy="latest", within="3d", timeout="10m")
            for entry in self.entries
        )
        wrong = replace(whole, entries=entries).broken_ids()
        return replace(
            whole, entries=tuple(replace(each, was=None) if each.id in wrong else each for each in entries)
        )

    def without(self, id_: str) -> "Written":
        return replace(self, entries=tuple(each for each in self.entries if each.id != id_))
