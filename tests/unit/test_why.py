"""Why a worker did or didn't run: each way a slot can go, asked after real ticks on a real ledger."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from loom.domain.pause import Pause
from loom.domain.reasons import Fact, Reasons, Topic
from loom.domain.run import Outcome, Trigger
from loom.errors import UsageError
from loom.instants import parse_instant
from loom.runner.request import TickRequest
from tests.unit.why_life import DAY, HOUR, Life, lived, under_way, utc, young

NOW = utc(21, "17:30")
LATE = utc(21, "12:00")
"""The slot at 06:00 in Chicago for which the tick came five hours late."""
ON_TIME = utc(20, "12:00")


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """It is only asked; nobody adds to it."""
    with lived(tmp_path_factory.mktemp("why") / "project") as life:
        yield life


def says(answer: Reasons, topic: Topic) -> str:
    return " ".join(fact.says for fact in answer.facts if fact.topic is topic)


def do(answer: Reasons, topic: Topic) -> list[str]:
    return [fact.do for fact in answer.facts if fact.topic is topic and fact.do]


def would(answer: Reasons) -> list[tuple[str, datetime | None]]:
    return [(each.action, each.slot) for each in answer.next.would]


class TestOneSlot:
    def test_a_slot_whose_tick_came_on_time_ran_on_time(self, life: Life) -> None:
        answer = life.why("punctual", ON_TIME, now=NOW)
        assert answer.verdict == "punctual ran for Fri 20 Nov 06:00 CST and succeeded, on time."
        (slot,) = answer.slots
        assert (slot.outcome, slot.final, slot.tick_at) == (Outcome.SUCCEEDED, True, utc(20, "12:05"))
        assert slot.late == timedelta(minutes=5)
        assert "the next one came at 06:05, 5 min after it, and dealt with it" in says(answer, Topic.TICKS)
        assert "Nothing more: it has its outcome." in says(answer, Topic.NEXT)
        assert do(answer, Topic.NEXT) == []

    def test_a_late_tick_is_told_with_the_absence_that_made_it_late(self, life: Life) -> None:
        answer = life.why("punctual", LATE, now=NOW)
        assert answer.verdict == (
            "punctual ran 5 h 2 min late for its slot of Sat 21 Nov 06:00 CST, and succeeded: "
            "no tick came between 05:17 and 11:02."
        )
        assert answer.slots[0].late == timedelta(hours=5, minutes=2)
        (run,) = [each for each in life.rehearsal.history("punctual") if each.slot == LATE]
        assert do(answer, Topic.SLOT) == [f"loom show {run.run_id[-12:]}"]

    def test_a_superseded_slot_names_the_slot_that_ran_instead_and_its_range(self, life: Life) -> None:
        answer = life.why("hourly", utc(20, "19:00"), now=NOW)
        assert answer.verdict == (
            "hourly did not run at Fri 20 Nov 13:00 CST, because no tick came between 07:05 and "
            "Sat 21 Nov 05:17 CST; the slot was superseded: the slot of Sat 21 Nov 05:00 CST ran instead."
        )
        assert "one of 21 slots, Fri 20 Nov 08:00 CST to Sat 21 Nov 04:00 CST" in says(answer, Topic.SLOT)
        assert "the newest runs" in says(answer, Topic.CATCH_UP)
        assert do(answer, Topic.NEXT) == ["loom run --worker hourly --slot 2026-11-20T13:00-06:00"]
        assert "Nothing more by itself, for it has its outcome. To run it after all:" in says(
            answer, Topic.NEXT
        )

    def test_a_superseded_slot_that_a_person_ran_by_hand_says_both(self, life: Life) -> None:
        answer = life.why("hourly", utc(20, "08:00"), now=NOW)
        assert answer.slots[0].outcome is Outcome.SUPERSEDED
        assert "superseded" in answer.verdict
        assert "Beside that a person ran it by hand, at Fri 20 Nov 07:20 CST: succeeded." in says(
            answer, Topic.SLOT
        )

    def test_a_slot_beyond_catch_up_was_missed_and_says_how_far_it_reaches(self, life: Life) -> None:
        answer = life.why("short", utc(19, "20:00"), now=NOW)
        assert answer.slots[0].outcome is Outcome.MISSED
        assert answer.verdict == (
            "short did not run at Thu 19 Nov 14:00 CST, because no tick came between 06:40 and "
            "Fri 20 Nov 06:05 CST; the slot was missed: came due while no tick decided it for 23.4 h; "
            "catch-up reaches back 2 h."
        )
        assert "up to 2 h late" in says(answer, Topic.CATCH_UP)
        assert do(answer, Topic.NEXT) == ["loom run --worker short --slot 2026-11-19T14:00-06:00"]

    def test_an_instant_that_is_no_slot_names_the_nearest_ones(self, life: Life) -> None:
        answer = life.why("punctual", utc(21, "12:30"), now=NOW)
        assert answer.verdict == (
            "punctual was not to run at Sat 21 Nov 06:30 CST, which is no slot of it; "
            "the nearest are Sat 21 Nov 06:00 CST and Sun 22 Nov 06:00 CST."
        )
        assert [(each.slot, each.outcome) for each in answer.slots] == [
            (utc(22, "12:00"), None),
            (LATE, Outcome.SUCCEEDED),
        ]

    def test_seconds_are_passed_over_and_the_ends_of_time_are_answered(self, life: Life) -> None:
        seconds = life.why("punctual", LATE + timedelta(seconds=30), now=NOW)
        assert (seconds.at, seconds.slots[0].slot) == (LATE, LATE)
        first = life.why("punctual", parse_instant("1970-01-02T12:00Z", option="--at"), now=NOW)
        assert "older than 400 d" in first.verdict
        last = life.why("hourly", parse_instant("2199-12-30T12:00Z", option="--at"), now=NOW)
        assert last.verdict.endswith("a tick would then run it.")

    def test_a_slot_before_the_first_tick_never_was_loom_s_to_run(self, life: Life) -> None:
        answer = life.why("punctual", utc(17, "12:00"), now=NOW)
        assert "before Loom's first tick here, at Wed 18 Nov 05:17 CST" in answer.verdict
        assert "never was Loom's to run" in answer.verdict
        assert (answer.slots[0].outcome, answer.slots[0].run_id) == (None, None)

    def test_a_slot_to_come_says_what_is_expected(self, life: Life) -> None:
        answer = life.why("punctual", utc(25, "12:00"), now=NOW)
        assert answer.verdict == (
            "punctual hasn't run for Wed 25 Nov 06:00 CST yet: that is to come in 4 d. "
            "If all stays as it is, a tick would then run it."
        )
        assert answer.next.would == ()

    def test_a_slot_to_come_that_a_pause_covers_says_so_and_one_after_it_runs(self, life: Life) -> None:
        covered = life.why("halted", utc(23, "12:00"), now=NOW)
        assert "record it as skipped (paused by ann since Fri 20 Nov 02:00 CST" in covered.verdict
        assert do(covered, Topic.PAUSE) == ["loom resume halted"]
        assert life.why("halted", utc(26, "12:00"), now=NOW).verdict.endswith("a tick would then run it.")

    def test_a_slot_to_come_of_one_that_lacks_something_would_be_held(self, life: Life) -> None:
        answer = life.why("waiting", utc(23, "12:00"), now=NOW)
        assert "hold it open (requirement: SOME_TOKEN is not set)" in answer.verdict

    def test_a_slot_in_a_pause_by_hand_says_who_and_why(self, life: Life) -> None:
        answer = life.why("halted", ON_TIME, now=NOW)
        assert answer.verdict == (
            "halted did not run at Fri 20 Nov 06:00 CST: it was skipped: "
            "paused by ann until Tue 24 Nov 18:00 CST: the move."
        )
        assert "paused by ann" in says(answer, Topic.PAUSE)
        assert do(answer, Topic.NEXT)[0].endswith("--force")

    def test_a_slot_of_a_worker_paused_in_the_registry_was_skipped(self, life: Life) -> None:
        answer = life.why("resting", ON_TIME, now=NOW)
        assert "it was skipped: paused in worker-registry.yaml" in answer.verdict
        assert answer.slots[0].outcome is Outcome.SKIPPED

    def test_a_disabled_worker_has_no_slots(self, life: Life) -> None:
        answer = life.why("off", ON_TIME, now=NOW)
        assert "no slots while it is disabled" in answer.verdict
        assert "disabled at worker-registry.yaml:" in says(answer, Topic.REGISTRY)

    def test_a_missing_requirement_is_told_from_the_first_hold_to_the_end(self, life: Life) -> None:
        answer = life.why("waiting", ON_TIME, now=NOW)
        assert answer.slots[0].outcome is Outcome.MISSED
        assert "waited for requirement: SOME_TOKEN is not set" in answer.verdict
        assert "Tick at Fri 20 Nov 06:05 CST: the slot was held open" in says(answer, Topic.REQUIREMENT)
        assert "Tick at Sat 21 Nov 11:02 CST: the slot was recorded as missed" in says(answer, Topic.CATCH_UP)

    def test_a_forbidden_act_names_the_rule_and_the_line(self, life: Life) -> None:
        answer = life.why("forbidden", ON_TIME, now=NOW)
        assert answer.verdict.startswith("forbidden ran for Fri 20 Nov 06:00 CST and was blocked: guard: ")
        assert "workers/ways.py:" in answer.verdict
        assert "connecting to 127.0.0.1:9" in says(answer, Topic.ENFORCEMENT)

    def test_a_rejected_output_says_what_was_wrong_with_it(self, life: Life) -> None:
        answer = life.why("invalid", ON_TIME, now=NOW)
        assert answer.slots[0].outcome is Outcome.INVALID
        assert "rejected as invalid" in answer.verdict
        assert "seen" in answer.verdict

    def test_a_worker_that_skipped_itself_is_quoted(self, life: Life) -> None:
        answer = life.why("skipping", ON_TIME, now=NOW)
        assert answer.verdict == (
            "skipping ran for Fri 20 Nov 06:00 CST and was skipped: the worker itself said: "
            "nothing new since yesterday."
        )

    def test_a_failure_says_where_and_points_to_the_run(self, life: Life) -> None:
        answer = life.why("failing", ON_TIME, now=NOW)
        assert answer.verdict.startswith(
            "failing ran for Fri 20 Nov 06:00 CST and failed: ValueError: no field 'results' (workers/ways"
        )
        assert do(answer, Topic.SLOT)[0].startswith("loom show ")
        assert "it has its outcome. To run it again all the same:" in says(answer, Topic.NEXT)

    def test_every_start_of_a_slot_that_was_tried_again_is_told(self, life: Life) -> None:
        answer = life.why("flaky", ON_TIME, now=NOW)
        assert "3 starts, the last at Sat 21 Nov 05:17 CST, all failed: TransientError" in answer.verdict
        starts = [fact.says for fact in answer.facts if fact.says.startswith("Tick at")]
        assert [each[8:29] for each in starts] == [
            "Fri 20 Nov 06:05 CST:",
            "Fri 20 Nov 07:05 CST:",
            "Sat 21 Nov 05:17 CST:",
        ]
        assert "tried again later" in starts[0]
        assert "tried again" not in starts[2]

    def test_a_slot_that_is_to_be_tried_again_says_what_a_tick_would_do(self, life: Life) -> None:
        answer = life.why("flaky", LATE, now=NOW)
        assert (answer.slots[0].outcome, answer.slots[0].final) == (Outcome.FAILED, False)
        assert answer.verdict.endswith("; it is to be started again; no tick came between 05:17 and 11:02.")
        assert would(answer) == [("run", LATE)]
        assert "A tick right now would run the slot of Sat 21 Nov 06:00 CST" in says(answer, Topic.NEXT)

    def test_a_slot_skipped_for_a_run_that_was_alive_names_that_run(self, life: Life) -> None:
        answer = life.why("busy", utc(20, "13:00"), now=NOW)
        assert answer.verdict == (
            "busy did not run at Fri 20 Nov 07:00 CST: it was skipped: "
            "overlap: the run of Fri 20 Nov 06:00 CST is still going."
        )
        assert "overlap" in says(answer, Topic.OVERLAP)

    def test_of_a_broken_entry_no_instant_can_be_judged(self, life: Life) -> None:
        answer = life.why("typo", ON_TIME, now=NOW)
        assert "can't be told, because its entry in worker-registry.yaml has mistakes" in answer.verdict
        assert "expected five fields" in says(answer, Topic.REGISTRY)


class TestAsItStands:
    def test_a_worker_that_is_well_says_its_schedule_its_mark_its_slots_and_what_comes(
        self, life: Life
    ) -> None:
        answer = life.why("PUNCTUAL", now=NOW)
        assert (answer.worker, answer.agent, answer.at) == ("punctual", "Punctual", None)
        assert answer.schedule == "every day at 06:00, America/Chicago ('0 6 * * *')"
        assert [(each.slot, each.outcome) for each in answer.slots] == [
            (utc(day, "12:00"), Outcome.SUCCEEDED) for day in (21, 20, 19, 18)
        ]
        assert says(answer, Topic.MARK) == "Each slot of it up to Sat 21 Nov 11:02 CST has been decided."
        assert says(answer, Topic.TICKS) == "The last one came at Sat 21 Nov 11:02 CST, 28 min ago."
        assert says(answer, Topic.NEXT) == (
            "A tick right now would do nothing with it: no slot is due or open. "
            "Its next slot is Sun 22 Nov 06:00 CST."
        )
        assert not any(fact.matters for fact in answer.facts)

    @pytest.mark.parametrize(
        ("name", "verdict", "topic"),
        [
            ("resting", "doesn't run, because it is paused at worker-registry.yaml:", Topic.PAUSE),
            ("halted", "doesn't run, because it is paused by ann since", Topic.PAUSE),
            ("off", "doesn't run, because it is disabled at worker-registry.yaml:", Topic.REGISTRY),
            ("typo", "doesn't run, because its entry in worker-registry.yaml has mistakes", Topic.REGISTRY),
            (
                "waiting",
                "can't run now: SOME_TOKEN is not set; owed meanwhile: Sat 21 Nov 06:00 CST.",
                Topic.REQUIREMENT,
            ),
        ],
    )
    def test_what_keeps_it_from_running_is_the_answer(
        self, life: Life, name: str, verdict: str, topic: Topic
    ) -> None:
        answer = life.why(name, now=NOW)
        assert answer.verdict.startswith(f"{name} {verdict}")
        assert any(fact.matters and fact.do for fact in answer.facts if fact.topic is topic)
        assert not any(action == "run" for action, _ in would(answer))

    def test_what_is_owed_is_kept_open_by_a_tick_and_the_alert_that_is_open_is_named(
        self, life: Life
    ) -> None:
        answer = life.why("waiting", now=NOW)
        assert would(answer) == [("keep open", LATE)]
        assert "still owed (requirement: SOME_TOKEN is not set)" in says(answer, Topic.SLOT)
        assert "in this machine's environment" in says(answer, Topic.REQUIREMENT)
        assert "open since Wed 18 Nov 06:02 CST, with 7 bad outcomes" in says(answer, Topic.ALERT)

    def test_of_a_broken_entry_the_mark_stays_and_the_alert_is_named(self, life: Life) -> None:
        answer = life.why("typo", now=NOW)
        assert "the mark stays there until the entry is mended" in says(answer, Topic.MARK)
        assert "An alert of registry:typo is open" in says(answer, Topic.ALERT)
        assert answer.next.slot is None

    def test_ticks_that_stay_away_are_the_reason_for_what_is_undecided(self, life: Life) -> None:
        answer = life.why("hourly", now=NOW + DAY)
        assert answer.verdict == (
            "hourly hasn't run for Sun 22 Nov 11:00 CST yet: no tick came between "
            "Sat 21 Nov 11:02 CST and now."
        )
        assert "24 slots from Sat 21 Nov 12:00 CST to Sun 22 Nov 11:00 CST" in says(answer, Topic.MARK)
        assert "the clock that wakes Loom is late" in says(answer, Topic.TICKS)
        assert would(answer) == [("run", utc(22, "17:00")), ("record as superseded", utc(21, "18:00"))]

    def test_a_name_that_means_nobody_is_refused_with_a_guess(self, life: Life) -> None:
        with pytest.raises(UsageError, match=r"^nobody: no worker has this id or agent"):
            life.why("nobody", now=NOW)
        with pytest.raises(UsageError, match="Did you mean punctual"):
            life.why("punctal", now=NOW)

    def test_every_command_that_it_gives_is_one_that_loom_has(self, life: Life) -> None:
        from loom.cli import COMMANDS

        known = set(COMMANDS)
        for name in ("punctual", "waiting", "halted", "off", "typo", "flaky", "resting"):
            for fact in life.why(name, now=NOW).facts:
                for words in fact.do.split("loom ")[1:]:
                    assert words.split()[0] in known, fact


class TestLivesOfTheirOwn:
    HOURLY = 'echo: {schedule: "0 * * * *", entrypoint: "workers.ways:good"}'

    def test_a_worker_that_no_tick_has_seen(self, tmp_path: Path) -> None:
        with young(tmp_path / "p", self.HOURLY, utc(20, "12:10")) as life:
            answer = life.why("echo")
        assert answer.verdict == "echo hasn't run yet: no clock has called Loom yet."
        assert says(answer, Topic.TICKS) == (
            "No clock has brought a tick yet; they are expected every hour at :00."
        )
        assert answer.slots == ()
        assert would(answer) == [("run", utc(20, "12:00"))]

    def test_a_late_run_that_failed_begins_with_that_and_says_why_it_was_late(self, tmp_path: Path) -> None:
        entry = 'echo: {schedule: "0 * * * *", entrypoint: "workers.ways:bad", retry: {attempts: 1}}'
        with young(tmp_path / "p", entry, utc(20, "11:10")) as life:
            life.tick(utc(20, "11:10"))
            life.tick(utc(20, "15:20"))
            answer = life.why("echo", utc(20, "15:00"), now=utc(20, "16:20"))
            older = life.why("echo", utc(20, "14:00"), now=utc(20, "16:20"))
            life.tick(utc(20, "19:20"), TickRequest(workers=("echo",), slot=utc(20, "16:00")))
            late = life.why("echo", utc(20, "16:00"), now=utc(20, "19:25"))
        assert answer.verdict.startswith("echo ran for Fri 20 Nov 09:00 CST and failed: ValueError")
        assert older.verdict.startswith("echo did not run at Fri 20 Nov 08:00 CST, because no tick came")
        assert late.verdict.startswith(
            "echo ran 3 h 20 min late for its slot of Fri 20 Nov 10:00 CST, and failed: "
            "a person ran it by hand at 13:20; ValueError"
        )
        assert late.verdict.endswith("; no tick came between 09:20 and 13:20.")

    def test_a_run_by_hand_is_told_before_a_clock_ever_called(self, tmp_path: Path) -> None:
        with young(tmp_path / "p", self.HOURLY, utc(20, "12:10")) as life:
            life.tick(utc(20, "12:10"), TickRequest(workers=("echo",)))
            answer = life.why("echo", now=utc(20, "12:12"))
            (run,) = life.rehearsal.history("echo")
            life.rehearsal.clock.set(utc(20, "12:14"))
            other = self.HOURLY + '\nsong: {schedule: "0 * * * *", entrypoint: "workers.ways:bad"}'
            life.tick(utc(20, "12:15"))
            life.project.entries(other)
            life.tick(utc(20, "12:20"), TickRequest(workers=("song",)))
            song = life.why("song", now=utc(20, "12:21"))
        assert answer.verdict == (
            "echo ran by hand 2 min ago and succeeded; no clock has called Loom yet, "
            "so none of its slots has been decided."
        )
        assert "No clock has brought a tick yet" in says(answer, Topic.TICKS)
        assert "By hand it ran at Fri 20 Nov 06:10 CST and succeeded" in says(answer, Topic.SLOT)
        assert do(answer, Topic.SLOT) == [f"loom show {run.run_id[-12:]}"]
        assert song.verdict == (
            "song ran by hand 60 s ago and failed: ValueError: no field 'results' "
            "(workers/ways.py:11); no tick has seen it yet, so none of its slots has been decided."
        )

    def test_a_clock_that_fell_silent_long_ago_is_said_so(self, tmp_path: Path) -> None:
        with young(tmp_path / "p", self.HOURLY, utc(20, "12:10", 9)) as life:
            life.tick(utc(20, "12:10", 9))
            life.project.entries(self.HOURLY.replace("echo", "song"))
            answer = life.why("song", now=utc(20, "12:10"))
        assert answer.verdict == "song hasn't run yet: no clock has called Loom for 61 d."
        assert "No clock has brought a tick for 61 d; they are expected" in says(answer, Topic.TICKS)

    def test_a_run_by_hand_since_the_newest_slot_is_told_beside_it(self, tmp_path: Path) -> None:
        with young(tmp_path / "p", self.HOURLY, utc(20, "12:10")) as life:
            life.tick(utc(20, "12:10"))
            life.tick(utc(20, "12:40"), TickRequest(workers=("echo",)))
            answer = life.why("echo", now=utc(20, "12:45"))
        assert answer.verdict == "echo ran for Fri 20 Nov 06:00 CST and succeeded, on time."
        assert "By hand it ran at Fri 20 Nov 06:40 CST and succeeded." in says(answer, Topic.SLOT)

    def test_a_slot_that_a_person_ran_before_any_tick_is_told(self, tmp_path: Path) -> None:
        with young(tmp_path / "p", self.HOURLY, utc(20, "12:10")) as life:
            life.tick(utc(20, "12:10"), TickRequest(workers=("echo",), slot=utc(20, "12:00")))
            answer = life.why("echo", now=utc(20, "12:12"))
        assert answer.verdict == (
            "echo ran by hand 2 min ago for Fri 20 Nov 06:00 CST and succeeded; "
            "no clock has called Loom yet, so no other slot of it has been decided."
        )

    def test_a_broken_enforcement_context_blocks_and_says_what_mends_it(self, tmp_path: Path) -> None:
        with young(tmp_path / "p", self.HOURLY, utc(20, "12:10")) as life:
            life.tick(utc(20, "12:10"))
            manifest = life.project.root / "enforcement" / "manifest.yaml"
            whole = manifest.read_text()
            manifest.write_text(whole.replace("sha256", "sha255", 1) + "\nnonsense: 1\n")
            life.tick(utc(20, "13:05"))
            answer = life.why("echo", now=utc(20, "13:10"))
            assert "echo can't run now: the enforcement context is broken" in answer.verdict
            assert do(answer, Topic.ENFORCEMENT) == ["loom enforcement verify"]
            assert would(answer) == [("keep open", utc(20, "13:00"))]
            slot = life.why("echo", utc(20, "13:00"))
            assert (slot.slots[0].outcome, slot.slots[0].final) == (Outcome.BLOCKED, False)
            manifest.write_text(whole)
            life.tick(utc(20, "13:30"))
            over = life.why("echo", utc(20, "13:00"), now=utc(20, "13:40"))
        assert over.verdict.startswith(
            "echo ran for Fri 20 Nov 07:00 CST and succeeded: it waited for enforcement:"
        )
        assert "the start at Fri 20 Nov 07:30 CST succeeded" in over.verdict

    @pytest.mark.parametrize("repeats", [True, False])
    def test_a_run_whose_process_died_is_abandoned_or_started_again(
        self, tmp_path: Path, repeats: bool
    ) -> None:
        entry = self.HOURLY[:-1] + f", retry: {{abandoned: {str(repeats).lower()}}}}}"
        with young(tmp_path / "p", entry, utc(20, "11:10")) as life:
            life.tick(utc(20, "11:10"))
            life.die(utc(20, "12:10"))
            before = life.why("echo", utc(20, "12:00"), now=utc(20, "12:20"))
            assert "its run died" in before.verdict
            assert [action for action, _ in would(before)][:1] == (
                ["run"] if repeats else ["record as abandoned"]
            )
            life.tick(utc(20, "12:30"))
            answer = life.why("echo", utc(20, "12:00"), now=utc(20, "12:40"))
        (slot,) = answer.slots
        assert (slot.outcome, slot.tick_at) == (
            Outcome.SUCCEEDED if repeats else Outcome.ABANDONED,
            utc(20, "12:10"),
        )
        if repeats:
            assert "the start at Fri 20 Nov 06:30 CST was abandoned" in answer.verdict
            assert answer.verdict.endswith("the start at Fri 20 Nov 06:30 CST succeeded.")
        else:
            assert answer.verdict.startswith("echo was started for Fri 20 Nov 06:00 CST, and abandoned: ")

    def test_a_run_that_is_alive_elsewhere_is_named_with_its_lease(self, tmp_path: Path) -> None:
        with young(tmp_path / "p", self.HOURLY, utc(20, "11:10")) as life:
            life.tick(utc(20, "11:10"))
            life.write(under_way("echo", utc(20, "12:00"), lease=HOUR))
            answer = life.why("echo", now=utc(20, "12:20"))
        assert answer.verdict == "echo is running now, for Fri 20 Nov 06:00 CST."
        assert "is under way by runner-2.0a1b2c3d-4711-0123456789ab" in says(answer, Topic.OVERLAP)
        assert "is skipped (overlap: skip)" in says(answer, Topic.OVERLAP)
        assert would(answer) == [("leave running", utc(20, "12:00"))]

    def test_ticks_that_could_not_read_the_registry_are_why_a_slot_ran_late(self, tmp_path: Path) -> None:
        with young(tmp_path / "p", self.HOURLY, utc(20, "11:10")) as life:
            life.tick(utc(20, "11:10"))
            registry = life.project.root / "worker-registry.yaml"
            whole = registry.read_text()
            registry.write_text("version: 7\n")
            for time in ("12:10", "13:10", "14:10"):
                life.tick(utc(20, time))
            registry.write_text(whole)
            life.tick(utc(20, "14:40"))
            answer = life.why("echo", utc(20, "14:00"), now=utc(20, "14:50"))
            older = life.why("echo", utc(20, "12:00"), now=utc(20, "14:50"))
        assert answer.verdict == "echo ran for Fri 20 Nov 08:00 CST and succeeded, on time."
        assert (
            "because the 3 ticks from 06:10 to 08:10 could not decide it, "
            "because worker-registry.yaml was broken" in older.verdict
        )

    def test_a_slot_older_than_the_records_are_kept_is_said_to_be_forgotten(self, tmp_path: Path) -> None:
        with young(tmp_path / "p", self.HOURLY, utc(1, "11:10")) as life:
            life.project.entries(self.HOURLY, top="state: {keep: 7d}")
            for day in (1, 2, 20, 21):
                life.tick(utc(day, "11:10"))
            answer = life.why("echo", utc(2, "11:00"), now=utc(21, "12:10"))
        assert answer.verdict == (
            "echo has no record for Mon 2 Nov 05:00 CST: it is older than 7 d, "
            "and what is older is forgotten (state: keep)."
        )

    def test_an_edited_schedule_is_why_nothing_is_on_record_or_a_range_does_not_fit(
        self, tmp_path: Path
    ) -> None:
        with young(tmp_path / "p", self.HOURLY, utc(20, "11:10")) as life:
            life.tick(utc(20, "11:10"))
            life.tick(utc(20, "16:10"))
            life.project.entries('echo: {schedule: "30 * * * *", entrypoint: "workers.ways:good"}')
            within = life.why("echo", utc(20, "13:30"), now=utc(20, "16:20"))
            alone = life.why("echo", utc(20, "15:30"), now=utc(20, "16:20"))
        assert "made when its schedule was another one" in says(within, Topic.SLOT)
        assert "or had another schedule" in alone.verdict

    def test_a_rename_is_known_before_the_next_tick_carries_it_over(self, tmp_path: Path) -> None:
        with young(tmp_path / "p", self.HOURLY, utc(20, "11:10")) as life:
            life.tick(utc(20, "11:10"))
            life.project.entries('song: {schedule: "0 * * * *", entrypoint: "workers.ways:good", was: echo}')
            answer = life.why("song", now=utc(20, "11:20"))
        assert answer.verdict == "song ran for Fri 20 Nov 05:00 CST and succeeded, on time."

    def test_a_missing_requirement_here_is_no_verdict_on_where_it_runs(self, tmp_path: Path) -> None:
        entry = self.HOURLY[:-1] + ", requires: {env: [SOME_TOKEN]}}"
        with young(tmp_path / "p", entry, utc(20, "11:10")) as life:
            life.rehearsal.secrets["SOME_TOKEN"] = "x" * 20
            life.tick(utc(20, "11:10"))
            assert "All that it requires is there" in says(life.why("echo"), Topic.REQUIREMENT)
            del life.rehearsal.secrets["SOME_TOKEN"]
            answer = life.why("echo")
        assert answer.verdict == (
            "echo ran for Fri 20 Nov 05:00 CST and succeeded, on time. "
            "On this machine it could not run now: SOME_TOKEN is not set."
        )

    def test_a_slot_that_a_person_ran_before_its_tick_says_so(self, tmp_path: Path) -> None:
        with young(tmp_path / "p", self.HOURLY, utc(20, "11:10")) as life:
            life.tick(utc(20, "11:10"))
            life.tick(utc(20, "12:10"), TickRequest(workers=("echo",), slot=utc(20, "12:00")))
            answer = life.why("echo", utc(20, "12:00"), now=utc(20, "12:20"))
            life.tick(utc(20, "15:20"), TickRequest(workers=("echo",), slot=utc(20, "13:00")))
            late = life.why("echo", utc(20, "13:00"), now=utc(20, "15:25"))
        ran = "a person ran it by hand"
        assert answer.verdict == f"echo ran for Fri 20 Nov 06:00 CST and succeeded: {ran}."
        assert late.verdict == (
            f"echo ran 2 h 20 min late for its slot of Fri 20 Nov 07:00 CST, and succeeded: {ran} at 09:20; "
            "no tick came between 05:10 and 09:20."
        )

    def test_a_pause_that_was_lifted_no_longer_speaks(self, tmp_path: Path) -> None:
        with young(tmp_path / "p", self.HOURLY, utc(20, "11:10")) as life:
            life.tick(utc(20, "11:10"))
            life.write(Pause(worker="echo", by="ann", at=utc(20, "11:20")))
            assert "until it is resumed" in life.why("echo").verdict
            life.write(Pause(worker="echo", by="ben", at=utc(20, "11:30"), lifted=True))
            assert "ran for Fri 20 Nov 05:00 CST" in life.why("echo").verdict

    @pytest.mark.parametrize("status", ["paused", "disabled"])
    def test_a_status_is_found_on_the_line_that_says_it(self, tmp_path: Path, status: str) -> None:
        entry = f"""
            echo:
              schedule: "0 * * * *"
              entrypoint: workers.ways:good
              status: {status}
        """
        with young(tmp_path / "p", entry, utc(20, "11:10")) as life:
            answer = life.why("echo")
            lines = (life.project.root / "worker-registry.yaml").read_text().splitlines()
        line = next(number for number, text in enumerate(lines, 1) if "status:" in text)
        assert answer.verdict.endswith(f"{status} at worker-registry.yaml:{line}.")

    def test_a_run_by_hand_under_way_is_called_that(self, tmp_path: Path) -> None:
        with young(tmp_path / "p", self.HOURLY, utc(20, "11:10")) as life:
            life.tick(utc(20, "11:10"))
            ticket = under_way("echo", utc(20, "12:00"), lease=HOUR)
            life.write(replace(ticket, key="echo#by-hand", slot=None, trigger=Trigger.MANUAL))
            answer = life.why("echo", now=utc(20, "12:20"))
        assert answer.verdict == "echo is running now, by hand."
        assert "leave a run by hand running" in says(answer, Topic.NEXT)

    def test_a_run_by_hand_whose_process_died_is_told(self, tmp_path: Path) -> None:
        with young(tmp_path / "p", self.HOURLY, utc(20, "12:10")) as life:
            ticket = under_way("echo", utc(20, "12:10"), lease=HOUR)
            life.write(replace(ticket, key="echo#by-hand", slot=None, trigger=Trigger.MANUAL))
            answer = life.why("echo", now=utc(20, "14:10"))
        assert answer.verdict == (
            "echo was started by hand 2 h ago, and its process died, which the next tick records; "
            "no clock has called Loom yet, so none of its slots has been decided."
        )
        assert ("record as abandoned", None) in would(answer)


class TestClockChanges:
    """Chicago, 2026: 02:00 to 03:00 on 8 March; 02:00 back to 01:00 on 1 November."""

    def ask(self, root: Path, cron: str, dst: str, ticks: list[datetime], at: str) -> Reasons:
        entry = f'echo: {{schedule: "{cron}", entrypoint: "workers.ways:good", dst: {dst}}}'
        with young(root / "p", entry, ticks[0]) as life:
            for tick in ticks:
                life.tick(tick)
            return life.why("echo", parse_instant(at, option="--at"), now=ticks[-1] + HOUR)

    @pytest.mark.parametrize(
        ("gap", "at", "verdict", "change"),
        [
            (
                "transition",
                "2026-03-08T03:00-05:00",
                "echo ran for Sun 8 Mar 03:00 CDT and succeeded, on time.",
                "the clock leaves out 02:30 that day, so this slot comes at 03:00 (gap: transition).",
            ),
            (
                "transition",
                "2026-03-08T02:30-06:00",
                "which is no slot of it: the clock leaves out 02:30 that day, so its slot comes at 03:00 "
                "(gap: transition); the nearest are Sun 8 Mar 03:00 CDT and Mon 9 Mar 02:30 CDT.",
                "The clock leaves out 02:30 that day",
            ),
            (
                "shift",
                "2026-03-08T02:30-06:00",
                "echo ran for Sun 8 Mar 03:30 CDT and succeeded, on time.",
                "so this slot comes at 03:30 (gap: shift)",
            ),
            (
                "shift",
                "2026-03-08T02:30-05:00",
                "so its slot comes at 03:30 (gap: shift); the nearest are Sat 7 Mar 02:30 CST and "
                "Sun 8 Mar 03:30 CDT.",
                "The clock leaves out 02:30",
            ),
            (
                "skip",
                "2026-03-08T02:30-06:00",
                "which is no slot of it: the clock leaves out 02:30 that day, so no slot comes of it "
                "(gap: skip); the nearest are Sat 7 Mar 02:30 CST and Mon 9 Mar 02:30 CDT.",
                "so no slot comes of it",
            ),
        ],
    )
    def test_a_time_that_the_clock_leaves_out(
        self, tmp_path: Path, gap: str, at: str, verdict: str, change: str
    ) -> None:
        march = [utc(7, "8:05", 3), utc(7, "8:35", 3), utc(8, "8:05", 3), utc(8, "8:35", 3)]
        answer = self.ask(tmp_path, "30 2 * * *", f"{{gap: {gap}}}", march, at)
        assert verdict in answer.verdict
        assert change in says(answer, Topic.CLOCK_CHANGE)

    @pytest.mark.parametrize(
        ("fold", "at", "said"),
        [
            ("first", "2026-11-01T01:30-05:00", "and this is the first (fold: first)."),
            ("first", "2026-11-01T01:30-06:00", "twice that day, and only the first counts (fold: first)"),
            ("second", "2026-11-01T01:30-05:00", "twice that day, and only the second counts (fold: second)"),
            ("second", "2026-11-01T01:30-06:00", "and this is the second (fold: second)."),
            ("both", "2026-11-01T01:30-05:00", "and this is the first (fold: both)."),
            ("both", "2026-11-01T01:30-06:00", "and this is the second (fold: both)."),
        ],
    )
    def test_a_time_that_the_clock_shows_twice(self, tmp_path: Path, fold: str, at: str, said: str) -> None:
        ticks = [utc(1, "5:40"), utc(1, "6:35"), utc(1, "7:35")]
        answer = self.ask(tmp_path, "30 1 * * *", f"{{fold: {fold}}}", ticks, at)
        assert said in says(answer, Topic.CLOCK_CHANGE)
        counts = "only the" not in said
        assert ("which is no slot of it" in answer.verdict) is not counts
        if counts:
            assert answer.verdict.endswith("succeeded, on time.")

    def test_a_schedule_that_follows_elapsed_time_says_so(self, tmp_path: Path) -> None:
        march = [utc(8, "7:05", 3), utc(8, "8:05", 3)]
        answer = self.ask(tmp_path, "0 */2 * * *", "{}", march, "2026-03-08T02:00-06:00")
        assert "so no slot comes of it (the schedule follows elapsed time)" in answer.verdict


def test_facts_name_their_topic_in_the_words_of_the_contract() -> None:
    assert {topic.value for topic in Topic} == {
        "mark", "slot", "clock change", "catch-up", "overlap", "requirement", "enforcement", "pause",
        "registry", "alert", "ticks", "next",
    }  # fmt: skip
    assert Fact(topic=Topic.MARK, says="x").do == ""
