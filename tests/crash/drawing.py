"""Which rounds to play: every place that a tick passes, and then whatever chance brings together."""

import random
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from tests.crash.mines import Mine
from tests.crash.rounds import HOUR, MINUTE, SCRIPTS, Ambush, Round, Stage, Step
from tests.crash.sick_git import REMOTE_DEEDS

LEASE = timedelta(hours=2)
"""Longer than any claim holds."""

_LASTING = ("full disk", "read-only disk", "no room")


@dataclass(frozen=True, slots=True)
class Survey:
    """What ticks pass that meet nothing. first: the one that is to die, by script. next: one that comes after
    a tick that died at work."""

    first: dict[str, tuple[str, ...]]
    next: tuple[str, ...]


def survey(stage: Stage, *, branch: bool, scripts: Collection[str] = SCRIPTS) -> Survey:
    """What ticks pass on this ground. scripts: the ones to draw rounds from, `scheduled` among them."""
    first: dict[str, tuple[str, ...]] = {}
    for script in scripts:
        figures, answers = stage.play(Round(branch, script, (_first(script, None),)))
        if figures.complaints:
            raise AssertionError(f"without any ambush ({script}): {[str(c) for c in figures.complaints]}")
        first[script] = answers[0].passed
    at_work = Ambush(Mine("executor.wait", 3, "before", "kill"))
    _, answers = stage.play(Round(branch, "scheduled", (_first("scheduled", at_work), Step(HOUR))))
    return Survey(first, answers[1].passed)


def every_mine(passed: Sequence[str], kinds: Sequence[str], *, nths: int) -> list[Mine]:
    """For each place in `passed` and each thing that can happen there a mine at `nths` of its passings, the
    first among them. kinds: `kill`, `error`."""
    found: list[Mine] = []
    for place, count in Counter(passed).items():
        spread = {1 + (count - 1) * n // max(1, nths - 1) for n in range(nths)}
        for nth in sorted(spread):
            if "kill" in kinds:
                found += _deaths(place, nth)
            if "error" in kinds:
                found += _errors(place, nth)
    return found


def draw(rng: random.Random, seen: Survey, kinds: Sequence[str], *, branch: bool) -> Iterator[Round]:
    """Rounds without end: each mine of a first tick, in any order, and between them whatever chance
    brings together; when there are no more, that alone."""
    systematic = [
        (script, mine)
        for script, passed in seen.first.items()
        for mine in every_mine(passed, kinds, nths=3 if script == "scheduled" else 1)
    ]
    rng.shuffle(systematic)
    while True:
        if systematic and rng.random() < 0.5:
            script, mine = systematic.pop()
            yield Round(branch, script, (_first(script, Ambush(mine)), _peaceful(rng, branch, script)))
        else:
            yield by_chance(rng, seen, kinds, branch=branch)


def by_chance(rng: random.Random, seen: Survey, kinds: Sequence[str], *, branch: bool) -> Round:
    """One to three ambushes in a row, then, half of the time, a tick elsewhere or later."""
    script = rng.choice(list(seen.first))
    steps = [_first(script, _ambush(rng, seen.first[script], kinds, branch))]
    for _ in range(rng.choices((0, 1, 2), (5, 3, 2))[0]):
        ambush = _ambush(rng, seen.next, kinds, branch)
        peaceful = _peaceful(rng, branch, script)
        steps.append(Step(peaceful.later, peaceful.place, peaceful.shift, ambush))
    if len(steps) == 1 or rng.random() < 0.5:
        steps.append(_peaceful(rng, branch, script))
    return Round(branch, script, tuple(steps))


def _first(script: str, ambush: Ambush | None) -> Step:
    return Step(timedelta(), ambush=ambush, arguments=SCRIPTS[script])


def _peaceful(rng: random.Random, branch: bool, script: str) -> Step:
    # Before its first claim a new project owes no slot: its next tick has to come in the same hour.
    later = 2 * MINUTE if script == "fresh" else rng.choice((2 * MINUTE, HOUR))
    if not branch:
        return Step(later)
    return Step(later, rng.choice(("one", "two")), rng.choice((timedelta(), LEASE)))


def _ambush(rng: random.Random, passed: Sequence[str], kinds: Sequence[str], branch: bool) -> Ambush:
    if branch and "error" in kinds and rng.random() < 0.15:
        return Ambush(remote=rng.choice(REMOTE_DEEDS), times=rng.choice((1, 2, 4, 12)))
    if "kill" in kinds and rng.random() < 0.2:
        return Ambush(shot_after_s=rng.uniform(0, 1.0 if branch else 0.25))
    # First the place, so that one that is passed a hundred times isn't all that there is.
    counts = Counter(passed)
    places = sorted(place for place in counts if "kill" in kinds or _errors(place, 1))
    place = rng.choice(
        [each for each in places if each.startswith("git.")] or places if rng.random() < 0.2 else places
    )
    nth = rng.randint(1, counts[place])
    deaths = _deaths(place, nth) if "kill" in kinds else []
    errors = _errors(place, nth) if "error" in kinds else []
    mine = rng.choice(rng.choice([each for each in (deaths, errors) if each]))
    return Ambush(mine, times=rng.choice((1, 4)) if mine.deed == "refuse" else 1)


def _deaths(place: str, nth: int) -> list[Mine]:
    if place.startswith("git."):
        return [Mine(place, nth, when, "kill") for when in ("before", "during", "after")]
    stop = [] if place.startswith("sql.") else [Mine(place, nth, "before", "stop")]
    return [*(Mine(place, nth, when, "kill") for when in ("before", "after")), *stop]


def _errors(place: str, nth: int) -> list[Mine]:
    room, _, call = place.partition(".")
    refusals = [Mine(place, nth, when, "refuse") for when in ("before", "after")]
    if place == "hook.deliver":
        return [*refusals, Mine(place, nth, "during", "cut short")]
    if place == "liveness.claim_as":
        return [Mine(place, nth, "during", "no handles")]
    if room == "sql":
        once = [] if call == "rollback" else refusals
        return [*once, *(Mine(place, nth, "before", deed) for deed in _LASTING)]
    return refusals if room in ("ledger", "git") else []
