"""Acts: what an audit event of Python's is about to do, word for word, and what the rules say of it.

The events and their arguments are those of Python's own table (docs.python.org/3/library/audit_events.html).
"""

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from loom.cutting import cut
from loom.domain.enforcement import GUARD, Ruling
from loom.enforcement.guarding.arguments import (
    environment,
    host_of,
    is_bytecode,
    is_child,
    is_gone,
    is_loading,
    name_of_signal,
    place,
    shown_place,
    told,
    words,
)
from loom.enforcement.guarding.paths import (
    folder_of_open,
    is_no_file,
    links_themselves,
    of_descriptor,
    real_path,
)
from loom.enforcement.judges.files import FileRuler
from loom.enforcement.judges.places import Places
from loom.enforcement.judges.programs import ProgramRuler
from loom.enforcement.judges.sockets import SocketRuler

Judged = Iterator[tuple[str, Ruling]]
"""Each act of an event in words, and what the rules say of it."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_INTO_LOOM = Ruling(False, GUARD, "it reaches into Loom itself, which keeps the records and the rules")
_LOOM_TOO = "it would end Loom, and every other run with it"
_SHOWN = 200


class Acts:
    """One worker's. alone: whether its process is its own, so that what it does to that hurts nobody else.
    ask: whether acts that come up without an event are allowed; False once it is noted that they aren't."""

    def __init__(
        self,
        files: FileRuler,
        sockets: SocketRuler,
        programs: ProgramRuler,
        places: Places,
        *,
        alone: bool,
        ask: Callable[[Judged], bool],
    ) -> None:
        self._ask = ask
        self._files = files
        self._sockets = sockets
        self._programs = programs
        self._places = places
        self._alone = alone
        self._process = os.getpid()

    def opens(self, path: Any, mode: str | None, flags: int | None) -> Judged:
        if not (flags or 0) & _WRITING:
            yield from self._reads(path, folder_of_open(mode), listing=mode is None)
        elif isinstance(path, int):
            yield from self.changes(path)
        else:
            yield from self.writes(path, folder_of_open(mode))

    def _reads(self, path: Any, dir_fd: int = -1, *, listing: bool = False) -> Judged:
        if isinstance(path, int):
            return
        if not self._files.reads_freely or os.path.basename(os.fsdecode(path)) in ("environ", "mem"):  # noqa: PTH119
            real = real_path(path, dir_fd)
            if listing and os.path.isdir(real):  # noqa: PTH112
                return  # what stands in a folder can be listed by other means too
            yield f"reading {self._shown(real)}", self._files.read(real)

    def writes(self, path: Any, dir_fd: int = -1, *, follow: bool = True, verb: str = "writing to") -> Judged:
        real = real_path(path, dir_fd, follow=follow)
        if not is_no_file(real) and not is_bytecode(real):
            yield f"{verb} {self._shown(real)}", self._files.write(real)

    def changes(self, path: Any, *rest: Any, dir_fd: int = -1, verb: str = "writing to") -> Judged:  # noqa: ARG002
        """What is open on a descriptor, or what is at a path."""
        if not isinstance(path, int):
            yield from self.writes(path, dir_fd, follow=not links_themselves.get(), verb=verb)
        elif (found := of_descriptor(path)) is not None:
            yield from self.writes(found, verb=verb)

    def removes(self, path: Any, dir_fd: int = -1) -> Judged:
        yield from self.writes(path, dir_fd, follow=False, verb="removing")

    def makes_folder(self, path: Any, mode: int, dir_fd: int = -1) -> Judged:  # noqa: ARG002
        yield from self.writes(path, dir_fd, follow=False, verb="making")

    def renames(self, old: Any, new: Any, old_fd: int = -1, new_fd: int = -1) -> Judged:
        yield from self.writes(old, old_fd, follow=False, verb="moving")
        yield from self._reads(old, old_fd)  # by its new name, nobody would know it
        yield from self.writes(new, new_fd, follow=False, verb="moving something to")

    def links(self, old: Any, new: Any, old_fd: int = -1, new_fd: int = -1) -> Judged:
        # Another name for a file is another way to write to it.
        yield from self.writes(old, old_fd, verb="making another name for")
        yield from self._reads(old, old_fd)
        yield from self.writes(new, new_fd, follow=False, verb="making")

    def links_softly(self, target: Any, new: Any, dir_fd: int = -1) -> Judged:
        yield from self.writes(new, dir_fd, follow=False, verb="making")
        if self._files.reads_freely:  # else each reading is looked at by where it leads
            folder = os.path.dirname(real_path(new, dir_fd, follow=False))  # noqa: PTH120
            yield from self._reads(os.path.join(folder, os.fsdecode(target)))  # noqa: PTH118

    def changes_mode(self, path: Any, *rest: Any) -> Judged:
        yield from self.changes(path, dir_fd=rest[-1] if rest else -1, verb="changing what may be done with")

    def changes_time(self, path: Any, times: Any, ns: Any, dir_fd: int = -1) -> Judged:  # noqa: ARG002
        yield from self.changes(path, dir_fd=dir_fd, verb="changing the times of")

    def opens_database(self, database: Any) -> Judged:
        from loom.enforcement.guarding.databases import file_opened

        path, written = file_opened(database)
        if path is not None:
            yield from self._database(path, written, "opening for writing the database")

    def _database(self, path: str, written: bool, verb: str) -> Judged:
        yield from self._reads(path)
        if written:
            yield from self.writes(path, verb=verb)

    def watches_database(self, connection: Any) -> Judged:
        from loom.enforcement.guarding.databases import watch

        watch(
            connection,
            lambda path, written: self._ask(self._database(path, written, "attaching for writing")),
        )
        return iter(())

    def connects(self, connection: Any, address: Any) -> Judged:
        if address is not None:
            host, port = place(connection, address)
            yield f"connecting to {shown_place(host, port)}", self._sockets.connect(host, port)

    def binds(self, connection: Any, address: Any) -> Judged:
        # What is bound to any port of this machine's own can't be reached before it listens; libraries look
        # in this way whether there is IPv6, while they are imported.
        loopback = isinstance(address, tuple) and address[:2] in (("127.0.0.1", 0), ("::1", 0))
        if not (loopback and told(connection, "type") == socket.SOCK_STREAM):
            yield from self.listens(connection, address)

    def listens(self, connection: Any, address: Any = None) -> Judged:
        """Begins to listen where it was bound to, or at `address`."""
        if address is None:
            if told(connection, "family") not in (socket.AF_INET, socket.AF_INET6):
                return
            address = told(connection, "getsockname")()
        host, port = place(connection, address)
        yield f"listening at {shown_place(host, port)}", self._sockets.listen(host, port)

    def looks_up(self, host: Any, *rest: Any) -> Judged:  # noqa: ARG002
        name = host_of(host)
        yield f"looking up {name}", self._sockets.look_up(name)

    def was_told(self, host: Any, addresses: Sequence[str]) -> Judged:
        self._sockets.told(host_of(host), addresses)
        return iter(())

    def looks_up_name(self, address: Any, *rest: Any) -> Judged:  # noqa: ARG002
        name = host_of(address[0] if isinstance(address, tuple) else address)
        yield f"looking up the name of {name}", self._sockets.look_up(name, reverse=True)

    def logs_to_system(self, *rest: Any) -> Judged:  # noqa: ARG002
        yield "writing to the system's log", self._sockets.connect("unix:/dev/log", 0)

    def starts(self, program: Any, arguments: Any, cwd: Any = None, env: Any = None) -> Judged:
        line = words(arguments)
        name = os.fsdecode(program) if program is not None else line[0]
        yield (
            f"starting {cut(' '.join([name, *line[1:]]), _SHOWN)}",
            self._programs.run(
                name, line[1:], cwd=os.fsdecode(cwd) if cwd is not None else None, env=environment(env)
            ),
        )

    def spawns(self, program: Any, arguments: Any, env: Any) -> Judged:
        yield from self.starts(program, arguments, None, env)

    def becomes(self, program: Any, arguments: Any, env: Any) -> Judged:
        if self._alone:
            yield from self.starts(program, arguments, None, env)
        else:
            name = os.fsdecode(program)
            yield f"becoming {name}", Ruling(False, GUARD, _LOOM_TOO)

    def ends_process(self) -> Judged:
        if not self._alone and os.getpid() == self._process:
            yield "ending the process at once", Ruling(False, GUARD, _LOOM_TOO)

    def ends_process_later(self, ends: Any) -> Judged:
        if ends:
            yield from self.ends_process()

    def closes_range(self, low: int, high: int) -> Judged:
        # What is open there is Loom's: its ledger, its locks, and where it is heard.
        if not self._alone and os.getpid() == self._process and low < high:
            yield "closing whatever is open", Ruling(False, GUARD, "what Loom has open is among it")

    def sets_alarm(self, seconds: float) -> Judged:
        if not self._alone and seconds:
            yield "setting the process an alarm", Ruling(False, GUARD, _LOOM_TOO)

    def limits_process(self, *given: Any) -> Judged:
        if not self._alone and given[-1] is not None:
            yield "changing the limits of the process", Ruling(False, GUARD, "they would hold for Loom too")

    def commands(self, command: Any) -> Judged:
        yield from self.starts("/bin/sh", ["sh", "-c", command])

    def forks(self) -> Judged:
        yield "copying its process", self._programs.fork()

    def calls_library(self, *what: Any) -> Judged:
        if what and what[0] is None and is_loading("ctypes"):
            return  # the module itself opens Python's own library
        yield f"calling into a library {cut(repr(what), 100)}", self._programs.native()

    def loads_extension(self, connection: Any, which: Any = True) -> Judged:  # noqa: ARG002
        if which is not False and which != 0:
            yield "loading an extension into SQLite", self._programs.native()

    def imports(self, module: Any, *rest: Any) -> Judged:  # noqa: ARG002
        if self._programs.denies_modules:
            yield f"importing {module}", self._programs.import_(str(module))

    def kills(self, pid: int, number: int) -> Judged:
        if number == 0:
            return
        if is_gone(pid):
            return
        mine = is_child(os.P_PID, pid) or (self._alone and pid == os.getpid())
        yield f"sending {name_of_signal(number)} to process {pid}", _signalling(mine)

    def kills_group(self, group: int, number: int) -> Judged:
        if number == 0:
            return
        own = group in (0, os.getpgrp())
        mine = self._alone if own else is_child(os.P_PGID, group)
        yield f"sending {name_of_signal(number)} to process group {group}", _signalling(mine)

    def kills_thread(self, thread: int, number: int) -> Judged:
        if number != 0:
            yield f"sending {name_of_signal(number)} to thread {thread}", _signalling(self._alone)

    def reaches_into_loom(self, *rest: Any) -> Judged:  # noqa: ARG002
        yield "looking at or changing what isn't its own in this process", _INTO_LOOM

    def _shown(self, real: str) -> str:
        return cut(real.removeprefix(f"{self._places.project}/"), _SHOWN)


def _signalling(mine: bool) -> Ruling:
    why = "it started that process itself" if mine else "it didn't start that process; Loom may be among it"
    return Ruling(mine, GUARD, why)
