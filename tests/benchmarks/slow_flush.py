"""A disk that takes its time to flush, on a machine whose own disk hardly does."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.peers import PeerUnavailable

EXTRA_MS = 2
_SEPARATORS = frozenset(" :")
_SOURCE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

static void wait_first(void) {
    struct timespec left = {0, %d * 1000000L};
    while (nanosleep(&left, &left) != 0) {}
}

int fsync(int file) {
    wait_first();
    return ((int (*)(int)) dlsym(RTLD_NEXT, "fsync"))(file);
}

int fdatasync(int file) {
    wait_first();
    return ((int (*)(int)) dlsym(RTLD_NEXT, "fdatasync"))(file);
}
"""


def slow_flush(folder: Path) -> Mapping[str, str]:
    """An environment in which each flush of a process takes `EXTRA_MS` milliseconds more, by a library that
    is made in `folder`. Raises PeerUnavailable where that can't be: outside Linux, without a C compiler, or
    where the loader takes the folder's name for several."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        raise PeerUnavailable("it needs Linux, and a C compiler by the name of cc")
    if not _SEPARATORS.isdisjoint(str(folder)):
        raise PeerUnavailable(f"LD_PRELOAD takes no path such as {str(folder)!r}")
    source, library = folder / "slow_flush.c", folder / "slow_flush.so"
    source.write_text(_SOURCE % EXTRA_MS, encoding="utf-8")
    made = subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise PeerUnavailable(f"cc: {made.stderr}")
    return {"LD_PRELOAD": str(library)}
