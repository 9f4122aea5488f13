"""What `loom status` says of how everything stands: nothing bad unsaid, each trouble with the command that
helps, one calm line when there is none."""

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len
from rich.console import Console

from loom.domain.alert import Alert, DeliveryState, Event
from loom.domain.board import Board
from loom.domain.health import Health
from loom.domain.pause import Pause
from loom.domain.record import Entry
from loom.domain.run import OpenReason, Outcome, Run, RunError, Trigger
from loom.domain.slot import Ticket, TicketState
from loom.domain.tick import Mark
from loom.ledger.memory import MemoryLedger
from loom.registry import load
from loom.report import as_json
from loom.report.status.board import show_board
from loom.report.status.one_worker import show_one_worker
from loom.report.status.states import state_in_words
from loom.slots.owed import why_paused
from loom.status import board, one_worker
from tests.contracts.ledger_entries import DAY, HOUR, a_delivery, a_run, a_tick, a_ticket, an_episode
from tests.ground.project import Project

CHICAGO = ZoneInfo("America/Chicago")
SIX = datetime(2026, 11, 27, 6, tzinfo=CHICAGO)
NOW = SIX + HOUR + timedelta(minutes=10)
WIDTHS = (60, 80, 100, 140)
DAILY = 'echo: {agent: Echo, schedule: "0 6 * * *", entrypoint: "workers.echo:run"}'
CALM = "All is well: nothing needs a person."


def life(days: int = 16, worker: str = "echo", **newest: Any) -> list[Entry]:
    """Daily slots at six that succeeded, each on its tick; the newest run is changed as said."""
    entries: list[Entry] = [Mark(worker, NOW)]
    for back in range(days - 1, -1, -1):
        at = SIX - back * DAY
        entries.append(a_tick(f"t{back:03}", at))
        entries.append(ran(f"run-{worker}-{days - back:05}", at, worker, **(newest if not back else {})))
    return [*entries, a_tick("t-now", NOW)]


def ran(run_id: str, slot: datetime, worker: str = "echo", **changes: Any) -> Run:
    at = slot + timedelta(minutes=5)
    plain = {"slot": slot, "tick_at": at, "started_at": at, "finished_at": at, "attempts": 1}
    return a_run(run_id, worker, **{**plain, "enforcement_digest": "sha256:0", "on_time": True, **changes})


def seen(project: Project, *entries: Entry, registry: str = DAILY, now: datetime = NOW, **how: Any) -> Board:
    project.entries(registry)
    ledger = MemoryLedger()
    ledger.record(entries)
    return board(load(project.root / "worker-registry.yaml", project=project.root), ledger, now=now, **how)


def shown(what: Any, width: int, show: Callable[..., None] = show_board) -> list[str]:
    console = Console(file=io.StringIO(), width=width, highlight=False, color_system=None)
    show(console, what, CHICAGO)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def words(lines: Sequence[str]) -> str:
    return " ".join(" ".join(lines).split())


FAILED: dict[str, Any] = {
    "outcome": Outcome.FAILED,
    "error": RunError("HTTPError", "feeds.example answered 503", "workers/echo.py:7"),
}


def held(reason: OpenReason, detail: str) -> Entry:
    return a_ticket(slot=SIX, reason=reason, detail=detail, run_id="run-echo-00016", outcome=Outcome.SKIPPED)


def retried() -> Entry:
    return a_ticket(
        slot=SIX,
        reason=OpenReason.RETRY,
        outcome=Outcome.FAILED,
        starts=1,
        run_id="run-echo-00016",
        not_before=NOW + timedelta(minutes=20),
    )


TROUBLES: dict[str, tuple[list[Entry], str, list[str], str]] = {
    "a failure": (
        life(**FAILED),
        DAILY,
        [
            "echo failed 1 h ago (06:05): HTTPError: feeds.example answered 503 (workers/echo.py:7)",
            "✗ failed 1 h ago",
        ],
        "loom show n-echo-00016",
    ),
    "a missing secret": (
        [*life(outcome=Outcome.SKIPPED, final=False), held(OpenReason.REQUIREMENT, "KEY is not set")],
        DAILY,
        ["echo can't run: KEY is not set (1 slot waits since 06:00, and will run by itself"],
        "loom why echo",
    ),
    "rules that aren't whole": (
        [*life(outcome=Outcome.BLOCKED, final=False), held(OpenReason.ENFORCEMENT, "a rule was altered")],
        DAILY,
        ["echo may not run, because the rules aren't whole: a rule was altered"],
        "loom check",
    ),
    "a failure that is tried again": (
        [*life(final=False, open_reason=OpenReason.RETRY, **FAILED), retried()],
        DAILY,
        ["◐ late", "echo failed for its slot of 06:00 and is tried again, not before 07:30: HTTPError"],
        "loom why echo",
    ),
    "a broken entry": (
        life(),
        DAILY + '\nforge: {schedule: "0 6 * *", entrypoint: "workers.echo:run"}',
        ["✗ broken", "forge doesn't run, because its entry is broken", "expected five fields, got four"],
        "loom check",
    ),
    "a slot that waits for a tick": (
        [Mark("echo", SIX - HOUR), a_tick("t1", SIX - HOUR)],
        DAILY,
        ["◐ late", "echo has a slot that came due 1 h ago (06:00); the next tick decides it"],
        "loom why echo",
    ),
    "a silent clock": (
        [Mark("echo", SIX - 3 * DAY), Mark("forge", SIX - 3 * DAY), a_tick("t1", SIX - 3 * DAY)],
        DAILY + "\n" + DAILY.replace("echo", "forge", 1),
        [
            "No clock has brought a tick since Tue 06:00 (3 d ago): 72 expected ones didn't come.",
            "2 workers have slots that no tick has decided, the oldest from Wed 06:00.",
        ],
        "loom run",
    ),
    "a clock that is silent while nothing is due": (
        [Mark("echo", NOW), a_tick("t1", NOW - 2 * DAY), a_tick("t2", NOW, trigger="manual")],
        DAILY,
        [
            "No clock has brought a tick since Wed 07:10 (2 d ago): 47 expected ones didn't come.",
            "Last tick just now (07:10, manual); the clock last brought one 2 d ago (Wed 07:10).",
        ],
        "loom run",
    ),
    "a clock that is dead for some hours, while all slots are decided": (
        [Mark("echo", NOW), a_tick("t1", NOW - 5 * HOUR), ran("run-echo-00001", SIX - DAY)],
        DAILY,
        ["No clock has brought a tick since 02:10 (5 h ago): 4 expected ones didn't come."],
        "loom run",
    ),
    "slots that runs by hand don't decide": (
        [Mark("echo", SIX - 3 * DAY), a_tick("t1", NOW, trigger="manual")],
        DAILY,
        [
            "echo has slots that no tick has decided, the oldest from Wed 06:00; "
            "no clock has brought a tick yet.",
        ],
        "loom run",
    ),
    "an alert that nobody heard": (
        [
            *life(),
            a_delivery("d1", state=DeliveryState.FAILED, error="connection refused", hook="webhook"),
            a_delivery("d2", state=DeliveryState.FAILED, error="connection refused", hook="webhook"),
        ],
        DAILY,
        ["2 alerts for webhook wait since 3 Mar 00:00, about echo: connection refused"],
        "loom check --send-test-alert",
    ),
    "an episode that is nobody's": (
        [
            *life(),
            an_episode(
                "e1",
                "loom:enforcement",
                opened_at=SIX,
                announced=True,
                last_alert=Alert(event=Event.ENFORCEMENT_BROKEN, summary="the manifest is missing", at=SIX),
            ),
        ],
        DAILY,
        ["the enforcement context is broken, and nothing runs, since 06:00: the manifest is missing"],
        "loom check",
    ),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_each_trouble_is_a_sentence_with_the_command_that_helps_at_any_width(
    trouble: str, project: Project
) -> None:
    entries, registry, sentences, command = TROUBLES[trouble]
    found = seen(project, *entries, registry=registry)
    for width in WIDTHS:
        lines = shown(found, width)
        assert max(map(cell_len, lines)) <= width
        for sentence in sentences:
            assert sentence in words(lines), (width, words(lines))
        # Unbroken, on one line, so that it can be copied.
        assert any(line.rstrip().endswith(f"→ {command}") for line in lines), (width, lines)
        assert CALM not in words(lines)


@pytest.mark.parametrize("width", WIDTHS)
def test_when_all_is_well_one_calm_line_says_so_and_what_comes_next(width: int, project: Project) -> None:
    said = words(shown(seen(project, *life()), width))
    assert f"{CALM} Next is echo, in 23 h (Sat 06:00)." in said
    for word in ("Needs a person", "Loom sees to it", "nobody has heard", "→", "✗"):
        assert word not in said.replace("✗ went badly", "")


def test_a_slot_that_is_too_old_to_run_is_said_to_be(project: Project) -> None:
    tick, none = a_tick("t1", NOW - HOUR), DAILY.replace("{", "{catch_up: {policy: none}, ")
    cases = [
        (DAILY, 261 * DAY, True),
        (DAILY, timedelta(hours=2), False),
        (DAILY.replace("{", "{catch_up: {policy: latest, within: 30m}, "), timedelta(hours=2), True),
        (none, timedelta(hours=2), True),
    ]
    for registry, ago, too_old in cases:
        (row,) = seen(project, Mark("echo", NOW - ago), tick, registry=registry).rows
        told = state_in_words(row, NOW, CHICAGO)
        assert told is not None
        assert ("too old to run by now" in told[0]) is too_old, registry
        assert "the next tick decides it" in told[0]


@pytest.mark.parametrize("width", WIDTHS)
def test_slots_that_no_tick_has_decided_are_not_left_out_of_the_first_promise(
    width: int, project: Project
) -> None:
    entries: list[Entry] = [Mark("echo", SIX - 3 * DAY), a_tick("t1", SIX - 3 * DAY)]
    assert "! slots on time 0 of 2 that came due are decided" in words(shown(seen(project, *entries), width))
    some = [*life()[1:-1], Mark("echo", SIX - DAY)]
    some.append(a_tick("t-now", NOW + 8 * HOUR))
    found = seen(project, *some, now=NOW + 8 * HOUR)
    assert "! slots on time 7 of 7; 1 more undecided" in words(shown(found, width))
    on_its_way = seen(project, Mark("echo", SIX - HOUR), a_tick("t1", SIX - HOUR))
    assert "– slots on time no slot yet" in words(shown(on_its_way, width))


def test_a_skip_by_a_pause_that_is_over_needs_no_advice(project: Project) -> None:
    project.entries(DAILY)
    (worker,) = load(project.root / "worker-registry.yaml", project=project.root).workers
    pause = Pause(worker="echo", by="Ana", at=SIX, reason="the flat is flooded")
    by_pause = f"{why_paused(worker, pause)}; `loom resume echo` lets it go on"
    plain: dict[str, Any] = {"outcome": Outcome.SKIPPED, "started_at": None}
    for reason in (by_pause, "paused in worker-registry.yaml; --force runs it"):
        found = seen(project, *life(**plain, reason=reason))
        assert "skipped its last run" not in words(shown(found, 140))
        assert found.rows[0].skipped == reason
    own = seen(project, *life(outcome=Outcome.SKIPPED, reason="paused by the other side"))
    assert "echo skipped its last run: paused by the other side" in words(shown(own, 140))


@pytest.mark.parametrize("width", WIDTHS)
def test_a_run_under_way_is_shown_and_whether_its_process_lives(width: int, project: Project) -> None:
    def going(**changes: Any) -> Ticket:
        held: dict[str, Any] = {"claimer": "h", "lease_until": NOW + HOUR, "run_id": "run-going-1"}
        started: dict[str, Any] = {"state": TicketState.STARTED, "started_at": SIX + HOUR}
        return replace(a_ticket(slot=SIX, **held, **started), **changes)

    by_hand = {"key": "echo#run-going-1", "slot": None, "trigger": Trigger.MANUAL}
    cases: list[tuple[Entry, bool, str]] = [
        (going(), True, "◌ echo is under way with its slot of 06:00 since 07:00 → loom logs echo --follow"),
        (going(**by_hand), True, "◌ echo is under way since 07:00, by hand → loom logs echo --follow"),
        (
            going(),
            False,
            "◌ echo was under way since 07:00, and its process died; the next tick records that",
        ),
        (
            going(state=TicketState.CLAIMED, started_at=None),
            True,
            "◌ echo has its turn coming with its slot of 06:00, in the tick that is under way",
        ),
    ]
    for ticket, living, sentence in cases:
        found = seen(project, *life(15), Mark("echo", NOW), ticket, alive=lambda _, living=living: living)
        lines = shown(found, width)
        assert sentence in words(lines)
        assert "Loom sees to it" in lines
        assert max(map(cell_len, lines)) <= width
        assert (CALM in words(lines)) is living
        under_way = as_json.board(found, CHICAGO)["workers"][0]["under_way"]
        assert (under_way["run_id"], under_way["alive"]) == ("run-going-1", living)
    assert as_json.board(seen(project, *life()), CHICAGO)["workers"][0]["under_way"] is None


def test_bad_outcomes_of_different_kinds_are_not_called_failures(project: Project) -> None:
    def last_two(first: Outcome, second: Outcome) -> list[Entry]:
        return [
            replace(each, outcome=first)
            if isinstance(each, Run) and each.run_id == "run-echo-00015"
            else each
            for each in life(outcome=second)
        ]

    alike = words(shown(seen(project, *last_two(Outcome.FAILED, Outcome.FAILED)), 140))
    assert "echo failed 2 times in a row, last 1 h ago (06:05)" in alike
    mixed = words(shown(seen(project, *last_two(Outcome.FAILED, Outcome.MISSED)), 140))
    assert "echo missed its slot 1 h ago (06:05), the last of 2 bad outcomes in a row" in mixed
    assert "2 times" not in mixed


def test_a_date_of_another_year_is_shown_with_its_year(project: Project) -> None:
    yearly = DAILY.replace("0 6 * * *", "0 6 1 3 *")
    project.entries(yearly)
    ledger = MemoryLedger()
    long_ago = datetime(2025, 3, 1, 6, tzinfo=CHICAGO)
    ledger.record([Mark("echo", NOW), a_tick("t", NOW), ran("run-echo-00001", long_ago)])
    registry = load(project.root / "worker-registry.yaml", project=project.root)
    said = words(shown(one_worker(registry, ledger, registry.workers[0], now=NOW), 140, show_one_worker))
    assert "Sat 1 Mar 2025 06:05 CST" in said
    assert "✓ succeeded Sat 1 Mar 2025 06:00 CST" in said
    assert "Mon 1 Mar 2027 06:00 CST" in said
    assert "2026" not in said


def test_before_a_clock_has_called_it_is_said_that_workers_run_only_by_hand(project: Project) -> None:
    by_hand: list[Entry] = [Mark("echo", NOW), a_tick("t1", NOW - HOUR, trigger="manual")]
    said = words(shown(seen(project, *by_hand), 80))
    assert "Nothing needs a person, but no clock calls Loom yet: workers run only by hand." in said
    assert CALM not in said


def test_a_worker_that_is_off_is_no_trouble(project: Project) -> None:
    pause = Pause(
        worker="echo", by="Ana", at=NOW - 2 * HOUR, until=NOW + 2 * DAY, reason="the flat is flooded"
    )
    cases: list[tuple[str, list[Entry], str]] = [
        (DAILY, [*life(**FAILED), pause], "‖ paused"),
        (DAILY.replace("{", "{status: paused, "), life(**FAILED), "‖ paused"),
        (DAILY.replace("{", "{status: disabled, "), life(**FAILED), "· disabled"),
    ]
    for registry, entries, health in cases:
        found = seen(project, *entries, registry=registry)
        (row,) = found.rows
        assert (row.next_slot, row.undecided, row.said) == (None, None, "")
        for width in WIDTHS:
            said = words(shown(found, width))
            assert health in said
            assert CALM in said
            assert ("paused by Ana 2 h ago, until Sun 07:10: the flat is flooded" in said) is (
                registry == DAILY
            )
            assert ("paused in worker-registry.yaml" in said) is row.paused_in_registry


def test_a_pause_that_has_run_out_or_was_lifted_is_not_shown(project: Project) -> None:
    for changes in ({"until": NOW}, {"lifted": True}):
        pause = replace(Pause(worker="echo", by="Ana", at=SIX - HOUR), **changes)
        (row,) = seen(project, *life(), pause).rows
        assert (row.health, row.pause) == (Health.UP, None)


def test_the_line_of_a_worker_says_what_happened_when_and_what_comes(project: Project) -> None:
    weekly = 'forge: {agent: Forge, schedule: "0 3 * * mon", entrypoint: "workers.echo:run"}'
    entries = [*life(final=False, **FAILED), retried(), Mark("forge", NOW)]
    found = seen(project, *entries, registry=f"{DAILY}\n{weekly}")
    echo, forge = found.rows
    assert [each.outcome for each in echo.recent] == [*[Outcome.SUCCEEDED] * 13, Outcome.FAILED]
    assert (echo.streak, forge.streak, forge.recent) == (-1, 0, ())
    wide = shown(found, 140)
    assert any(
        line.split("  ")[0] == "◐ late"
        and "✗ failed 1 h ago (06:05)" in line
        and "✓" * 13 + "◐  1 bad" in line
        and "in 23 h (Sat 06:00)" in line
        for line in wide
    ), wide
    assert any("○ new" in line and "never ran" in line and "·" * 14 in line for line in wide)
    for width in WIDTHS:
        lines = shown(found, width)
        assert any("◐ late" in line and "echo" in line and "✗ failed 1 h ago" in line for line in lines)
        signs = any("✓✓✓" in line for line in lines)
        legend = "✓ succeeded ✗ went badly – skipped or superseded ◐ still open · none yet"
        assert (legend in words(lines)) is signs


@pytest.mark.parametrize(
    ("changes", "figure"),
    [
        ({"on_time": False}, "! slots on time 6 of 7"),
        ({"enforcement_digest": None}, "! runs under the full digest 6 of 7"),
        ({}, "✓ slots on time 7 of 7"),
        ({}, "– bad outcomes delivered none to deliver"),
        (FAILED, "✓ bad outcomes delivered 1 of 1"),
    ],
)
def test_the_three_promises_stand_above_as_figures(
    changes: dict[str, Any], figure: str, project: Project
) -> None:
    found = seen(project, *life(**changes))
    for width in WIDTHS:
        lines = shown(found, width)
        table = next(number for number, line in enumerate(lines) if line.startswith("health"))
        assert figure in words(lines[:table])
        assert "In the last 7 days" in words(lines[:table])


def test_what_others_wrote_is_shown_as_it_is_and_on_one_line(project: Project) -> None:
    nasty = "[bold]not[/bold] \x1b[31mred\x1b[0m\nand a line"
    pause = Pause(worker="forge", by=nasty, at=SIX, reason=nasty)
    entries = [
        *life(outcome=Outcome.FAILED, error=RunError(nasty, nasty)),
        pause,
        Mark("forge", NOW),
        a_delivery("d1", state=DeliveryState.FAILED, error=nasty, hook="webhook"),
    ]
    found = seen(project, *entries, registry=f"{DAILY}\n{DAILY.replace('echo', 'forge', 1)}")
    for width in WIDTHS:
        said = "\n".join(shown(found, width))
        assert "\x1b" not in said
        assert words(said.splitlines()).count("[bold]not[/bold] [31mred [0m and a line") == 5


def test_a_streak_is_found_behind_many_runs_by_hand(project: Project) -> None:
    """As many records as are read at first tell of no slot: a second look goes further back."""
    by_hand = [ran(f"hand-{number:05}", SIX, by_hand=True) for number in range(130)]
    found = seen(project, *life(20), *by_hand)
    assert (found.rows[0].streak, len(found.rows[0].recent)) == (20, 14)


def test_a_renamed_worker_keeps_its_slots_before_a_tick_has_come(project: Project) -> None:
    found = seen(project, *life(worker="old"), registry=DAILY.replace("{", "{was: old, "))
    assert (found.rows[0].worker, found.rows[0].streak, len(found.rows[0].recent)) == ("echo", 16, 14)


def test_one_worker_is_opened_with_everything_that_is_known_of_it(project: Project) -> None:
    entry = DAILY.replace("{", '{description: "Says [hello]", ')
    project.entries(entry)
    output = {
        "summary": "2 found",
        "findings": [
            {"severity": "info", "title": "a birthday", "subject": "Grace"},
            {"severity": "critical", "title": "no owner", "subject": "Deal 42", "action": "name one"},
        ],
    }
    ledger = MemoryLedger()
    entries = life(final=False, open_reason=OpenReason.RETRY, **FAILED)
    good = [
        replace(each, output=output) if isinstance(each, Run) and each.outcome is Outcome.SUCCEEDED else each
        for each in entries
    ]
    ledger.record([*good, retried()])
    registry = load(project.root / "worker-registry.yaml", project=project.root)
    found = one_worker(registry, ledger, registry.workers[0], now=NOW)
    for width in WIDTHS:
        lines = shown(found, width, show_one_worker)
        said = words(lines)
        assert max(map(cell_len, lines)) <= width
        for part in (
            "echo (Echo) ◐ late",
            "Says [hello]",
            "it failed for its slot of 06:00 and is tried again, not before 07:30",
            "0 6 * * * America/Chicago",
            "within 24 h of its slot",
            "✗ failed 1 h ago (06:05)",
            "Thu 26 Nov 06:05 CST, 25 h ago",
            "1 bad in a row",
            "◐ failed, still open Fri 27 Nov 06:00 CST",
            "✓ succeeded Sat 14 Nov 06:00 CST",
            "slot of Fri 27 Nov 06:00 CST: retry",
            "Sat 28 Nov 06:00 CST",
            "Mon 30 Nov 06:00 CST",
            "1 critical, 1 info",
            "critical Deal 42: no owner → name one",
            "loom history --worker echo",
            "loom show n-echo-00016",
        ):
            assert part in said, (width, part, said)
        assert said.index("no owner") < said.index("a birthday")
        assert "Fri 13 Nov" not in said


def test_a_run_that_is_going_on_is_said_to(project: Project) -> None:
    project.entries(DAILY)
    ledger = MemoryLedger()
    going = a_ticket(
        slot=SIX, state=TicketState.STARTED, claimer="h", lease_until=NOW + HOUR, started_at=SIX + HOUR
    )
    ledger.record([*life(15), Mark("echo", NOW), going])
    registry = load(project.root / "worker-registry.yaml", project=project.root)
    found = one_worker(registry, ledger, registry.workers[0], now=NOW)
    assert "slot of Fri 27 Nov 06:00 CST: started since 07:00" in words(shown(found, 80, show_one_worker))
