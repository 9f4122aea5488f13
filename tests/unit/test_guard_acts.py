"""Single acts, as Python announces them, put to the gate of one run."""

import gc
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loom.domain.enforcement import EnforcementContext, Refusal
from loom.domain.rules import FilesRule, SocketsRule
from loom.enforcement.guarding.gate import Gate
from loom.enforcement.guarding.guard import RunGuard
from loom.enforcement.judges.places import places_of
from loom.execution.capture import RunLog
from loom.worker import Refused

Ask = Callable[..., str | None]
WRITING = os.O_WRONLY | os.O_CREAT


@pytest.fixture
def rules(tmp_path: Path) -> EnforcementContext:
    drafts = str(tmp_path / "drafts")
    (tmp_path / "drafts").mkdir()
    return EnforcementContext(
        digest="sha256:0",
        rules=(
            FilesRule(id="drafts", why="drafts are written", write=(f"{drafts}/**",)),
            SocketsRule(id="sockets", why="asked", connect=("unix:/run/x.sock", "127.0.0.1:5432")),
        ),
    )


@pytest.fixture
def ask(rules: EnforcementContext, tmp_path: Path) -> Ask:
    return asking(rules, tmp_path)


def asking(rules: EnforcementContext, tmp_path: Path) -> Ask:
    gate = Gate(rules, "echo", places=places_of(tmp_path, {}), alone=False)

    def refused_by(event: str, *arguments: Any) -> str | None:
        refused = gate.consider(event, arguments)
        assert refused is None or isinstance(refused, Refused)
        return None if refused is None else refused.refusal.rule

    return refused_by


def secretive(rules: EnforcementContext, tmp_path: Path) -> Ask:
    unread = FilesRule(id="unread", why="private", deny_read=(f"{tmp_path}/drafts/private*",))
    return asking(EnforcementContext(digest="sha256:0", rules=(*rules.rules, unread)), tmp_path)


def test_an_absolute_path_is_judged_though_the_working_folder_is_gone(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert ask("open", str(tmp_path / "drafts" / "x"), "w", WRITING) is None
    assert ask("open", str(tmp_path / "x"), "w", WRITING) == "guard"


def test_a_link_may_be_changed_itself_wherever_it_leads(rules: EnforcementContext, tmp_path: Path) -> None:
    link, target = tmp_path / "drafts" / "link", tmp_path / "target"
    target.write_text("x")
    link.symlink_to(target)
    guard = RunGuard(rules, worker_id="echo", agent=None, places=places_of(tmp_path, {}))
    with guard.inside():
        os.utime(link, (1, 1), follow_symlinks=False)
        assert guard.refused == 0
        with pytest.raises(Refused):
            os.utime(link, (1, 1))
    guard.close()
    assert (link.lstat().st_mtime, target.stat().st_mtime > 1) == (1, True)
    for able in (os.supports_follow_symlinks, os.supports_fd):
        assert os.utime in able, "shutil.copystat looks for it there"


def test_a_file_that_may_not_be_read_may_not_be_moved_to_where_it_may(
    rules: EnforcementContext, tmp_path: Path
) -> None:
    private, shown = tmp_path / "drafts" / "private", tmp_path / "drafts" / "shown"
    for event in ("os.rename", "os.link"):
        assert secretive(rules, tmp_path)(event, private, shown, -1, -1) == "unread"
        assert secretive(rules, tmp_path)(event, shown, tmp_path / "drafts" / "other", -1, -1) is None


@pytest.mark.parametrize("name", ["{}", "file:{}", "file:{}?mode=ro", "file:{}?immutable=1&mode=ro"])
def test_a_database_that_may_not_be_read_may_not_be_opened(
    name: str, rules: EnforcementContext, tmp_path: Path
) -> None:
    refused_by = secretive(rules, tmp_path)
    assert refused_by("sqlite3.connect", name.format(tmp_path / "drafts" / "private.db")) == "unread"
    assert refused_by("sqlite3.connect", name.format(tmp_path / "drafts" / "other.db")) is None
    with sqlite3.connect(":memory:") as memory:
        assert refused_by("loom.database", memory) is None
        attach = f"ATTACH '{name.format(tmp_path / 'drafts' / 'private.db')}' AS other"
        if not name.startswith("file:"):
            with pytest.raises(sqlite3.DatabaseError, match="authorized"):
                memory.execute(attach)
    memory.close()


def test_the_environment_of_a_process_is_not_read_by_another_name(ask: Ask, tmp_path: Path) -> None:
    link = tmp_path / "drafts" / "link"
    for target in (
        "/proc/self/environ",
        f"/proc/{os.getpid()}/environ",
        os.path.relpath("/proc/self/mem", link.parent),
    ):
        assert ask("os.symlink", target, str(link), -1) == "guard"
    assert ask("os.symlink", "/etc/hostname", str(link), -1) is None


def test_a_signal_to_a_process_that_has_ended_is_the_systems_to_refuse(ask: Ask) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert ask("os.kill", child.pid, signal.SIGTERM) is None
    assert ask("os.kill", os.getppid(), signal.SIGTERM) == "guard"


def test_the_name_of_a_granted_address_may_be_asked_for_beside_a_grant_of_a_path(ask: Ask) -> None:
    assert ask("socket.getnameinfo", ("127.0.0.1", 5432)) is None
    assert ask("socket.getnameinfo", ("192.0.2.1", 5432)) == "guard"


def test_an_address_that_the_worker_was_told_of_a_granted_name_is_granted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["127.0.7.1", "127.0.7.2", "127.0.7.3"])  # one address each time, never the same

    def resolver(*_: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers, "127.0.7.9"), 0))]

    monkeypatch.setattr("_socket.getaddrinfo", resolver)
    rule = SocketsRule(id="sockets", why="asked", connect=("db.example.org:5432",))
    context = EnforcementContext(digest="sha256:0", rules=(rule,))
    guard = RunGuard(context, worker_id="echo", agent=None, places=places_of(tmp_path, {}))
    with guard.inside(), socket.socket() as connection:
        ((*_, address),) = socket.getaddrinfo("db.example.org", 5432)
        sys.audit("socket.connect", connection, ("127.0.7.1", 5432))
        with pytest.raises(Refused):
            sys.audit("socket.connect", connection, ("127.0.7.77", 5432))
    guard.close()
    assert address == ("127.0.7.1", 0)
    assert guard.refused == 1


def test_the_name_of_this_machine_may_be_looked_up(ask: Ask) -> None:
    assert ask("socket.gethostbyaddr", socket.gethostname()) is None  # as email.utils.make_msgid does
    assert ask("socket.gethostbyaddr", f"not-{socket.gethostname()}") == "guard"


def test_what_has_no_room_left_to_be_judged_fails_as_in_python_and_is_no_refusal(
    rules: EnforcementContext, tmp_path: Path
) -> None:
    def deeper() -> None:
        with (tmp_path / "drafts" / "x").open("w"):
            pass
        deeper()

    guard = RunGuard(rules, worker_id="echo", agent=None, places=places_of(tmp_path, {}))
    with guard.inside(), pytest.raises(RecursionError):
        deeper()
    guard.close()
    assert guard.checks > 0
    assert guard.refused == 0


def test_what_is_refused_is_told_in_a_thousand_characters(rules: EnforcementContext, tmp_path: Path) -> None:
    gate = Gate(rules, "echo", places=places_of(tmp_path, {}), alone=False)
    gate.consider("socket.getaddrinfo", ("a" * 1_000_000, 80))
    (noted,) = gate.refusals
    assert len(noted.act) == len(noted.why) == 1000


def test_what_cannot_be_judged_counts_as_judged(rules: EnforcementContext, tmp_path: Path) -> None:
    gate = Gate(rules, "echo", places=places_of(tmp_path, {}), alone=False)
    assert gate.consider("open", (object(), "w", WRITING)) is not None
    assert (gate.checks, gate.refused_count) == (1, 1)


def test_what_the_collector_finds_may_be_refused_while_refusals_are_read(
    rules: EnforcementContext, tmp_path: Path
) -> None:
    gate = Gate(rules, "echo", places=places_of(tmp_path, {}), alone=False)
    for _ in range(50):
        gate.refused(Refusal("guard", "x", "y"))

    assert _while_garbage_is_collected(
        lambda: gate.refused(Refusal("guard", "late", "y")), lambda: gate.refusals
    )
    assert gate.refused_count > 50


def test_what_the_collector_finds_may_be_said_while_somebody_reads_along() -> None:
    log = RunLog("x", lambda: 0.0)
    assert _while_garbage_is_collected(lambda: log.write("late\n"), lambda: log.since(0))
    assert "late" in log.text()


def _while_garbage_is_collected(when_collected: Callable[[], object], act: Callable[[], object]) -> bool:
    """Whether `act` ends, wherever in it garbage that does something is collected."""

    class Garbage:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            when_collected()

    def collected_in_it() -> None:
        for allocations in range(1, 20):
            gc.disable()
            gc.collect()  # from here the collector counts
            Garbage()
            gc.set_threshold(allocations)
            gc.enable()
            act()
        gc.disable()

    before = gc.get_threshold()
    gc.freeze()  # what all the other tests left behind needn't be looked through
    thread = threading.Thread(target=collected_in_it, daemon=True)
    try:
        thread.start()
        thread.join(60)
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
        gc.enable()
    gc.collect()
    return not thread.is_alive()
