"""Whether the process that claimed a ticket is alive: by an operating-system lock on the same machine, by
the lease on any other."""

import contextlib
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from loom.domain.slot import Ticket
from loom.errors import LedgerError, SettingsError

_held: set[int] = set()


def _forget_held() -> None:
    # A forked child shares its parent's locks for as long as it has the files open.
    for handle in _held:
        with contextlib.suppress(OSError):
            os.close(handle)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_held)


class ProcessLiveness:
    """`loom.ports.Liveness` by files in ``folder/locks``, one per claimer, locked while it lives.

    A claimer is named HOST.SITE-PID-NONCE, and so is its file. SITE is a random name kept in the folder:
    two machines may both be called 'ubuntu', and only who sees the same folder may judge by its locks.

    host, pid: this machine's name and this process's id.
    Raises SettingsError when the system has no such locks, LedgerError when the folder can't be used: it is
    the ledger's, and a person must hear of it just so.
    """

    def __init__(self, folder: Path, *, host: str, pid: int) -> None:
        if os.name != "posix":
            raise SettingsError("Loom needs the file locks of a POSIX system: run it on Linux, macOS or WSL")
        self._folder = folder / "locks"
        self._host = _plain(host) or "localhost"
        self._pid = pid
        self._claimer: str | None = None
        self._handle = -1
        self._known_site = ""

    def claim_as(self) -> str:
        if self._claimer is None:
            with self._usable():
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._sweep()
                claimer = f"{self._host}.{self._site()}-{self._pid}-{os.urandom(6).hex()}"
                self._handle = _create_locked(self._file(claimer))
            _held.add(self._handle)
            self._claimer = claimer
        return self._claimer

    def alive(self, ticket: Ticket, *, real_now: datetime) -> bool:
        """True while the claimer may still work: ourselves always; on this machine while it holds its lock
        and its lease lasts; elsewhere while its lease lasts. A ticket that nobody holds: False."""
        claimer = ticket.claimer
        if claimer is None:
            return False
        if claimer == self._claimer:
            return True
        if ticket.lease_until is None or real_now >= ticket.lease_until:
            return False
        with self._usable():
            return not self._is_of_here(claimer) or not _is_free(self._file(claimer))

    def here(self, ticket: Ticket) -> bool:
        """Whether it is held by a process of this machine, and of this project's folder."""
        with self._usable():
            return ticket.claimer is not None and self._is_of_here(ticket.claimer)

    def _is_of_here(self, claimer: str) -> bool:
        site = self._site() if self._folder.exists() else ""
        return claimer.rsplit("-", 2)[0] == f"{self._host}.{site}"

    def release(self) -> None:
        claimer, self._claimer = self._claimer, None
        # In a forked child the lock isn't held: it is the parent's to release.
        if claimer is None or self._handle not in _held:
            return
        with self._usable():
            self._file(claimer).unlink(missing_ok=True)
        _held.discard(self._handle)
        os.close(self._handle)

    def _file(self, claimer: str) -> Path:
        return self._folder / f"{claimer}.lock"

    def _site(self) -> str:
        if not self._known_site:
            file = self._folder / "site"
            if not file.exists():
                draft = self._folder / f"site.{self._pid}-{os.urandom(4).hex()}"
                draft.write_text(os.urandom(4).hex(), encoding="ascii")
                with contextlib.suppress(FileExistsError):
                    os.link(draft, file)
                draft.unlink()
            self._known_site = file.read_text(encoding="ascii")
        return self._known_site

    def _sweep(self) -> None:
        """Remove what dead claimers left behind."""
        for file in self._folder.glob("*.lock"):
            if _is_free(file):
                file.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LedgerError(
                f"the lock folder {self._folder} can't be used: {error.strerror or error}. "
                "Check that you may write there, and that its file system has locks"
            ) from error


def _create_locked(file: Path) -> int:
    import fcntl  # not there on every system

    while True:
        handle = os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            # Another process may have swept the file away between the two lines above.
            if file.exists() and os.path.samestat(os.fstat(handle), file.stat()):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _is_free(file: Path) -> bool:
    import fcntl

    try:
        handle = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        # Shared, so that two who look at once don't take each other for the owner.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(handle)


def _plain(host: str) -> str:
    """As a file may be called."""
    return "".join(each if each.isascii() and (each.isalnum() or each in "._-") else "_" for each in host)


class MemoryLiveness:
    """The in-memory twin. running: the claimers alive on this machine, shared by everyone on it; take a
    name out and its process has died."""

    def __init__(self, running: set[str], *, host: str = "memory", pid: int = 1) -> None:
        self._running = running
        self._host = host
        self._claimer = f"{host}-{pid}-{id(self):x}"
        self._claimed = False

    def claim_as(self) -> str:
        if not self._claimed:
            self._claimed = True
            self._running.add(self._claimer)
        return self._claimer

    def alive(self, ticket: Ticket, *, real_now: datetime) -> bool:
        claimer = ticket.claimer
        if claimer is None:
            return False
        if self._claimed and claimer == self._claimer:
            return True
        if ticket.lease_until is None or real_now >= ticket.lease_until:
            return False
        return claimer.rsplit("-", 2)[0] != self._host or claimer in self._running

    def release(self) -> None:
        self._running.discard(self._claimer)
        self._claimed = False
