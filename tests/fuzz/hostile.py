"""A worker that returns, raises and says what no worker should. Each case is made from its name alone.

`outputs` copies the files `hostile*.py` into a project's ``workers/``, so they import what a worker may, and
each other by their place.
"""

import asyncio
import logging
import random
import sys
from typing import Any

from loom.worker import (
    WorkerContext,
)

from .hostile_errors import exception
from .hostile_objects import Chance, Odd, Output, Settings
from .hostile_values import output, text, value


def say(context: WorkerContext[Settings], chance: Chance) -> None:
    """Print, log and report what may not be said."""
    said = value(chance, 1)
    match chance.randrange(8):
        case 0:
            print(text(chance), end=chance.choice(["", "\n", "\r"]))
        case 1:
            context.log.info(said)
        case 2:
            context.log.warning("%s %d", said)
        case 3:
            context.progress(said)
        case 4:
            sys.stdout.write(said)
        case 5:
            logging.getLogger("hostile").error("%r", said, exc_info=exception(chance))
        case 6:
            sys.stderr.buffer.write(b"\xff\xfe\n")
        case _:
            context.log.log(chance.choice([10, 50, 10**9, -1]), text(chance))


def outcome(context: WorkerContext[Settings]) -> Any:
    chance = random.Random(context.settings.case)  # noqa: S311  (repeatable, guards nothing)
    if chance.random() < 0.3:
        try:
            say(context, chance)
        except Exception:  # noqa: BLE001  (as a careless worker has it)
            context.log.info("that can't be said")
    kind = chance.random()
    if kind < 0.35:
        return output(chance)
    if kind < 0.65:
        return value(chance)
    raise exception(chance)


def run(context: WorkerContext[Settings]) -> Output:
    made: Output = outcome(context)
    return made


async def run_async(context: WorkerContext[Settings]) -> Output:
    await asyncio.sleep(0)
    try:
        made: Output = outcome(context)
    except BaseException as error:
        # asyncio itself never ends a task whose exception hides its class: such a run takes its full timeout.
        if "__class__" in type(error).__dict__:
            raise Odd("asyncio couldn't look at this") from None
        raise
    return made
