"""A thousand crontab lines as a team's background workers have them: the same ones every time.

In this order, so that every twentieth is a twentieth of each kind: 400 daily, 100 on weekdays, 200 weekly,
120 on days of the month, 20 in some months only, 60 several times a day, 20 every few hours, 20 hourly or
more often, 20 through office hours, 40 that name days by both fields or by steps. The first eleven are the
active workers of this repository's own registry. All of it is plain cron, without ``@daily``, ``5/15`` or a
range that runs backwards; yet engines differ on weekdays by number (0 is Sunday) and on days that both fields
name (either one counts, unless one of them starts with ``*``).
"""

import random
from collections.abc import Callable
from random import Random

ACTIVE_OF_THE_TWELVE = {
    "pattern-memory-analyzer": "0 3 * * *",
    "instruction-optimizer": "0 3 * * SUN",
    "staleness-detector": "0 4 * * SUN",
    "relationship-sentinel": "0 6 * * *",
    "content-queue-scanner": "0 3 * * MON",
    "data-integrity": "0 3 * * SAT",
    "website-health-scanner": "0 14 * * FRI",
    "media-pre-production": "0 6 * * *",
    "media-post-production": "0 16 * * *",
    "media-distribution": "0 10 * * *",
    "media-youtube-comments": "0 8 * * *",
}
"""The design's schedules by worker, all in Central Time: 2,450 slots in 2026."""

_SEED = 2026
_MINUTES = (0, 0, 0, 0, 5, 10, 15, 30, 30, 45)
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def expressions() -> tuple[str, ...]:
    """The thousand. Some stand there more than once, as schedules do."""
    chance = random.Random(_SEED)  # noqa: S311  (repeatable, guards nothing)
    found = [kind(chance) for count, kind in _KINDS for _ in range(count)]
    found[: len(ACTIVE_OF_THE_TWELVE)] = ACTIVE_OF_THE_TWELVE.values()
    return tuple(found)


def _time(chance: Random) -> str:
    """A minute and an hour; the night is when most of it is done."""
    hour = chance.choice((*range(7), *range(7), *range(24)))
    return f"{chance.choice((*_MINUTES, chance.randrange(60)))} {hour}"


def _day(chance: Random) -> str:
    number = chance.randrange(7)
    return chance.choice((_WEEKDAYS[number], _WEEKDAYS[number].upper(), str(number)))


def _daily(chance: Random) -> str:
    return f"{_time(chance)} * * *"


def _on_weekdays(chance: Random) -> str:
    return f"{_time(chance)} * * {chance.choice(('1-5', 'mon-fri', 'MON-FRI', 'tue-sat', '2-6'))}"


def _weekly(chance: Random) -> str:
    days = [_day(chance)] if chance.random() < 0.8 else ["mon", chance.choice(("wed", "thu", "fri"))]
    return f"{_time(chance)} * * {','.join(days)}"


def _monthly(chance: Random) -> str:
    days = chance.choice(("1", "15", "28", "31", "1,15", "1-7", str(chance.randint(1, 31))))
    return f"{_time(chance)} {days} * *"


def _in_some_months(chance: Random) -> str:
    months = chance.choice(("jan,apr,jul,oct", "1", "*/3", "3,6,9,12", "6-8", "DEC", "mar"))
    return f"{_time(chance)} {chance.choice(('1', '15', '*'))} {months} *"


def _several_times_a_day(chance: Random) -> str:
    hours = sorted(chance.sample(range(24), chance.choice((2, 2, 3, 4))))
    return f"{chance.choice(_MINUTES)} {','.join(map(str, hours))} * * *"


def _every_few_hours(chance: Random) -> str:
    return f"{chance.choice(_MINUTES)} */{chance.choice((2, 3, 4, 6, 8, 12))} * * *"


def _hourly_or_more_often(chance: Random) -> str:
    often = ("*/30 * * * *", "*/20 * * * *", "0,30 * * * *", "*/15 0-6 * * *")
    return chance.choice((*often, *[f"{chance.randrange(60)} * * * *"] * 6))


def _through_office_hours(chance: Random) -> str:
    minutes = chance.choice(("0", "15", "30", "*/30", "0,20,40"))
    return f"{minutes} {chance.choice(('9-17', '8-18', '9-17/2'))} * * {chance.choice(('1-5', 'mon-fri'))}"


def _by_both_days_or_steps(chance: Random) -> str:
    days = chance.choice(("1 * mon", "13 * fri", "1,15 * sun", "*/2 * *", "*/10 * *", "1-7 * 0", "* * */2"))
    return f"{_time(chance)} {days}"


_KINDS: tuple[tuple[int, Callable[[Random], str]], ...] = (
    (400, _daily),
    (100, _on_weekdays),
    (200, _weekly),
    (120, _monthly),
    (20, _in_some_months),
    (60, _several_times_a_day),
    (20, _every_few_hours),
    (20, _hourly_or_more_often),
    (20, _through_office_hours),
    (40, _by_both_days_or_steps),
)
