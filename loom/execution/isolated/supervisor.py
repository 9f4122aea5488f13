"""Supervisor: the first process of a run's own. It starts the worker in a second one, and survives it.

Loom <-> supervisor <-> worker. The supervisor runs none of the worker's code, so it hears Loom whatever
that code does to its own process. It ends the worker when Loom says so or is gone, then everything that the
worker left behind, and says how it ended. It imports next to nothing: the worker's process is a copy of it.
"""

import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress

from loom.execution.isolated.kinship import end_all, end_with_parent, send, send_group, take_in_orphans

_DUMP_LIMIT = 64 * 1024
_ASK_PARENT_MS = 1000


class Post:
    """What the supervisor is given, by descriptor number where nothing else is said.

    request: the run, behind 8 bytes of length. orders: lines of Loom's, ``stop WHY``, ``overrun`` or
    ``kill``; closed when Loom is gone. status: to Loom, the worker's process id in a line, and at the end
    a line ``exit CODE KILLED`` and what `faulthandler` wrote.
    frames: the worker's to Loom. parent: Loom's process id. folder: the run's own, by its path. project: the
    folder it works in, by its path.
    """

    def __init__(self, arguments: list[str]) -> None:
        self.request, self.orders, self.status, self.frames, self.parent = map(int, arguments[:5])
        self.folder, self.project = arguments[5:7]


class Ends:
    """What the worker's process is given. frames: see `Post`. nudge: orders, passed on. dump: a file."""

    def __init__(self, frames: int, nudge: int, dump: int) -> None:
        self.frames, self.nudge, self.dump = frames, nudge, dump


def supervise(post: Post, work: Callable[[bytes, Ends], object]) -> None:
    """Run `work` on the request in a child of this process, see to its end, and report it.

    CODE is the child's exit code, or a signal's number with a minus; KILLED is how many it left running.
    """
    given = (post.request, post.orders, post.status, post.frames)
    _close_all_but(given)
    for handle in given:
        os.set_inheritable(handle, False)
    os.chdir(post.project)
    # Whatever Loom's own threads block or ignore is no business of a worker's.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # The worker's half may be asked to end before it can listen.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    take_in_orphans()
    request = _read_request(post.request)
    if request is None:
        _remove(post.folder)
        return
    os.close(post.request)
    dump = _open_dump(post.folder)
    hear, nudge = os.pipe()
    os.set_blocking(nudge, False)
    me = os.getpid()
    worker = os.fork()
    if worker == 0:
        os.setpgid(0, 0)
        end_with_parent(signal.SIGKILL)
        if os.getppid() != me:
            os._exit(1)
        for handle in (post.orders, post.status, nudge):
            os.close(handle)
        work(request, Ends(post.frames, hear, dump))
        return
    del request  # it holds secrets
    with suppress(PermissionError, ProcessLookupError):  # it did so itself, and has gone on or ended since
        os.setpgid(worker, worker)
    for handle in (hear, post.frames):
        os.close(handle)
    for stream in (1, 2):
        os.dup2(0, stream)  # what is printed is the worker's; Loom waits for the last writer to go
    _Watch(post, worker, nudge).keep(dump)


def _close_all_but(given: tuple[int, ...]) -> None:
    """Whatever else Loom had open, and would have let any program have."""
    for name in os.listdir("/dev/fd"):  # noqa: PTH208  (needs no import)
        if int(name) > 2 and int(name) not in given:
            with suppress(OSError):
                os.close(int(name))


def _read_request(handle: int) -> bytes | None:
    """None when Loom is gone."""
    length = _read(handle, 8)
    return None if length is None else _read(handle, int.from_bytes(length))


def _read(handle: int, length: int) -> bytes | None:
    data = bytearray()
    while len(data) < length:
        part = os.read(handle, min(length - len(data), 1 << 20))
        if not part:
            return None
        data += part
    return bytes(data)


def _remove(folder: str) -> None:
    """Nobody else will any more."""
    from shutil import rmtree

    rmtree(folder, ignore_errors=True)


def _open_dump(folder: str) -> int:
    """A file without a name, where a process says how it died."""
    path = f"{folder}/dump"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
    os.unlink(path)  # noqa: PTH108  (needs no import)
    return handle


class _Watch:
    def __init__(self, post: Post, worker: int, nudge: int) -> None:
        self._post = post
        self._worker = worker
        self._nudge = nudge
        self._heard = b""
        self._code: int | None = None

    def keep(self, dump: int) -> None:
        """Until the worker has ended and nothing of it is left."""
        self._say(b"%d\n" % self._worker)
        orphaned = not self._wait()
        if orphaned:
            self._kill()
        else:
            # Processes that it started and didn't wait for go with it.
            send_group(self._worker, signal.SIGKILL)
        killed = end_all()
        word = b"exit %d %d\n" % (self._code or 0, killed) + os.pread(dump, _DUMP_LIMIT, 0)
        if orphaned or not self._say(word):
            _remove(self._post.folder)

    def _wait(self) -> bool:
        """Pass orders on until the worker has ended. False once Loom is gone."""
        waker, woken = os.pipe()
        for handle in (waker, woken):
            os.set_blocking(handle, False)
        # SIGTERM is ignored already: signals from outside are for Loom to act on, which tells us.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for signum in (signal.SIGCHLD, signal.SIGHUP):
            signal.signal(signum, lambda *_: None)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        end_with_parent(signal.SIGHUP)
        poll = select.poll()
        poll.register(self._post.orders, select.POLLIN)
        poll.register(waker, select.POLLIN)
        while not self._reap():
            ready = dict(poll.poll(_ASK_PARENT_MS))
            if waker in ready:
                os.read(waker, 4096)
            if self._post.orders in ready and not self._obey(os.read(self._post.orders, 65536)):
                return False
            if os.getppid() != self._post.parent:
                return False
        return True

    def _reap(self) -> bool:
        """Reap what has ended; whether the worker has."""
        while self._code is None:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return False
            if pid == self._worker:
                self._code = os.waitstatus_to_exitcode(status)
        return True

    def _obey(self, said: bytes) -> bool:
        if not said:
            return False
        *orders, self._heard = (self._heard + said).split(b"\n")
        for order in orders:
            if order == b"kill":
                self._kill()
                continue
            with suppress(OSError):  # the worker's code may have closed its end; the signal is left
                os.write(self._nudge, order + b"\n")
            send_group(self._worker, signal.SIGTERM)
        return True

    def _kill(self) -> None:
        send_group(self._worker, signal.SIGKILL)
        send(self._worker, signal.SIGKILL)  # it may have changed its group

    def _say(self, text: bytes) -> bool:
        """False when Loom is gone."""
        try:
            while text:
                text = text[os.write(self._post.status, text) :]
        except OSError:
            return False
        return True
