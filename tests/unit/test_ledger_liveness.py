"""Whether a claimer is alive: by its lock on this machine, by its lease elsewhere."""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from loom.domain.slot import Ticket, TicketState
from loom.errors import LedgerError
from loom.ledger.liveness import MemoryLiveness, ProcessLiveness
from loom.ports import Liveness
from tests.contracts.ledger_entries import HOUR, SIX, a_ticket
from tests.ground.shut import REPOSITORY

On = Callable[[str], Liveness]
"""Another process on the machine of that name."""


def held_by(claimer: str) -> Ticket:
    return a_ticket(state=TicketState.CLAIMED, fence=1, claimer=claimer, lease_until=SIX + HOUR)


@pytest.fixture(params=["process", "memory"])
def on(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[On]:
    made: list[Liveness] = []
    running: set[str] = set()

    def another(host: str) -> Liveness:
        one: Liveness
        if request.param == "process":
            one = ProcessLiveness(tmp_path, host=host, pid=len(made))
        else:
            one = MemoryLiveness(running, host=host, pid=len(made))
        made.append(one)
        return one

    yield another
    for one in made:
        one.release()


# -- what both twins keep --------------------------------------------------------------------------------


def test_the_name_of_a_claimer_says_where_it_runs_and_stays(on: On) -> None:
    one, two = on("runner-1"), on("runner-1")
    assert one.claim_as() == one.claim_as()
    assert one.claim_as() != two.claim_as()
    assert "runner-1" in one.claim_as()


def test_a_claimer_on_this_machine_is_alive_until_it_is_gone(on: On) -> None:
    one, two = on("here"), on("here")
    ticket = held_by(one.claim_as())
    assert two.alive(ticket, real_now=SIX)
    one.release()
    assert not two.alive(ticket, real_now=SIX), "dead at once, though its lease runs on"


def test_a_claimer_on_this_machine_that_outstays_its_lease_counts_as_dead(on: On) -> None:
    one, two = on("here"), on("here")
    ticket = held_by(one.claim_as())
    assert not two.alive(ticket, real_now=SIX + HOUR)


def test_a_claimer_elsewhere_is_alive_as_long_as_its_lease(on: On) -> None:
    one, two = on("there"), on("here")
    two.claim_as()
    ticket = held_by(one.claim_as())
    one.release()
    assert two.alive(ticket, real_now=SIX + HOUR - HOUR / 3600)
    assert not two.alive(ticket, real_now=SIX + HOUR)
    assert not two.alive(replace(ticket, lease_until=None), real_now=SIX)


def test_we_are_alive_ourselves_whatever_the_lease_says(on: On) -> None:
    one = on("here")
    ticket = held_by(one.claim_as())
    assert one.alive(ticket, real_now=SIX + 9 * HOUR)
    one.release()
    assert not one.alive(ticket, real_now=SIX)


def test_a_ticket_that_nobody_holds_has_nobody_alive(on: On) -> None:
    assert not on("here").alive(a_ticket(), real_now=SIX)


def test_whose_host_merely_begins_like_ours_is_elsewhere(on: On) -> None:
    one, two = on("runner"), on("runner-2")
    one.claim_as()
    ticket = held_by(two.claim_as())
    two.release()
    assert one.alive(ticket, real_now=SIX)


# -- locks of the operating system -------------------------------------------------------------------------


def test_another_machine_of_the_same_name_is_judged_by_its_lease(tmp_path: Path) -> None:
    one = ProcessLiveness(tmp_path / "one", host="ubuntu", pid=7)
    two = ProcessLiveness(tmp_path / "two", host="ubuntu", pid=7)
    two.claim_as()
    assert two.alive(held_by(one.claim_as()), real_now=SIX)
    fresh = ProcessLiveness(tmp_path / "three", host="ubuntu", pid=7)
    assert fresh.alive(held_by(one.claim_as()), real_now=SIX)
    assert not (tmp_path / "three").exists(), "looking makes no folder"


_HOLDS = """
import subprocess, sys, os
from pathlib import Path
from loom.ledger.liveness import ProcessLiveness
liveness = ProcessLiveness(Path(sys.argv[1]), host="here", pid=os.getpid())
print(liveness.claim_as(), flush=True)
if sys.argv[2] == "with a child":
    print(subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL, close_fds=False).pid, flush=True)
if sys.argv[2] == "with a fork":
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        import time
        liveness.release()  # the parent's to release: nothing happens
        os.write(tell, b".")
        time.sleep(60)
    os.read(told, 1)
    print(pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("family", ["alone", "with a child", "with a fork"])
def test_a_killed_process_shows_as_dead_at_once_even_if_its_children_live_on(
    tmp_path: Path, family: str
) -> None:
    command = [sys.executable, "-c", _HOLDS, str(tmp_path), family]
    me = ProcessLiveness(tmp_path, host="here", pid=os.getpid())
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        ticket = held_by(process.stdout.readline().strip())
        child = 0 if family == "alone" else int(process.stdout.readline())
        try:
            assert me.alive(ticket, real_now=SIX)
            process.kill()
            process.wait()
            assert not me.alive(ticket, real_now=SIX)
            if child:
                os.kill(child, 0)
        finally:
            if child:
                os.kill(child, signal.SIGKILL)


def test_two_who_look_at_once_do_not_take_each_other_for_the_claimer(tmp_path: Path) -> None:
    dead, me = (ProcessLiveness(tmp_path, host="here", pid=pid) for pid in (1, 2))
    ticket = held_by(dead.claim_as())
    dead.release()
    left = tmp_path / "locks" / f"{ticket.claimer}.lock"
    with left.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        assert not me.alive(ticket, real_now=SIX)
        fcntl.flock(file, fcntl.LOCK_EX)
        assert me.alive(ticket, real_now=SIX)


def test_what_dead_claimers_left_behind_is_swept_away_and_nothing_else(tmp_path: Path) -> None:
    living = ProcessLiveness(tmp_path, host="here", pid=1)
    living.claim_as()
    left = tmp_path / "locks" / "here.x-2-dead.lock"
    left.touch()
    next_one = ProcessLiveness(tmp_path, host="here", pid=3)
    names = {living.claim_as(), next_one.claim_as()}
    assert {file.stem for file in (tmp_path / "locks").glob("*.lock")} == names
    next_one.release()
    living.release()
    assert list((tmp_path / "locks").glob("*.lock")) == []


def test_a_host_name_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    one = ProcessLiveness(tmp_path / "inner", host="../../evil name\n", pid=1)
    one.claim_as()
    assert [path.name for path in tmp_path.iterdir()] == ["inner"]
    one.release()


def test_releasing_twice_or_without_a_claim_is_no_harm(tmp_path: Path) -> None:
    one = ProcessLiveness(tmp_path, host="here", pid=1)
    one.release()
    first = one.claim_as()
    one.release()
    one.release()
    assert one.claim_as() != first
    one.release()


def test_a_lock_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "locks").touch()
    with pytest.raises(LedgerError, match=r"lock folder .*locks can't be used"):
        ProcessLiveness(tmp_path, host="here", pid=1).claim_as()
