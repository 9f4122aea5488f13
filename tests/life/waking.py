"""One tick of the real runner in a world, watched at every port."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from loom.clock import ManualClock
from loom.domain.record import Entry
from loom.domain.registry import Registry
from loom.domain.run import Run
from loom.domain.slot import Ticket
from loom.domain.tick import Tick
from loom.errors import ExitCode, LoomError
from loom.execution.assignment import Assignment
from loom.execution.inline import InlineExecutor
from loom.ports import Ledger, Liveness
from loom.report.progress import SilentProgress
from loom.runner.parts import Parts
from loom.runner.request import Stop, TickRequest
from loom.runner.tick import run_tick
from loom.settings import read_settings
from loom.wiring.parts import parts_for
from tests.life import decisions, doer
from tests.life.model import slot_of
from tests.life.plot import Plot, ProcessDied
from tests.life.watched import WatchedExecutor, WatchedHook, WatchedLedger
from tests.life.world import Ended, Start, World


def wake(
    world: World,
    request: TickRequest | None = None,
    *,
    host: str = "here",
    dies: str | None = None,
    stops: str | None = None,
    meets: str | None = None,
    rival_later: timedelta = timedelta(),
    rival_finds: Callable[[], None] = lambda: None,
) -> Ended:
    """One tick. host: the machine it runs on. dies, stops: where its process ends, or is told to.

    meets: where another whole tick comes between, `rival_later` by the clock, after `rival_finds` has changed
    the world.
    """
    plot, stop = Plot(dies=dies), Stop()

    def rival() -> None:
        rival_finds()
        world.clock.advance(rival_later)
        wake(world)

    if stops is not None:
        plot.when(stops, lambda: stop.ask("stopped by SIGTERM", ExitCode.TERMINATED))
    if meets is not None:
        plot.when(meets, rival)
    return _Waking(world, request or TickRequest(), host, plot, stop).run()


class _Deadlines:
    """The executor's clock: a second passes each time a worker hangs, and at no other time, so that a busy
    machine makes no run late."""

    def __init__(self, clock: ManualClock, seconds: Path) -> None:
        self.now = clock.now
        self.real = clock.real
        self._seconds = seconds

    def monotonic(self) -> float:
        return float(self._seconds.stat().st_size)


class _Waking:
    def __init__(self, world: World, request: TickRequest, host: str, plot: Plot, stop: Stop) -> None:
        self._world = world
        self._request = request
        self._host = host
        self._plot = plot
        self._stop = stop
        self._conditions = world.conditions()
        self._written: list[Entry] = []
        self._claims: dict[str, Ticket] = {}
        self._starts: list[Start] = []
        self._moods: dict[str | None, str] = {}
        with world.lock:
            world.ticks += 1
            self._number = world.ticks

    def run(self) -> Ended:
        world = self._world
        report, error = None, None
        try:
            report = run_tick(world.plant(self._parts()), self._request)
        except ProcessDied:
            world.deaths += 1
        except LoomError as refused:
            error = refused
        stopped = self._stop.asked
        own = tuple(each.claim for each in self._starts if world.clock.now() < each.lease)
        ended = Ended(self._conditions, self._request, tuple(self._written), own, stopped, report, error)
        with world.lock:
            world.flying = {key: each for key, each in world.flying.items() if each.tick != self._number}
            world.ended.append(ended)
        return ended

    def _parts(self) -> Parts:
        world, plot = self._world, self._plot
        parts = parts_for(read_settings({}, cwd=world.root, project=None), world.clock, SilentProgress())
        hooks = tuple(WatchedHook(hook, plot) for hook in world.hooks.values())

        def open_ledger(registry: Registry | None) -> Ledger:
            inner = world.store.open()
            return WatchedLedger(
                inner,
                plot,
                claiming=lambda write, entries: self._claim(inner, write, entries),
                recording=self._record,
                forgetting=self._forget,
            )

        def liveness(registry: Registry | None) -> Liveness:
            return world.store.liveness(lambda: parts.liveness(registry), host=self._host, pid=self._number)

        return replace(
            parts,
            open_ledger=open_ledger,
            liveness=liveness,
            executor=lambda: WatchedExecutor(
                InlineExecutor(_Deadlines(world.clock, world.root / doer.SECONDS)),
                plot,
                together=self._number % 2 == 0,
                starting=self._start,
                ended=self._end,
                killed=world.killed,
            ),
            hooks=lambda *_: hooks,
            fallback_hooks=lambda: hooks,
            take_secrets=lambda names: {n: world.secrets[n] for n in names if n in world.secrets},
            stop=self._stop,
        )

    def _claim(self, inner: Ledger, write: Callable[[], None], entries: Sequence[Entry]) -> None:
        world, by_hand = self._world, self._request.by_hand
        # Without its tick, a claim carries out renames and decides nothing.
        decides = any(isinstance(each, Tick) for each in entries) and not by_hand
        with world.lock:
            write()
            self._written.extend(entries)
            if decides:
                decisions.before_the_claim(world, self._conditions, entries)
            registry = self._conditions.registry
            world.model.decided(registry, self._conditions.at, renames_only=not decides)
            if not registry.broken:
                # Of a registry that was edited since, it may still be the older version.
                world.gone |= world.model.marks.keys() - registry.enabled()
            world.model.saw(entries, by_hand=by_hand)
            if decides:
                decisions.after_the_claim(world, self._conditions, self._stop.asked, inner, entries)

    def _record(self, write: Callable[[], None], entries: Sequence[Entry]) -> None:
        with self._world.lock:
            write()
            self._written.extend(entries)
            self._world.model.saw(entries)
            for run in (each for each in entries if isinstance(each, Run)):
                mood = self._moods.get(run.run_id)
                decisions.may_be_recorded(self._conditions, self._stop.asked, run, mood)
            self._claims.update((each.key, each) for each in entries if isinstance(each, Ticket))

    def _forget(self, before: datetime) -> None:
        model = self._world.model
        model.forgotten = max(model.forgotten, before)

    def _end(self, key: str) -> None:
        self._world.flying.pop(key, None)

    def _start(self, assignment: Assignment) -> None:
        with self._world.lock:
            claim = self._claims[assignment.key]
            start = Start(self._number, self._conditions, self._request, claim)
            decisions.may_start(self._world, start)
            self._moods[claim.run_id] = self._world.mood_of(claim.worker)
            if (slot := slot_of(claim.key)) is not None:
                self._world.model.starts_now(claim.worker, slot)
            self._world.flying[claim.key] = start
            self._starts.append(start)
