"""idle_huey.py prepare|look FILE SIZE: whether any of so many daily periodic tasks, or a task in the
schedule of the store, is due at a moment at which none is."""

import json
import sys
from datetime import datetime

from huey import SqliteHuey, crontab

# By no clock: twenty past twelve, hours after three.
NOW = datetime(2026, 3, 3, 12, 20)  # noqa: DTZ001  (huey's times have no zone)


def main(act: str, file: str, size: str) -> None:
    huey = SqliteHuey("idle", filename=file)

    def nothing() -> dict[str, str]:
        return {"summary": "nothing"}

    known = 0
    if act == "look":
        for number in range(int(size)):
            huey.periodic_task(crontab(minute="0", hour="3"), name=f"task_{number:05}")(nothing)
            known += 1
        due = [*huey.read_periodic(NOW), *huey.read_schedule(NOW)]
        if due:
            raise SystemExit(f"{len(due)} are due")
    print(json.dumps({"known": known}))


main(*sys.argv[1:])
