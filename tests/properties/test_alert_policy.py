"""Laws of the alert policy, whatever happens in whatever order."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from loom.alerts.policy import NOT_COUNTED, Considered, consider
from loom.domain.alert import Alert, Episode, Event
from loom.domain.run import OpenReason, Outcome, Run, RunError, Trigger
from loom.domain.standing import Standing
from loom.domain.worker import AlertPolicy

START = datetime(2026, 3, 8, 7, 30, tzinfo=UTC)
WORKERS = ("echo", "forge")

errors = st.sampled_from([None, RunError("ConnectError", "refused"), RunError("ValueError", "no")])
open_reasons = st.sampled_from([OpenReason.RETRY, OpenReason.REQUIREMENT, OpenReason.ENFORCEMENT])


@st.composite
def runs(draw: st.DrawFn) -> Run:
    outcome = draw(st.sampled_from(Outcome))
    final = draw(st.booleans())
    return Run(
        run_id="",
        worker=draw(st.sampled_from(WORKERS)),
        agent=None,
        slot=START,
        trigger=Trigger.SCHEDULE,
        outcome=outcome,
        final=final,
        open_reason=None if final or outcome is Outcome.SUCCEEDED else draw(open_reasons),
        error=draw(errors),
        count=draw(st.integers(1, 3)) if outcome is Outcome.MISSED else 1,
        tick_at=START,
        counts=draw(st.integers(0, 9)) > 0,
    )


histories = st.lists(st.lists(runs(), max_size=4), max_size=8).map(
    lambda ticks: [
        [replace(run, run_id=f"run-{i}-{j}") for j, run in enumerate(tick)] for i, tick in enumerate(ticks)
    ]
)
policies = st.fixed_dictionaries(
    {worker: st.builds(AlertPolicy, after=st.integers(1, 4)) for worker in WORKERS}
)


def feed(
    ticks: Sequence[Sequence[Run]], policies: dict[str, AlertPolicy], step: timedelta
) -> tuple[dict[str, Episode], list[Considered]]:
    """The open episodes at the end, and what was decided at each tick."""
    ids = (f"episode-{number}" for number in count(1))
    episodes: dict[str, Episode] = {}
    standings: dict[str, Standing] = {}
    decided: list[Considered] = []
    for number, tick in enumerate(ticks):
        considered = consider(
            episodes,
            runs=tick,
            policies=policies,
            standings=standings,
            troubles=(),
            now=START + number * step,
            new_id=lambda: next(ids),
            run_url=None,
        )
        decided.append(considered)
        for episode in considered.episodes:
            if episode.closed_at is None:
                episodes[episode.subject] = episode
            else:
                episodes.pop(episode.subject, None)
        for run in tick:
            standing = standings.get(run.worker) or Standing(worker=run.worker)
            standings[run.worker] = standing.after(run)
    return episodes, decided


@given(histories, policies)
def test_every_bad_run_belongs_to_an_episode_that_exists_or_says_that_it_is_held(
    ticks: list[list[Run]], policies: dict[str, AlertPolicy]
) -> None:
    _, decided = feed(ticks, policies, timedelta(hours=1))
    known: set[str] = set()
    for tick, considered in zip(ticks, decided, strict=True):
        known |= {episode.id for episode in considered.episodes}
        assert set(considered.belongs) == {run.run_id for run in tick if run.bad}
        for run in tick:
            if not run.bad:
                continue
            where = considered.belongs[run.run_id]
            if not run.counts:
                assert where == NOT_COUNTED
            elif where not in known:
                after = policies[run.worker].after
                assert where in {f"held {number} of {after}" for number in range(1, after)}
                assert run.outcome not in (Outcome.INVALID, Outcome.BLOCKED)


@given(histories, policies)
def test_no_alert_is_without_an_episode_and_recovery_follows_bad_news_only(
    ticks: list[list[Run]], policies: dict[str, AlertPolicy]
) -> None:
    _, decided = feed(ticks, policies, timedelta(hours=7))
    announced: set[str] = set()
    over: set[str] = set()
    for considered in decided:
        for alert, episode in considered.alerts:
            assert episode.id
            assert episode.announced
            assert episode.id not in over
            if alert.event in (Event.WORKER_RECOVERED, Event.ENFORCEMENT_RESTORED):
                assert episode.id in announced
                over.add(episode.id)
            else:
                announced.add(episode.id)
        for episode in considered.episodes:
            if episode.closed_at is not None and episode.announced:
                assert episode.id in over


@given(histories, policies)
def test_all_at_once_ends_as_tick_by_tick(ticks: list[list[Run]], policies: dict[str, AlertPolicy]) -> None:
    # A broken context is the state of a tick, not of a run: it has no "all at once".
    ticks = [[run for run in tick if run.open_reason is not OpenReason.ENFORCEMENT] for tick in ticks]
    at_once = [[run for tick in ticks for run in tick]]
    slowly, decided = feed(ticks, policies, timedelta())
    quickly, decided_at_once = feed(at_once, policies, timedelta())
    assert {s: (e.announced, e.held, e.gathered) for s, e in slowly.items()} == {
        s: (e.announced, e.held, e.gathered) for s, e in quickly.items()
    }
    assert _said(decided) == _said(decided_at_once)


def _said(decided: Sequence[Considered]) -> list[Alert]:
    return [alert for considered in decided for alert, _ in considered.alerts]


@given(st.integers(1, 4), st.integers(1, 6))
def test_the_nth_bad_run_in_a_row_is_the_first_that_is_said(after: int, failures: int) -> None:
    run = Run(
        run_id="",
        worker="echo",
        agent=None,
        slot=START,
        trigger=Trigger.SCHEDULE,
        outcome=Outcome.FAILED,
        tick_at=START,
    )
    ticks = [[replace(run, run_id=f"run-{number}")] for number in range(failures)]
    _, decided = feed(ticks, {"echo": AlertPolicy(after=after)}, timedelta(minutes=1))
    spoke = [number for number, considered in enumerate(decided, start=1) if considered.alerts]
    assert spoke == ([after] if failures >= after else [])


@given(histories, policies)
def test_a_tick_without_news_right_after_another_says_nothing(
    ticks: list[list[Run]], policies: dict[str, AlertPolicy]
) -> None:
    held = any(run.open_reason is OpenReason.ENFORCEMENT for tick in ticks for run in tick)
    _, decided = feed([*ticks, [], []], policies, timedelta())
    assert decided[-1].alerts == ()
    assert held or decided[-2].alerts == ()
