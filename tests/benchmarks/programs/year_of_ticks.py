"""year_of_ticks.py CONTENDER FILE: what one scheduler does if it is woken now and then, for a year.

FILE holds JSON: {"zone": ..., "start": s, "schedules": {worker: five fields}, "ticks": [s, ...]}; times are
seconds since 1970, weekdays are named. At `start` the jobs are made; at each tick a process begins, does
what its scheduler would do at once, and ends: only what the scheduler stores lives on. Prints {"deeds":
[[worker, tick, slot or null, ran], ...]}; ran is false where the scheduler said that it had missed it.
"""

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

Deed = tuple[str, float, float | None, bool]
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


class _Clock(datetime):
    """A class to put where `datetime` stands; its `now` is what we say."""

    at: ClassVar[datetime]

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return cls.at.astimezone(tz)


def _apscheduler(
    zone: ZoneInfo, start: datetime, schedules: Mapping[str, str], ticks: list[datetime], **defaults: Any
) -> Iterator[Deed]:
    """Its documented way to outlive a process: jobs added once, into a SQLAlchemy job store in a file. Each
    tick makes a scheduler on that store, starts it, and lets it process its jobs once, as its main loop does
    first of all. Jobs are run by its DebugExecutor, which doesn't defer them; what ran and what was missed is
    what its listeners hear."""
    import apscheduler.executors.base
    import apscheduler.schedulers.base
    from apscheduler.events import EVENT_JOB_EXECUTED, EVENT_JOB_MISSED
    from apscheduler.executors.debug import DebugExecutor
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler.triggers.cron import CronTrigger
    from sqlalchemy import create_engine, event

    class Scheduler(apscheduler.schedulers.base.BaseScheduler):  # type: ignore[misc]
        """It doesn't wait: who wakes it is elsewhere."""

        def wakeup(self) -> None:
            """There is no loop to wake."""

        def shutdown(self, wait: bool = True) -> None:
            super().shutdown(wait)

    apscheduler.schedulers.base.datetime = apscheduler.executors.base.datetime = _Clock
    with TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{folder}/jobs.sqlite")
        # Nobody pulls the plug here, and waiting for the disk is most of the time otherwise.
        event.listen(engine, "connect", lambda opened, _: opened.execute("PRAGMA synchronous = off"))

        def started() -> Any:
            scheduler = Scheduler(
                jobstores={"default": SQLAlchemyJobStore(engine=engine)},
                executors={"default": DebugExecutor()},
                job_defaults=defaults,
                timezone=zone,
            )
            scheduler.start()
            return scheduler

        _Clock.at = start
        scheduler = started()
        for worker, text in schedules.items():
            trigger = CronTrigger.from_crontab(text, timezone=zone)
            scheduler.add_job("__main__:work", trigger, id=worker)
        scheduler.shutdown()
        heard: list[Any] = []
        for tick in ticks:
            _Clock.at = tick
            scheduler = started()
            scheduler.add_listener(heard.append, EVENT_JOB_EXECUTED | EVENT_JOB_MISSED)
            scheduler._process_jobs()
            scheduler.shutdown()
            for each in heard:
                slot = each.scheduled_run_time.timestamp()
                yield each.job_id, tick.timestamp(), slot, each.code == EVENT_JOB_EXECUTED
            heard.clear()


def work() -> None:
    """A job."""


def _apscheduler_without_grace(
    zone: ZoneInfo, start: datetime, schedules: Mapping[str, str], ticks: list[datetime]
) -> Iterator[Deed]:
    """Jobs may be as late as they like; several missed ones are one (its default)."""
    return _apscheduler(zone, start, schedules, ticks, misfire_grace_time=None)


def _apscheduler_all(
    zone: ZoneInfo, start: datetime, schedules: Mapping[str, str], ticks: list[datetime]
) -> Iterator[Deed]:
    """Jobs may be as late as they like, and each missed one is run."""
    return _apscheduler(zone, start, schedules, ticks, misfire_grace_time=None, coalesce=False)


def _huey(
    zone: ZoneInfo,
    start: datetime,
    schedules: Mapping[str, str],
    ticks: list[datetime],
) -> Iterator[Deed]:
    """Its consumer's scheduler, in local time (utc=False), asks at once which periodic tasks the minute on
    the clock matches, and enqueues those."""
    from huey import MemoryHuey, crontab

    huey = MemoryHuey(utc=False)
    for worker, text in schedules.items():
        minute, hour, day, month, weekday = text.split()
        number = str(_WEEKDAYS.index(weekday)) if weekday in _WEEKDAYS else weekday
        matches = crontab(minute, hour, day, month, number, strict=True)
        huey.periodic_task(matches, name=worker)(work)
    for tick in ticks:
        for task in huey.read_periodic(tick.astimezone(zone).replace(tzinfo=None)):
            yield task.name, tick.timestamp(), None, True


def _celery(
    zone: ZoneInfo, start: datetime, schedules: Mapping[str, str], ticks: list[datetime]
) -> Iterator[Deed]:
    """The entries of its beat, whose `last_run_at` is what beat stores between two processes: each is asked
    whether it is due, and one that is due is run once and moves on, as in beat's own tick."""
    from celery import Celery
    from celery.beat import ScheduleEntry
    from celery.schedules import crontab

    app = Celery(set_as_current=False)
    app.conf.timezone = zone.key
    at = start
    crontabs = {}
    for worker, text in schedules.items():
        minute, hour, day, month, weekday = text.split()
        crontabs[worker] = crontab(minute, hour, weekday.lower(), day, month, nowfun=lambda: at, app=app)
    stored = dict.fromkeys(schedules, start)
    for tick in ticks:
        at = tick
        for worker, schedule in crontabs.items():
            entry = ScheduleEntry(worker, worker, stored[worker], schedule=schedule, app=app)
            if entry.is_due().is_due:
                stored[worker] = next(entry).last_run_at
                yield worker, tick.timestamp(), None, True


_CONTENDERS = {
    "apscheduler": _apscheduler,
    "apscheduler-without-grace": _apscheduler_without_grace,
    "apscheduler-all": _apscheduler_all,
    "huey": _huey,
    "celery": _celery,
}


def main(contender: str, file: str) -> None:
    asked = json.loads(Path(file).read_text(encoding="utf-8"))
    zone = ZoneInfo(asked["zone"])
    start, *ticks = (
        datetime.fromtimestamp(at, UTC).astimezone(zone) for at in (asked["start"], *asked["ticks"])
    )
    logging.disable()
    print(json.dumps({"deeds": list(_CONTENDERS[contender](zone, start, asked["schedules"], ticks))}))


main(*sys.argv[1:])
