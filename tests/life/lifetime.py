"""A life from its beginning to its end, whatever steps are taken in between."""

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from loom.clock import ManualClock
from loom.runner.parts import Parts
from loom.runner.request import TickRequest
from tests.ground.modules import workers_of_its_own
from tests.life import laws
from tests.life.calendar import slots
from tests.life.registry import SETTINGS, Entry, span
from tests.life.stores import MemoryStore, Store
from tests.life.story import told
from tests.life.waking import wake
from tests.life.world import CHANGING, HOOKS, Ended, World

STARTS = {
    "the day before spring": datetime(2026, 3, 7, 9, 20, tzinfo=UTC),
    "a plain day": datetime(2026, 6, 10, 13, 5, tzinfo=UTC),
    "the day before autumn": datetime(2026, 10, 31, 17, 0, tzinfo=UTC),
}
IDS = ("ant", "bee", "cat")
EVERY_ID = (*IDS, "dog")

_A_SETTING = st.one_of([st.tuples(st.just(key), st.sampled_from(SETTINGS[key])) for key in SETTINGS])
SOME_SETTINGS = st.lists(_A_SETTING, min_size=1, max_size=4).map(dict)


class Lifetime(RuleBasedStateMachine):
    """plant: makes every tick's parts worse, to see that it is found. figures: what all lives of the class
    have seen. failed: whether a step was begun and didn't end well."""

    plant: ClassVar[Callable[[Parts], Parts] | None] = None
    figures: ClassVar[dict[str, int]] = {}
    world: World

    def store(self, root: Path) -> Store:
        return MemoryStore()

    @initialize(start=st.sampled_from(tuple(STARTS)), ant=SOME_SETTINGS, bee=st.none() | SOME_SETTINGS)
    def begin(self, start: str, ant: dict[str, Any], bee: dict[str, Any] | None) -> None:
        self.open = ExitStack()
        root = Path(tempfile.mkdtemp(prefix="life-"))
        self.open.callback(shutil.rmtree, root, ignore_errors=True)
        self.open.enter_context(workers_of_its_own())
        self.world = World(root, self.store(root), ManualClock(STARTS[start]), type(self).plant)
        self.world.put(Entry(id="ant", **ant))
        if bee is not None:
            self.world.put(Entry(id="bee", **bee))
        self.copies: list[tuple[Any, Any]] = []
        self.failed = False

    # -- what must hold

    def check(self) -> None:
        with closing(self.world.store.open()) as ledger:
            laws.all_hold(self.world, ledger)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        with self.open:
            try:
                if not self.failed:
                    self.calm_down()
                over = sum(len(known.over) for known in self.world.model.workers.values())
                ran = sum(line.endswith(" starts") for line in self.world.traces())
                self._count(lives=1, ticks=self.world.ticks, deaths=self.world.deaths, runs=ran, slots=over)
            finally:
                for line in told(self.world):
                    note(line)

    def calm_down(self) -> None:
        """Everything is mended, some ticks come in which all goes well, and one more at the same instant."""
        world = self.world
        for what in (*CHANGING, *HOOKS):
            world.turn(what, True)
        world.write(world.registry.mended())
        for worker in EVERY_ID:
            world.mood(worker, "succeeds")
            self._resume(worker)
        known = [*world.model.marks.values(), *(ended.conditions.at for ended in world.ended)]
        world.clock.set(max([world.clock.now(), *known]))
        for after in ("0m", "2h", "2d", "1h", "0m"):
            last = self.wake(after=after)
            self.check()
        with closing(world.store.open()) as ledger:
            laws.all_is_well(world, last, ledger)

    # -- how it is done

    def wake(self, request: TickRequest | None = None, *, after: str = "0m", **how: Any) -> Ended:
        """One tick, held to what must hold of it and of those that it met."""
        self.world.clock.advance(span(after))
        already = len(self.world.ended)
        ended = wake(self.world, request, **how)
        with closing(self.world.store.open()) as ledger:
            for each in self.world.ended[already:]:
                laws.ended_well(each, ledger)
        return ended

    def _edit(self, worker: str, change: dict[str, Any]) -> None:
        entry = self.world.registry.by_id.get(worker) or Entry(id=worker)
        self.world.put(replace(entry, **change))

    def _rename(self, worker: str, new_id: str) -> None:
        registry = self.world.registry
        if worker in registry.by_id and new_id not in registry.by_id:
            renamed = replace(registry.by_id[worker], id=new_id, was=worker)
            self.world.write(registry.without(worker).put(renamed))

    def _resume(self, worker: str) -> None:
        now, held = self.world.clock.now(), self.world.model.of(worker).pause
        if held is not None and held.in_force(now):
            self.world.write_by_hand([replace(held, worker=worker, until=now, ended_by="bob")])

    def _slot(self, entry: Entry, back: int) -> datetime:
        now = self.world.clock.now()
        week = now - timedelta(days=7)
        return slots(entry.schedule, entry.timezone, entry.gap, entry.fold, week, now)[-1 - back]

    def _count(self, **more: int) -> None:
        for name, number in more.items():
            self.figures[name] = self.figures.get(name, 0) + number
