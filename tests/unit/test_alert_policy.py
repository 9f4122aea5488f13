"""What a person hears of each tick, and what stays silent."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from loom.alerts.policy import Considered, Trouble, consider
from loom.domain.alert import Alert, Episode, Event
from loom.domain.run import OpenReason, Outcome, Run, RunError, Trigger
from loom.domain.standing import Standing
from loom.domain.worker import AlertPolicy

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SENTINEL = "relationship-sentinel"
REFUSED = RunError("ConnectError", "connection refused", "workers/relationship_sentinel.py:40")
LATE = RunError("ReadTimeout", "no answer within 30 s")
BROKEN_RULES = Trouble(
    "loom:enforcement",
    Event.ENFORCEMENT_BROKEN,
    "rules/hubspot.yaml is missing",
    "The enforcement context is broken: rules/hubspot.yaml is missing",
    RunError("EnforcementError", "rules/hubspot.yaml is missing", "enforcement/manifest.yaml:3"),
)
BROKEN_ENTRY = Trouble(
    "loom:registry:echo",
    Event.REGISTRY_BROKEN,
    "schedule",
    "at worker 'echo' > at key 'schedule' > expected five fields, got four",
    None,
    "echo",
)
BROKEN_REGISTRY = Trouble("loom:registry", Event.REGISTRY_BROKEN, "yaml", "it isn't YAML", None)
CLOCK = Trouble("loom:clock", Event.CLOCK_BACKWARDS, "clock", "the clock went back by 2 h", None)


class Ticks:
    """Feeds ticks to the policy and remembers between them what the ledger would."""

    def __init__(self, policy: AlertPolicy | None = None) -> None:
        self.policies = {} if policy is None else {SENTINEL: policy}
        self.episodes: dict[str, Episode] = {}
        self.standings: dict[str, Standing] = {}
        self.now = START
        self.ids: Iterator[str] = (f"episode-{number}" for number in count(1))
        self.last = Considered((), (), {}, {})

    def tick(
        self,
        *runs: Run,
        troubles: Sequence[Trouble] = (),
        after: timedelta = HOUR,
        removed: Sequence[str] = (),
        paused: Sequence[str] = (),
    ) -> tuple[Alert, ...]:
        self.now += after
        self.last = consider(
            self.episodes,
            runs=runs,
            policies=self.policies,
            standings=self.standings,
            troubles=troubles,
            now=self.now,
            new_id=lambda: next(self.ids),
            run_url="https://ci.example/run/7",
            zone="America/Chicago",
            removed=removed,
            paused=paused,
        )
        for episode in self.last.episodes:
            if episode.closed_at is None:
                self.episodes[episode.subject] = episode
            else:
                self.episodes.pop(episode.subject, None)
        self.standings.update(self.last.standings)
        return tuple(alert for alert, _ in self.last.alerts)


_run_ids = count(1)


def a_run(
    outcome: Outcome, error: RunError | None = None, *, worker: str = SENTINEL, final: bool = True
) -> Run:
    return Run(
        run_id=f"run-{next(_run_ids)}",
        worker=worker,
        agent="Sentinel" if worker == SENTINEL else None,
        slot=START,
        trigger=Trigger.SCHEDULE,
        outcome=outcome,
        final=final,
        open_reason=None if final else OpenReason.RETRY,
        error=error,
        attempts=3,
        tick_at=START + timedelta(minutes=5),
    )


def failed(error: RunError = REFUSED, *, final: bool = True) -> Run:
    return a_run(Outcome.FAILED, error, final=final)


def succeeded() -> Run:
    return a_run(Outcome.SUCCEEDED)


def held_for_enforcement(worker: str) -> Run:
    run = a_run(Outcome.BLOCKED, worker=worker, final=False)
    return replace(
        run, open_reason=OpenReason.ENFORCEMENT, reason="enforcement: rules/hubspot.yaml is missing"
    )


def waiting_for(what: str) -> Run:
    run = a_run(Outcome.SKIPPED, final=False)
    return replace(
        run, open_reason=OpenReason.REQUIREMENT, reason=f"requirement: {what} is not set", attempts=0
    )


def events(alerts: Sequence[Alert]) -> list[str]:
    return [alert.event.value for alert in alerts]


def test_the_first_bad_run_is_said_at_once_with_everything_the_payload_promises() -> None:
    ticks = Ticks()
    run = failed()
    (alert,) = ticks.tick(run)
    assert alert.payload() == {
        "event": "worker.down",
        "worker": SENTINEL,
        "agent": "Sentinel",
        "slot": "2026-11-21T12:00:00+00:00",
        "outcome": "failed",
        "summary": (
            "Sentinel (relationship-sentinel): the run of Sat 21 Nov 06:00 CST failed: "
            "ConnectError: connection refused; gave up after 3 attempts"
        ),
        "error": {
            "kind": "ConnectError",
            "message": "connection refused",
            "where": "workers/relationship_sentinel.py:40",
        },
        "run_id": run.run_id,
        "run_url": "https://ci.example/run/7",
        "at": "2026-11-21T13:00:00+00:00",
        "consecutive_failures": 1,
    }
    assert ticks.last.belongs == {run.run_id: "episode-1"}


def test_a_run_that_will_be_tried_again_says_when() -> None:
    soon = replace(failed(final=False), not_before=START + timedelta(minutes=70))
    tomorrow = replace(failed(final=False), not_before=START + timedelta(days=1))
    (alert,) = Ticks().tick(soon)
    assert alert.event is Event.WORKER_FAILING
    assert alert.summary.endswith("; will be tried again at the next tick after 07:10")
    (alert,) = Ticks().tick(tomorrow)
    assert alert.summary.endswith("; will be tried again at the next tick after Sun 22 Nov 06:00 CST")


def test_giving_up_is_said_even_though_failing_was_said_already() -> None:
    ticks = Ticks()
    assert events(ticks.tick(failed(final=False))) == ["worker.failing"]
    assert events(ticks.tick(failed(final=False))) == []
    given_up = replace(failed(), reason="its catch-up of 24 h is over")
    (alert,) = ticks.tick(given_up)
    assert alert.event is Event.WORKER_DOWN
    assert "gave up after 3 attempts: its catch-up of 24 h is over" in alert.summary
    assert "bad since Sat 21 Nov 07:00 CST, 3 bad outcomes so far" in alert.summary
    assert alert.consecutive_failures == 3


def test_once_gave_up_was_said_the_next_slot_failing_in_the_same_way_is_gathered_silently() -> None:
    ticks = Ticks()
    ticks.tick(failed())
    assert ticks.tick(failed(final=False)) == ()
    assert ticks.tick(failed()) == ()
    assert ticks.episodes[SENTINEL].gathered == 3


def test_another_kind_of_error_is_said_at_once() -> None:
    ticks = Ticks()
    ticks.tick(failed(REFUSED))
    (alert,) = ticks.tick(failed(LATE))
    assert "ReadTimeout" in alert.summary
    assert events(ticks.tick(a_run(Outcome.INVALID, LATE))) == ["worker.down"]
    assert ticks.tick(a_run(Outcome.INVALID, LATE)) == ()


def test_a_success_closes_the_episode_with_one_recovery_notice() -> None:
    ticks = Ticks()
    ticks.tick(failed())
    ticks.tick(failed())
    (alert,) = ticks.tick(succeeded())
    assert alert.event is Event.WORKER_RECOVERED
    assert alert.consecutive_failures == 0
    assert "works again" in alert.summary
    assert "bad since Sat 21 Nov 07:00 CST, 2 bad outcomes" in alert.summary
    assert ticks.last.episodes[0].closed_at == ticks.now
    assert ticks.tick(succeeded()) == ()


def test_with_after_3_two_bad_runs_are_held_and_the_third_is_said() -> None:
    ticks = Ticks(AlertPolicy(after=3))
    first, second, third = failed(), failed(), failed()
    assert ticks.tick(first) == ()
    assert ticks.last.belongs == {first.run_id: "held 1 of 3"}
    assert not ticks.last.episodes[0].announced
    assert ticks.tick(second) == ()
    assert ticks.last.belongs == {second.run_id: "held 2 of 3"}
    (alert,) = ticks.tick(third)
    assert alert.consecutive_failures == 3
    assert ticks.last.belongs == {third.run_id: "episode-1"}


def test_a_held_episode_ends_silently_and_the_count_starts_anew() -> None:
    ticks = Ticks(AlertPolicy(after=2))
    ticks.tick(failed())
    assert ticks.tick(succeeded()) == ()
    assert ticks.last.episodes[0].closed_at is not None
    assert ticks.tick(failed()) == ()
    assert next(iter(ticks.last.belongs.values())) == "held 1 of 2"


def test_a_held_episode_is_never_reminded_of() -> None:
    ticks = Ticks(AlertPolicy(after=2))
    ticks.tick(failed())
    assert ticks.tick(after=timedelta(days=3)) == ()


def test_a_run_updated_in_place_is_one_bad_outcome() -> None:
    ticks = Ticks(AlertPolicy(after=2))
    run = failed(final=False)
    ticks.tick(run)
    assert ticks.tick(replace(run, final=True)) == ()
    assert ticks.last.belongs == {run.run_id: "held 1 of 2"}


def test_a_run_updated_in_place_after_another_is_one_bad_outcome() -> None:
    ticks = Ticks(AlertPolicy(after=3))
    first, second = failed(final=False), failed()
    ticks.tick(first)
    ticks.tick(second)
    belongs = "held 1 of 3"
    assert ticks.tick(replace(first, final=True, episode=belongs)) == ()
    assert ticks.standings[SENTINEL].consecutive_failures == 2
    (alert,) = ticks.tick(failed())
    assert alert.consecutive_failures == 3
    (episode,) = ticks.last.episodes
    assert episode.gathered == 3
    ticks.tick(replace(second, final=True, episode=episode.id))
    assert ticks.last.episodes[0].gathered == 3


def test_a_run_that_ends_badly_after_a_success_opens_an_episode_of_its_own() -> None:
    ticks = Ticks()
    first = failed(final=False)
    ticks.tick(first)
    told = replace(first, episode=ticks.last.belongs[first.run_id])
    ticks.tick(replace(succeeded(), finished_at=ticks.now))
    (alert,) = ticks.tick(replace(told, final=True))
    assert (alert.event, alert.consecutive_failures) == (Event.WORKER_DOWN, 1)
    assert ticks.last.episodes[0].gathered == 1


def test_invalid_blocked_and_missing_requirements_never_wait_for_the_threshold() -> None:
    for run in (
        a_run(Outcome.INVALID, RunError("missing", "contacts_checked")),
        a_run(Outcome.BLOCKED, RunError("hubspot-read-only", "POST refused")),
        waiting_for("HUBSPOT_ACCESS_TOKEN"),
    ):
        assert len(Ticks(AlertPolicy(after=5)).tick(run)) == 1


def test_an_open_episode_is_reminded_of_on_a_tick_where_nothing_ran() -> None:
    ticks = Ticks()
    run = failed()
    ticks.tick(run)
    assert ticks.tick(after=timedelta(hours=23)) == ()
    (alert,) = ticks.tick(after=HOUR)
    assert alert.event is Event.WORKER_DOWN
    assert (alert.worker, alert.agent, alert.run_id) == (SENTINEL, "Sentinel", run.run_id)
    assert alert.at == ticks.now
    assert alert.consecutive_failures == 1
    assert alert.summary == (
        "Sentinel (relationship-sentinel): still down since Sat 21 Nov 07:00 CST, 1 bad outcome so far; "
        "the last was failed: ConnectError: connection refused"
    )
    assert ticks.tick(after=HOUR) == ()
    assert len(ticks.tick(after=timedelta(hours=23))) == 1


def test_a_reminder_that_is_due_when_another_run_fails_tells_of_that_run() -> None:
    ticks = Ticks()
    ticks.tick(failed())
    run = failed()
    (alert,) = ticks.tick(run, after=timedelta(hours=24))
    assert alert.run_id == run.run_id
    assert "bad since Sat 21 Nov 07:00 CST, 2 bad outcomes so far" in alert.summary


def test_the_time_between_reminders_is_the_workers_own() -> None:
    ticks = Ticks(AlertPolicy(remind=timedelta(hours=2)))
    ticks.tick(failed())
    assert ticks.tick(after=HOUR) == ()
    assert len(ticks.tick(after=HOUR)) == 1


def test_a_paused_worker_is_not_reminded_of_and_a_removed_ones_episode_ends_without_a_word() -> None:
    ticks = Ticks()
    ticks.tick(failed())
    assert ticks.tick(after=timedelta(days=2), paused=[SENTINEL]) == ()
    assert SENTINEL in ticks.episodes
    assert ticks.tick(after=timedelta(days=2), removed=[SENTINEL]) == ()
    assert SENTINEL not in ticks.episodes


def test_a_missed_range_is_one_alert_with_the_count() -> None:
    missed = replace(
        a_run(Outcome.MISSED), slot_last=START + 4 * HOUR, count=5, reason="catch-up reaches back 24 h"
    )
    (alert,) = Ticks(AlertPolicy(after=3)).tick(missed)
    assert alert.event is Event.SLOT_MISSED
    assert alert.summary == (
        "Sentinel (relationship-sentinel): 5 runs between Sat 21 Nov 06:00 CST and Sat 21 Nov 10:00 CST "
        "were missed: catch-up reaches back 24 h"
    )


def test_skipped_and_superseded_runs_neither_open_nor_close() -> None:
    ticks = Ticks()
    assert ticks.tick(a_run(Outcome.SKIPPED), a_run(Outcome.SUPERSEDED)) == ()
    assert ticks.last.belongs == {}
    ticks.tick(failed())
    assert ticks.tick(a_run(Outcome.SKIPPED), a_run(Outcome.SUPERSEDED)) == ()
    assert SENTINEL in ticks.episodes


def test_a_missing_requirement_is_said_once_with_what_is_missing() -> None:
    ticks = Ticks()
    (alert,) = ticks.tick(waiting_for("HUBSPOT_ACCESS_TOKEN"))
    assert alert.event is Event.WORKER_FAILING
    assert "can't start: HUBSPOT_ACCESS_TOKEN is not set; it starts on the first tick" in alert.summary
    assert ticks.tick(waiting_for("HUBSPOT_ACCESS_TOKEN")) == ()
    assert len(ticks.tick(waiting_for("ANOTHER_SECRET"))) == 1
    assert events(ticks.tick(succeeded())) == ["worker.recovered"]


def test_a_run_with_a_parameter_touches_no_episode() -> None:
    ticks = Ticks()
    run = replace(failed(), counts=False)
    assert ticks.tick(run) == ()
    assert ticks.last.belongs == {run.run_id: "not counted"}
    assert ticks.last.episodes == ()
    ticks.tick(failed())
    assert ticks.tick(replace(succeeded(), counts=False)) == ()
    assert SENTINEL in ticks.episodes


def test_runs_by_hand_open_and_close_episodes() -> None:
    ticks = Ticks()
    by_hand = replace(failed(), slot=None, trigger=Trigger.MANUAL)
    (alert,) = ticks.tick(by_hand)
    assert "the run by hand failed" in alert.summary
    assert events(ticks.tick(replace(succeeded(), slot=None, trigger=Trigger.MANUAL))) == ["worker.recovered"]


def test_a_failure_and_its_recovery_within_one_tick_are_both_said() -> None:
    ticks = Ticks()
    assert events(ticks.tick(failed(final=False), succeeded())) == ["worker.failing", "worker.recovered"]
    assert ticks.episodes == {}


def test_a_broken_enforcement_context_is_one_alert_that_names_who_is_held() -> None:
    ticks = Ticks()
    runs = [held_for_enforcement(worker) for worker in ("echo", SENTINEL)]
    (alert,) = ticks.tick(*runs, troubles=[BROKEN_RULES])
    assert alert.event is Event.ENFORCEMENT_BROKEN
    assert alert.worker is None
    assert alert.error == BROKEN_RULES.error
    assert "held now: echo, relationship-sentinel" in alert.summary
    assert ticks.last.belongs == {run.run_id: "episode-1" for run in runs}
    assert ticks.tick(held_for_enforcement("echo"), troubles=[BROKEN_RULES]) == ()
    assert list(ticks.episodes) == ["loom:enforcement"]


def test_the_list_of_held_workers_is_bounded() -> None:
    runs = [held_for_enforcement(f"worker-{number:04}") for number in range(1000)]
    (alert,) = Ticks().tick(*runs, troubles=[BROKEN_RULES])
    assert alert.summary.endswith("worker-0009 and 990 more")
    assert len(alert.summary) < 800


def test_a_broken_context_speaks_again_when_it_breaks_otherwise_and_as_a_reminder() -> None:
    ticks = Ticks()
    ticks.tick(troubles=[BROKEN_RULES])
    otherwise = replace(BROKEN_RULES, kind="digest", summary="The enforcement context is broken: altered")
    assert events(ticks.tick(troubles=[otherwise])) == ["enforcement.broken"]
    assert ticks.tick(troubles=[otherwise], after=timedelta(hours=23)) == ()
    (alert,) = ticks.tick(troubles=[otherwise])
    assert "broken since Sat 21 Nov 07:00 CST" in alert.summary


def test_held_runs_are_never_silent_even_if_nobody_lists_the_trouble() -> None:
    ticks = Ticks()
    run = held_for_enforcement("echo")
    (alert,) = ticks.tick(run)
    assert alert.event is Event.ENFORCEMENT_BROKEN
    assert "rules/hubspot.yaml is missing" in alert.summary
    assert ticks.last.belongs == {run.run_id: "episode-1"}


def test_a_context_that_is_whole_again_is_said_once() -> None:
    ticks = Ticks()
    ticks.tick(troubles=[BROKEN_RULES])
    (alert,) = ticks.tick()
    assert alert.event is Event.ENFORCEMENT_RESTORED
    assert "broken since Sat 21 Nov 07:00 CST" in alert.summary
    assert ticks.tick() == ()


def test_a_mended_or_removed_entry_is_said_with_the_workers_id() -> None:
    ticks = Ticks()
    (alert,) = ticks.tick(troubles=[BROKEN_ENTRY])
    assert (alert.event, alert.worker) == (Event.REGISTRY_BROKEN, "echo")
    (alert,) = ticks.tick()
    assert (alert.event, alert.worker) == (Event.REGISTRY_MENDED, "echo")


def test_while_the_registry_cannot_be_read_nothing_else_is_called_mended() -> None:
    ticks = Ticks()
    ticks.tick(troubles=[BROKEN_ENTRY, BROKEN_RULES])
    assert events(ticks.tick(troubles=[BROKEN_REGISTRY])) == ["registry.broken"]
    assert set(ticks.episodes) == {"loom:registry:echo", "loom:enforcement", "loom:registry"}
    assert events(ticks.tick(troubles=[BROKEN_ENTRY])) == ["enforcement.restored", "registry.mended"]


def test_a_clock_that_is_right_again_is_not_worth_a_word() -> None:
    ticks = Ticks()
    assert events(ticks.tick(troubles=[CLOCK])) == ["clock.backwards"]
    assert ticks.tick() == ()
    assert ticks.episodes == {}


def test_a_clock_set_back_gives_no_reminder() -> None:
    ticks = Ticks()
    ticks.tick(failed())
    assert ticks.tick(after=timedelta(days=-5)) == ()


def test_a_workers_endless_message_makes_no_endless_summary() -> None:
    (alert,) = Ticks().tick(failed(RunError("ValueError", "x\n" * 5_000_000)))
    assert len(alert.summary) < 600
    assert "\n" not in alert.summary


def test_an_announced_episode_without_its_last_words_still_reminds_and_still_says_gave_up() -> None:
    ticks = Ticks()
    ticks.tick(failed(final=False))
    ticks.episodes[SENTINEL] = replace(ticks.episodes[SENTINEL], last_alert=None)
    (alert,) = ticks.tick(after=timedelta(hours=24))
    assert alert.worker == SENTINEL
    ticks.episodes[SENTINEL] = replace(ticks.episodes[SENTINEL], last_alert=None)
    assert events(ticks.tick(failed())) == ["worker.down"]
