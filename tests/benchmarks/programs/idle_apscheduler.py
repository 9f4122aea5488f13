"""idle_apscheduler.py prepare|look FILE SIZE: put so many daily jobs into a store on SQLite; or start a
scheduler on it, ask which jobs are due at a moment at which none is, and when the next one is."""

import json
import sys
from datetime import UTC, timedelta

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from sqlalchemy import event


def nothing() -> dict[str, str]:
    return {"summary": "nothing"}


def main(act: str, file: str, size: str) -> None:
    store = SQLAlchemyJobStore(url=f"sqlite:///{file}")
    if act == "prepare":
        # Nobody measures how long that takes.
        event.listen(store.engine, "connect", lambda db, _: db.execute("PRAGMA synchronous = OFF"))
    scheduler = BackgroundScheduler(jobstores={"default": store}, timezone=UTC)
    scheduler.start(paused=True)
    if act == "prepare":
        trigger = CronTrigger.from_crontab("0 3 * * *", timezone=UTC)
        for number in range(int(size)):
            scheduler.add_job(nothing, trigger, id=f"job-{number:05}")
    else:
        upcoming = store.get_next_run_time()
        due = store.get_due_jobs(upcoming - timedelta(minutes=1))
        if due:
            raise SystemExit(f"{len(due)} are due, the next at {upcoming}")
    scheduler.shutdown()
    print(json.dumps({"known": int(size)}))


main(*sys.argv[1:])
