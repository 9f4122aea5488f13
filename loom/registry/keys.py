"""Every key of worker-registry.yaml: what may stand there, what it is for, what holds without it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from loom.domain.schedule import CatchUpPolicy, Fold, Gap
from loom.domain.worker import Isolation, Overlap, Status
from loom.registry.containers import Anything, Key, ListOf, Record, Table
from loom.registry.hooks import Hook, beside_the_ledger
from loom.registry.mistakes import Fault, Mistakes
from loom.registry.nodes import Mapping as MappingNode
from loom.registry.nodes import Node
from loom.registry.shapes import Constant, Flag, Number, OrNull, Text, Whole, Word, expected
from loom.registry.terms import (
    ENTRYPOINT,
    ENV_NAME,
    OUTPUT_PATH,
    PROJECT_PATH,
    WORKER_ID,
    Cron,
    Duration,
    Size,
)
from loom.registry.zones import Zone
from loom.values import dataclass

# Python, Loom and a worker that does nothing take 50 MB of address space; a thread takes 8 MB more.
MEMORY: Final = Size(least=64 * 10**6, most=10**15)
BRANCH: Final = OrNull(Text("the name of a git branch, or null"))


@dataclass(frozen=True, slots=True)
class Workers:
    """The entries are read one by one later: a mistake in one must not spoil the others."""

    def read(self, node: Node) -> MappingNode:
        if not isinstance(node, MappingNode):
            raise expected("a mapping of ids to workers", node, "write workers: {} for none")
        return node

    def schema(self) -> dict[str, Any]:
        return Table(WORKER_ID, WORKER).schema()


def _min_below_max(values: Mapping[str, Any]) -> None:
    lowest, highest = values.get("min", {}), values.get("max", {})
    faults = [
        Fault(f"min {lowest[path]:g} is above max {highest[path]:g} for '{path}'; no output could ever pass")
        for path in lowest
        if path in highest and lowest[path] > highest[path]
    ]
    if faults:
        raise Mistakes(faults)


RETRY: Final = Record(
    "retry",
    {
        "attempts": Key(Whole(1, 10), "How often the work is started within one tick.", default=3),
        "backoff": Key(Duration(zero=True), "The wait before the second attempt.", default="2s"),
        "factor": Key(Number(1, 100), "By how much each further wait grows.", default=2),
        "max_backoff": Key(Duration(zero=True), "No wait is longer than this.", default="1m"),
        "jitter": Key(Number(0, 1), "Each wait varies by up to this share of itself.", default=0.2),
        "later_ticks": Key(
            Whole(0, 100), "How many later ticks start the slot again after a transient failure.", default=2
        ),
        "abandoned": Key(
            Flag(), "Whether a slot whose process died midway may be started again.", default=True
        ),
    },
    name="retry",
)
CATCH_UP: Final = Record(
    "catch_up",
    {
        "policy": Key(
            Word(CatchUpPolicy),
            "latest runs the newest slot that came due, all runs each of them, "
            "none takes slots of the current hour only.",
            default="latest",
        ),
        "within": Key(
            OrNull(Duration()),
            "How long after its time a slot may still run. Unset or null: 24h, or 3d if the schedule's "
            "period is over a day.",
        ),
    },
    name="catch_up",
)
DST: Final = Record(
    "dst",
    {
        "gap": Key(
            Word(Gap),
            "A wall-clock time that spring-forward leaves out: at the transition, skipped, or shifted "
            "(02:30 becomes 03:30).",
            default="transition",
        ),
        "fold": Key(
            Word(Fold), "Which one counts when fall-back repeats a wall-clock time.", default="first"
        ),
    },
    name="dst",
)
ALERT: Final = Record(
    "alert",
    {
        "after": Key(Whole(1, 100), "How many bad outcomes in a row open an alert.", default=1),
        "remind": Key(Duration(), "The time between reminders while it stays open.", default="24h"),
    },
    name="alert",
)
TIMEOUT: Final = Key(
    Duration(most=timedelta(days=7)),
    "The longest a run may take, all attempts and waits included.",
    default="10m",
)
_SHARED: Final = {
    "timeout": TIMEOUT,
    "retry": Key(RETRY, "What happens after a failure that trying again may mend."),
    "catch_up": Key(CATCH_UP, "What becomes of slots that no tick came for in time."),
    "overlap": Key(
        Word(Overlap),
        "What becomes of a slot that comes due while the worker's run before it is still going: skip records "
        "it as skipped, wait starts it afterwards, allow starts it beside the other.",
        default="skip",
    ),
    "isolation": Key(
        Word(Isolation),
        "Where the work runs: inline is in Loom's own process, process in one that can be killed.",
        default="inline",
    ),
    "memory": Key(
        OrNull(MEMORY),
        "The address space that a process of its own may have, such as 512MB; null is no limit.",
    ),
    "dst": Key(DST, "What clock changes do to the schedule."),
    "alert": Key(ALERT, "When a person hears of bad outcomes."),
}
REQUIRES: Final = Record(
    "requires",
    {
        "env": Key(ListOf(ENV_NAME), "Environment variables (secrets) the worker may read, by name."),
        "paths": Key(ListOf(PROJECT_PATH), "Files and folders of the project that must exist."),
    },
)
EXPECT: Final = Record(
    "expect",
    {
        "non_empty": Key(ListOf(OUTPUT_PATH), "Dotted paths of the output that may not be empty."),
        "min": Key(Table(OUTPUT_PATH, Number()), "The least a number in the output may be, by dotted path."),
        "max": Key(Table(OUTPUT_PATH, Number()), "The most a number in the output may be, by dotted path."),
    },
    check=_min_below_max,
)
WORKER: Final = Record(
    "a worker",
    {
        "agent": Key(OrNull(Text()), "The agent this worker belongs to; --worker takes its name too."),
        "description": Key(Text(), "What the worker does, in one line."),
        "schedule": Key(
            Cron(),
            "When it runs: five cron fields in quotes, or a nickname such as @daily.",
            required=True,
            example='"0 6 * * *"',
        ),
        "timezone": Key(Zone(), "The schedule's IANA zone, where it isn't the file's."),
        "status": Key(
            Word(Status),
            "active runs, paused records each slot as skipped, disabled has none.",
            default="active",
        ),
        "entrypoint": Key(
            ENTRYPOINT,
            "module:function of the worker's code, in this project.",
            required=True,
            example="workers.example:run",
        ),
        **_SHARED,
        "requires": Key(REQUIRES, "What must be there before a run may start."),
        "settings": Key(
            Table(Text(), Anything()), "The worker's own settings, checked against its settings model."
        ),
        "expect": Key(EXPECT, "What a good output looks like beyond its shape."),
        "was": Key(OrNull(WORKER_ID), "The id it had before a rename; carries its history over."),
    },
    name="worker",
)
DEFAULTS: Final = Record("defaults", _SHARED)
STATE: Final = Record(
    "state",
    {
        "ledger": Key(
            Text("the path of the ledger's file"),
            "The ledger, from the project's root.",
            default=".loom/ledger.db",
        ),
        "branch": Key(BRANCH, "A git branch that carries the ledger between runners; null is none."),
        "outputs": Key(
            Word(("redacted", "full")), "What of an output leaves the local ledger.", default="redacted"
        ),
        "keep": Key(Duration(), "How long closed records stay.", default="400d"),
    },
)
TICK: Final = Record(
    "tick",
    {
        "cron": Key(
            Cron(),
            "When a clock is to wake Loom: what loom.yml or your crontab says. Unset: hourly.",
        ),
        "timezone": Key(Zone(), "The zone of that cron text, where it isn't the file's."),
        "budget": Key(
            OrNull(Duration()),
            "How long a tick may take in all. No run starts that might not be over, recorded and told by "
            "then; what isn't started waits for the next tick. Keep it below the job's own limit.",
        ),
    },
)
HEARTBEAT: Final = Record(
    "heartbeat",
    {
        "url_env": Key(
            ENV_NAME,
            "The environment variable that holds the URL to ping at the start and end of each tick, in the "
            "way of Healthchecks.",
            required=True,
            example="LOOM_HEARTBEAT_URL",
        ),
    },
)
FILE: Final = Record(
    "the registry",
    {
        "version": Key(
            Constant(1, "1, the only version of this file that this Loom reads"),
            "The version of this file's format.",
            required=True,
            example="1",
        ),
        "timezone": Key(
            Zone(), "The IANA zone all schedules are meant in.", required=True, example="America/Chicago"
        ),
        "defaults": Key(DEFAULTS, "What holds for every worker that doesn't say otherwise, key by key."),
        "max_parallel": Key(Whole(1, 64), "How many workers run at the same time.", default=4),
        "state": Key(STATE, "Where the ledger is and what leaves it."),
        "tick": Key(TICK, "When ticks are expected, to tell which were dropped, and how long one may take."),
        "heartbeat": Key(HEARTBEAT, "A dead man's switch outside, told of every tick."),
        "alerts": Key(ListOf(Hook(), least=1), "How a person is reached. Without it: stderr alone."),
        "workers": Key(Workers(), "All workers, by id.", required=True, example="{}"),
    },
    check=beside_the_ledger,
)
