"""A disk that takes its time to flush, on a machine whose own disk hardly does."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.peers import PeerUnavailable

EXTRA_MS = 2
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
    """An environment in which each flush of a process takes `EXTRA_MS` milliseconds more. Raises
    PeerUnavailable where no C compiler makes what that needs."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise PeerUnavailable("there is no C compiler by the name of cc")
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
