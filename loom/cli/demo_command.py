"""`loom demo`: a week of the sample company in a minute."""

import shlex
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from loom.cli.options import json_option
from loom.errors import ExitCode, SettingsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loom.domain.demo import Reckoning, Scene


@click.command(name="demo", short_help="Play a week of the sample company, here and now.")
@click.option(
    "--dir",
    "directory",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="A new folder for its project. Default: a temporary one, which is left there.",
)
@click.option(
    "--speed", metavar="TIMES", type=click.FloatRange(0.1, 100), default=1.0, help="So many times faster."
)
@click.option("--fast", is_flag=True, help="Without pauses, as when nobody looks on.")
@click.option(
    "--record",
    metavar="FILE.svg",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw its most telling days as a picture, too.",
)
@json_option
def command(directory: Path | None, speed: float, fast: bool, record: Path | None, as_json: bool) -> int:
    """Play a week of the sample company in less than a minute: late ticks, a failure, a retry, a recovery, a
    clock change, and a worker that does what it may not. Ctrl-C ends it at any time.

    It is real: twelve workers in a project of its own, and the runner, rules, ledger and alerts of any
    project. Only the time is set, to 5 to 11 March 2026, and the company's HubSpot, YouTube and website are
    stand-ins on this machine. No account is asked for, and nothing of yours is touched. It leaves a dashboard
    to open.

    \b
    loom demo
    loom demo --fast --dir my-demo
    loom demo --json | jq .week
    """
    from loom.cli.demo_audience import Audience
    from loom.cli.demo_stage import new_folder, staged
    from loom.cli.signals import obeying
    from loom.cli.streams import answer_alone, heard
    from loom.runner.request import Stop

    if record is not None and not record.absolute().parent.is_dir():
        raise UsageError(f"--record {record}: there is no folder {record.parent}; make it first.")
    folder = new_folder(directory)
    answer: IO[str] = answer_alone() if as_json else sys.stdout
    paced = answer.isatty() and not fast and not as_json
    stop = Stop()
    audience = Audience(None if as_json else answer, speed=speed if paced else None, stop=stop)
    audience.begin(folder)
    scenes: list[Scene] = []
    with obeying(stop, lambda _: None), staged(folder, stop) as stage:
        for scene in stage.scenes():
            if stop.asked:
                break  # its runs were cut short, and what they say of that is no part of the week
            scenes.append(scene)
            audience.see(scene)
            if not heard():  # as with: loom demo | head
                return ExitCode.OK
        if stop.asked:
            click.echo(f"loom: {stop.why}; what was played is in {folder}", err=True)
            return stop.exit_code
        reckoned = stage.reckon(scenes)
        page = stage.publish_page(scenes[-1].step.at)
    audience.end(reckoned)
    if record is not None:
        _draw(record, audience.picture())
    if as_json:
        answer.write(_as_json(scenes, reckoned, folder, page))
    else:
        audience.say("\n".join(_what_next(folder, page, scenes)))
    return ExitCode.OK


def _draw(file: Path, picture: str) -> None:
    try:
        file.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"can't write the picture to {file}: {error.strerror}") from None


def _as_json(scenes: "list[Scene]", reckoned: "Reckoning", folder: Path, page: Path) -> str:
    from zoneinfo import ZoneInfo

    from loom.demo.week import ZONE
    from loom.report.as_json import dump
    from loom.report.demo.summary import as_json

    return dump(as_json(scenes, reckoned, ZoneInfo(ZONE), project=str(folder), dashboard=str(page)))


def _what_next(folder: Path, page: Path, scenes: "Sequence[Scene]") -> Iterator[str]:
    """Commands to type, for this project."""
    from loom.domain.run import Outcome
    from loom.report.words import short_id

    reports = [scene.report for scene in scenes if scene.report]
    runs = [run for report in reports for run in report.runs]
    blocked = next(run for run in runs if run.outcome is Outcome.BLOCKED)
    over = max(report.tick.at for report in reports) + timedelta(minutes=1)
    place = shlex.quote(str(folder))
    steps = {
        f"loom status --at {over:%Y-%m-%dT%H:%MZ}": "how it stood at the end of that week",
        "loom why sentinel --at 2026-03-06T12:00Z": "a failure, tried again until it succeeded",
        "loom why echo --at 2026-03-08T08:00Z": "what a clock change did",
        f"loom show {short_id(blocked.run_id)}": "what was stopped, and by which rule",
        "less alerts.jsonl": "what a person was told",
    }
    wide = max(map(len, steps))
    yield f"\nNow open the dashboard in a browser:  {shlex.quote(str(page))}"
    yield f"Or:   cd {place}"
    yield from (f"      {what:<{wide}}  {why}" for what, why in steps.items())
    yield f"All of it is in that folder. To be rid of it:  rm -r {place}"
