"""The steps of a project's life, drawn at random; each name and argument reads as what happened."""

import copy
import functools
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from loom.domain.pause import Pause
from loom.domain.record import RunQuery
from loom.domain.run import Trigger
from loom.runner.parts import Parts
from loom.runner.request import TickRequest
from tests.life import laws
from tests.life.doer import MOODS
from tests.life.lifetime import EVERY_ID, IDS, SOME_SETTINGS, Lifetime
from tests.life.plot import points
from tests.life.registry import WHOLE_FILE, span
from tests.life.stores import SqliteStore, Store
from tests.life.waking import wake
from tests.life.world import CHANGING, HOOKS

ids = st.sampled_from(IDS)
later = st.sampled_from(("0m", "1m", "5m", "20m", "1h", "1h", "1h", "3h", "14h", "1d", "4d"))
some_point = st.sampled_from(tuple(points()))
trouble: st.SearchStrategy[dict[str, str]] = st.one_of(
    st.just({}),
    st.dictionaries(st.sampled_from(("dies", "meets", "stops")), some_point, min_size=1, max_size=1),
)


def step(**drawn: Any) -> Callable[[Callable[..., None]], Any]:
    """A rule after which every promise must hold."""

    def made(function: Callable[..., None]) -> Any:
        @functools.wraps(function)
        def checked(self: "Lifetime", **arguments: Any) -> None:
            self.failed = True
            function(self, **arguments)
            self.check()
            self.failed = False

        made_rule: Any = rule(**drawn)
        return made_rule(checked)

    return made


class Life(Lifetime):
    """Of a project with up to four workers."""

    # -- time passes

    @step(after=later)
    def tick(self, after: str) -> None:
        self.wake(after=after)

    @step(times=st.integers(2, 4), every=st.sampled_from(("0m", "1h", "14h")))
    def ticks(self, times: int, every: str) -> None:
        for _ in range(times):
            self.wake(after=every)

    @step(after=later, point=some_point, host=st.sampled_from(("here", "here", "elsewhere")))
    def tick_that_dies(self, after: str, point: str, host: str) -> None:
        self.wake(after=after, dies=point, host=host)

    @step(after=later, point=some_point)
    def tick_that_is_told_to_stop(self, after: str, point: str) -> None:
        self.wake(after=after, stops=point)

    @step(after=later, point=some_point, rival_later=later, dies=st.one_of(st.none(), some_point))
    def tick_that_meets_another(self, after: str, point: str, rival_later: str, dies: str | None) -> None:
        self.wake(after=after, meets=point, rival_later=span(rival_later), dies=dies)

    @step(
        after=later,
        point=some_point,
        rival_later=later,
        worker=ids,
        change=SOME_SETTINGS | st.sampled_from(EVERY_ID),
    )
    def tick_that_meets_another_registry(
        self, after: str, point: str, rival_later: str, worker: str, change: dict[str, Any] | str
    ) -> None:
        """Meanwhile a worker was added, edited or renamed, and another tick goes by that."""

        def edit() -> None:
            if isinstance(change, str):
                self._rename(worker, change)
            else:
                self._edit(worker, change)

        self.wake(after=after, meets=point, rival_finds=edit, rival_later=span(rival_later))

    @step(after=later, back=st.integers(1, 3), how=trouble)
    def tick_of_an_older_checkout(self, after: str, back: int, how: dict[str, Any]) -> None:
        """On a machine where a registry still lies that was changed since. back: how many changes ago."""
        world, newest = self.world, self.world.registry
        world.write(world.registries[-1 - back] if back < len(world.registries) else newest)
        try:
            self.wake(after=after, **how)
        finally:
            world.write(newest)

    @step(worker=st.none() | ids)
    def dry_run(self, worker: str | None) -> None:
        workers = (worker,) if worker in self.world.registry.by_id else ()
        self.wake(TickRequest(workers=workers, dry_run=True))

    @step(by=st.sampled_from(("3m", "20m", "2h", "3d")))
    def clock_goes_back(self, by: str) -> None:
        self.world.set_clock_back(span(by))

    # -- the registry and the world round it change

    @step(worker=ids, change=SOME_SETTINGS)
    def edit(self, worker: str, change: dict[str, Any]) -> None:
        self._edit(worker, change)

    @step(setting=st.sampled_from(WHOLE_FILE))
    def edit_the_rest(self, setting: tuple[str, Any]) -> None:
        self.world.write(replace(self.world.registry, **{setting[0]: setting[1]}))

    @step(worker=ids, new_id=st.sampled_from((None, *EVERY_ID)))
    def remove_or_rename(self, worker: str, new_id: str | None) -> None:
        if new_id is None:
            self.world.write(self.world.registry.without(worker))
        else:
            self._rename(worker, new_id)

    @step(what=st.sampled_from((*CHANGING, *HOOKS)), whole=st.booleans())
    def breaks(self, what: str, whole: bool) -> None:
        self.world.turn(what, whole)

    @step(worker=ids, does=st.sampled_from(tuple(MOODS)))
    def worker_now(self, worker: str, does: str) -> None:
        self.world.mood(worker, does)
        if does == "hangs" and worker in self.world.registry.by_id:
            self._edit(worker, {"timeout": "50ms"})

    # -- a person gives orders

    @step(worker=ids, until=st.sampled_from((None, "1h", "14h", "4d", "over")))
    def pause(self, worker: str, until: str | None) -> None:
        if until == "over":
            self._resume(worker)
            return
        now = self.world.clock.now()
        end = None if until is None else now + span(until)
        self.world.write_by_hand([Pause(worker=worker, by="ann", at=now, reason="holiday", until=end)])

    @step(
        worker=ids,
        slot=st.sampled_from((None, None, 0, 1, 5)),
        force=st.booleans(),
        param=st.booleans(),
        how=trouble,
    )
    def by_hand(self, worker: str, slot: int | None, force: bool, param: bool, how: dict[str, Any]) -> None:
        """slot: how many slots before the newest."""
        if entry := self.world.registry.by_id.get(worker):
            at = None if slot is None else self._slot(entry, slot)
            params = {"word": "bye"} if param else {}
            self.wake(TickRequest(workers=(worker,), slot=at, force=force, params=params), **how)

    @step(worker=ids, count=st.integers(1, 5), force=st.booleans(), how=trouble)
    def backfill(self, worker: str, count: int, force: bool, how: dict[str, Any]) -> None:
        """count: how many slots, up to the newest."""
        if entry := self.world.registry.by_id.get(worker):
            ends = self._slot(entry, count - 1), self._slot(entry, 0)
            request = TickRequest(workers=(worker,), span=ends, trigger=Trigger.BACKFILL, force=force)
            self.wake(request, **how)

    @step(back=st.integers(0, 5), force=st.booleans(), how=trouble)
    def retry(self, back: int, force: bool, how: dict[str, Any]) -> None:
        """back: which run, counted from the newest."""
        with closing(self.world.store.open()) as ledger:
            runs = ledger.runs(RunQuery(limit=6))
        if back >= len(runs) or runs[back].count > 1 or runs[back].worker not in self.world.registry.by_id:
            return
        run = runs[back]
        params = {name: str(value) for name, value in run.settings.items()}
        request = TickRequest(
            workers=(run.worker,), slot=run.slot, trigger=Trigger.RETRY, force=force, params=params
        )
        self.wake(request, **how)

    # -- the ledger is copied, and later put back

    @step()
    def copy_the_ledger(self) -> None:
        self.copies = [(self.world.store.copy(), copy.deepcopy(self.world.model))]

    @precondition(lambda self: bool(getattr(self, "copies", ())))
    @step()
    def restore_the_ledger(self) -> None:
        ((ledger, model),) = self.copies
        self.world.store.restore(ledger)
        self.world.model = copy.deepcopy(model)
        self.world.restored = True
        self._count(restored=1)


class LifeInSqlite(Life):
    """The same life with the ledger in a file and the locks beside it, where ticks may come at once."""

    figures: ClassVar[dict[str, int]] = {}

    def store(self, root: Path) -> Store:
        return SqliteStore(root)

    @step(after=later)
    def two_ticks_at_once(self, after: str) -> None:
        self.world.clock.advance(span(after))
        already, raised = len(self.world.ended), list[BaseException]()

        def tick() -> None:
            try:
                wake(self.world)
            except BaseException as error:  # noqa: BLE001  (carried over to the test's own thread)
                raised.append(error)

        threads = [threading.Thread(target=tick) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if raised:
            raise raised[0]
        with closing(self.world.store.open()) as ledger:
            for each in self.world.ended[already:]:
                laws.ended_well(each, ledger)


def with_plant(plant: Callable[[Parts], Parts]) -> type[Life]:
    """A life in which every tick has parts that `plant` has made worse."""
    return type("PlantedLife", (Life,), {"plant": staticmethod(plant), "figures": {}})
