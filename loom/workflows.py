""".github/workflows -> what a workflow that calls `loom run` lacks. Reads the files, asks GitHub nothing."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from loom.domain.registry import Registry
from loom.values import dataclass

_LONGEST_JOB = 55
_MARGIN = 5


@dataclass(frozen=True, slots=True)
class Lack:
    """Something a workflow should have. place: its file, from the project's root. what: a sentence, with what
    to write. serious: whether a tick would not do its work without it."""

    place: str
    what: str
    serious: bool = False


def lacks(project: Path, registry: Registry) -> Iterator[Lack]:
    """What the workflows of `project` that call `loom run` lack to do what `registry` expects of them."""
    folder = project / ".github" / "workflows"
    for path in sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")]):
        text = path.read_text(encoding="utf-8", errors="replace")
        if "loom run" in text:
            place = path.relative_to(project).as_posix()
            yield from _of_one(place, text, registry)


def _of_one(place: str, text: str, registry: Registry) -> Iterator[Lack]:
    import yaml

    try:
        document = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  (both are safe)
    except yaml.YAMLError as error:
        yield Lack(place, f"it isn't YAML: {str(error).splitlines()[0]}", serious=True)
        return
    # YAML 1.1 reads the key `on` as true.
    triggers = _mapping(_mapping(document).get("on", _mapping(document).get(True)))
    jobs = [job for job in _mapping(_mapping(document).get("jobs")).values() if "loom run" in str(job)]
    if "LOOM_STATE_BRANCH" not in text and registry.state.branch is None:
        yield Lack(
            place,
            "nothing carries the ledger between runners: add the variable LOOM_STATE_BRANCH: loom-state to "
            "the step that calls loom run",
            serious=True,
        )
    elif not any(_may_write(document, job) for job in jobs):
        yield Lack(place, "the job may not push the ledger: add permissions: {contents: write}", serious=True)
    yield from _schedule(place, triggers, registry.tick.cron if registry.tick is not None else None)
    if "workflow_dispatch" not in triggers:
        yield Lack(place, "nobody can start it by hand: add on: workflow_dispatch")
    if not _mapping(document).get("concurrency"):
        yield Lack(
            place, "ticks may run side by side: add concurrency: {group: loom, cancel-in-progress: false}"
        )
    elif _mapping(_mapping(document).get("concurrency")).get("cancel-in-progress") is True:
        yield Lack(
            place, "a new tick ends one that runs: set concurrency: cancel-in-progress: false", serious=True
        )
    minutes = [_mapping(job).get("timeout-minutes") for job in jobs]
    if any(isinstance(each, int) and each > _LONGEST_JOB for each in minutes):
        yield Lack(
            place,
            "a claim on the state branch holds for an hour, and the job may outlast it: "
            f"set timeout-minutes to {_LONGEST_JOB} at most",
            serious=True,
        )
    for limit in minutes:
        if isinstance(limit, int):
            yield from _budget(place, limit, registry.budget)
    if None in minutes:
        yield Lack(place, "a tick that hangs runs for six hours: add timeout-minutes: 30 to the job")


def _schedule(place: str, triggers: dict[Any, Any], tick_cron: str | None) -> Iterator[Lack]:
    entries = triggers.get("schedule")
    crons = [str(_mapping(each).get("cron", "")) for each in entries] if isinstance(entries, list) else []
    if not crons:
        yield Lack(place, "no clock wakes it: add on: schedule: [{cron: '17 * * * *'}]", serious=True)
    if any(cron.split()[:1] in (["0"], ["*"]) for cron in crons):
        yield Lack(place, "GitHub drops most events at the full hour: choose another minute, such as 17")
    if crons and tick_cron is not None and tick_cron not in crons:
        yield Lack(
            place,
            f"it wakes Loom at {', '.join(crons)}, but tick: in the registry expects ticks at {tick_cron}",
        )


def _budget(place: str, limit: int, budget: timedelta | None) -> Iterator[Lack]:
    """limit: the job's, in minutes; what is installed before the tick takes its part of it."""
    fitting = max(limit - _MARGIN, 5)
    if budget is None:
        yield Lack(
            place,
            f"a tick that outlasts timeout-minutes: {limit} is cut off before it has recorded and told what "
            f"happened: add tick: {{budget: {fitting}m}} to the registry",
        )
    elif budget > timedelta(minutes=fitting):
        yield Lack(
            place,
            f"tick: budget leaves less than {_MARGIN} of the job's {limit} minutes to install in: "
            f"make it {fitting}m at most, or raise timeout-minutes",
            serious=True,
        )


def _may_write(document: Any, job: Any) -> bool:
    permissions = _mapping(job).get("permissions", _mapping(document).get("permissions"))
    return permissions == "write-all" or _mapping(permissions).get("contents") == "write"


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}
