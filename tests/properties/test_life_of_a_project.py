"""Whatever happens to a project, in whatever order: what Loom promises of its slots, runs and alerts holds.

The steps and the laws are in tests/life; `python -m tests.endurance machine` takes many more of them.
"""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from loom.errors import ClaimLost
from tests.life.machine import Life, LifeInSqlite, with_plant
from tests.life.plants import PLANTS, former_names_are_forgotten
from tests.life.world import Broken

UNHURRIED = settings(deadline=None, suppress_health_check=list(HealthCheck))


def test_every_promise_holds_through_the_life_of_a_project() -> None:
    run_state_machine_as_test(Life, settings=settings(UNHURRIED, max_examples=20, stateful_step_count=25))


def test_every_promise_holds_with_the_ledger_in_a_file_and_ticks_in_threads() -> None:
    run_state_machine_as_test(
        LifeInSqlite, settings=settings(UNHURRIED, max_examples=8, stateful_step_count=20)
    )


def rename_meanwhile(life: Any, point: str) -> None:
    """A tick that goes by the registry as it was before another one renamed the only worker."""
    life.begin(start="a plain day", ant={"schedule": "0 * * * *"}, bee=None)
    with life.open:
        life.tick(after="0m")
        how = {"point": point, "rival_later": "1m", "worker": "ant", "change": "bee"}
        life.tick_that_meets_another_registry(after="1h", **how)
        life.tick(after="1h")


@pytest.mark.parametrize("point", ["before snapshot 1", "before claim 1", "after record 1", "before wait 1"])
def test_a_rename_that_comes_into_a_tick_breaks_no_promise(point: str) -> None:
    rename_meanwhile(Life(), point)


def test_a_ledger_that_forgets_former_names_would_be_found() -> None:
    with pytest.raises(Broken):
        rename_meanwhile(with_plant(former_names_are_forgotten)(), "before claim 1")


@pytest.mark.parametrize("abandoned", ["true", "false"])
def test_a_backfill_that_stops_gives_back_no_more_than_it_found(abandoned: str) -> None:
    """Among the slots that it claims by force is one whose process died."""
    life: Any = Life()
    life.begin(start="a plain day", ant={"schedule": "0 * * * *", "abandoned": abandoned}, bee=None)
    with life.open:
        life.tick(after="0m")
        life.tick_that_dies(after="1h", point="before wait 1", host="here")
        life.backfill(worker="ant", count=4, force=True, how={"stops": "before wait 2"})
        life.tick(after="5m")
        life.tick(after="1h")


@pytest.mark.parametrize("bug", PLANTS)
def test_a_bug_in_the_runner_would_be_found(bug: str) -> None:
    # The same steps each time: this is about the laws, not about luck.
    found = settings(
        UNHURRIED,
        max_examples=100,
        stateful_step_count=20,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
    )
    with pytest.raises((Broken, ClaimLost)):
        run_state_machine_as_test(with_plant(PLANTS[bug]), settings=found)
