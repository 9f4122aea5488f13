"""Which of Python's audit events announce which acts; those that `loom.` begins are raised by `beneath`."""

from collections.abc import Callable, Mapping
from typing import Any

from loom.enforcement.guarding.acts import Acts, Judged

_JUDGED: Mapping[str, Callable[..., Judged]] = {
    "open": Acts.opens,
    "os.remove": Acts.removes,
    "os.rmdir": Acts.removes,
    "os.mkdir": Acts.makes_folder,
    "os.rename": Acts.renames,
    "os.link": Acts.links,
    "os.symlink": Acts.links_softly,
    "os.truncate": lambda acts, path, length: acts.changes(path, length, verb="cutting off"),
    "os.chmod": Acts.changes_mode,
    "os.chown": Acts.changes_mode,
    "os.utime": Acts.changes_time,
    "os.setxattr": lambda acts, path, *rest: acts.changes_mode(path),  # noqa: ARG005
    "os.removexattr": lambda acts, path, *rest: acts.changes_mode(path),  # noqa: ARG005
    "os.chflags": lambda acts, path, *rest: acts.changes_mode(path),  # noqa: ARG005
    "sqlite3.connect": Acts.opens_database,
    "sqlite3.enable_load_extension": Acts.loads_extension,
    "sqlite3.load_extension": Acts.loads_extension,
    "socket.connect": Acts.connects,
    "socket.sendto": Acts.connects,
    "socket.sendmsg": Acts.connects,
    "socket.bind": Acts.binds,
    "socket.getaddrinfo": Acts.looks_up,
    "socket.gethostbyname": Acts.looks_up,
    "socket.gethostbyaddr": Acts.looks_up_name,
    "socket.getnameinfo": Acts.looks_up_name,
    "socket.sethostname": Acts.reaches_into_loom,
    "syslog.openlog": Acts.logs_to_system,
    "syslog.syslog": Acts.logs_to_system,
    "subprocess.Popen": Acts.starts,
    "os.posix_spawn": Acts.spawns,
    "os.exec": Acts.becomes,
    "os.system": Acts.commands,
    "os.fork": Acts.forks,
    "os.forkpty": Acts.forks,
    "ctypes.dlopen": Acts.calls_library,
    "ctypes.dlsym": Acts.calls_library,
    "ctypes.dlsym/handle": Acts.calls_library,
    "ctypes.call_function": Acts.calls_library,
    "ctypes.cdata": Acts.calls_library,
    "ctypes.PyObj_FromPtr": Acts.calls_library,
    "ctypes.string_at": Acts.calls_library,
    "ctypes.wstring_at": Acts.calls_library,
    "import": Acts.imports,
    "resource.setrlimit": Acts.limits_process,
    "resource.prlimit": Acts.limits_process,
    "os.kill": Acts.kills,
    "os.killpg": Acts.kills_group,
    "signal.pthread_kill": Acts.kills_thread,
    "gc.get_objects": Acts.reaches_into_loom,
    "gc.get_referrers": Acts.reaches_into_loom,
    "sys._current_frames": Acts.reaches_into_loom,
    "sys._current_exceptions": Acts.reaches_into_loom,
    "sys.remote_exec": Acts.reaches_into_loom,
    "cpython.PyInterpreterState_New": Acts.reaches_into_loom,
    # For these Python raises no event; `beneath` does.
    "loom.mkfifo": lambda acts, path, dir_fd: acts.makes_folder(path, 0, dir_fd),
    "loom.fork_exec": Acts.starts,
    "loom.database": Acts.watches_database,
    "loom.import": Acts.imports,
    "loom.listen": Acts.listens,
    "loom.exit": Acts.ends_process,
    "loom.exit_later": Acts.ends_process_later,
    "loom.closerange": Acts.closes_range,
    "loom.alarm": Acts.sets_alarm,
    "loom.told": Acts.was_told,
}
ANOTHER_HOOK = "sys.addaudithook"
"""Whoever adds a hook hears what everybody does. Python takes an exception here for a no and tells nobody: no
hook is added, and the libraries that try, in good faith, go on without."""
EVENTS = frozenset({*_JUDGED, ANOTHER_HOOK})
"""Those that are judged; any other needs nobody's leave."""


def acts_of(acts: Acts, event: str, arguments: tuple[Any, ...]) -> Judged:
    """The acts of an event out of `EVENTS`, and what the rules say of each."""
    return _JUDGED[event](acts, *arguments)
