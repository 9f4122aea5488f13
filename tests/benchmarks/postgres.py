"""A PostgreSQL server for as long as it is measured against: in a temporary folder, on loopback."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.measure import environment
from tests.benchmarks.peers import PeerUnavailable

# Where Debian keeps what must not be started by hand, a folder for each version.
_DEBIAN = Path("/usr/lib/postgresql")
_PATIENCE_S = 60.0


@contextmanager
def postgresql() -> Iterator[str]:
    """A server with its settings as they come, stopped and gone on the way out: the start of a URL, to which
    the name of a database is added. Raises PeerUnavailable if there is none on this machine."""
    programs = _programs()
    user = _user()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        if user:
            shutil.chown(folder, user)
        data = folder / "data"
        initdb = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "-D", str(data)]
        made = subprocess.run(
            [str(programs / "initdb"), *initdb],
            user=user,
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            raise PeerUnavailable(f"initdb failed: {made.stderr.strip().splitlines()[-1:]}")
        port = _free_port()
        listening = ["-c", "listen_addresses=127.0.0.1", "-p", str(port), "-k", str(folder)]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [str(programs / "postgres"), "-D", str(data), *listening],
                user=user,
                cwd=folder,
                env=environment(),
                stdout=log,
                stderr=log,
            )
        try:
            _wait_for(programs, port, server)
            yield f"postgresql://postgres@127.0.0.1:{port}/"
        finally:
            server.send_signal(signal.SIGINT)  # to PostgreSQL: at once, but in order
            server.wait(_PATIENCE_S)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """The folder of the newest one's programs."""
    found = sorted(_DEBIAN.glob("*/bin/postgres"), key=lambda file: float(file.parts[-3]))
    on_path = shutil.which("postgres")
    if not found and not on_path:
        raise PeerUnavailable("PostgreSQL isn't installed here")
    return (found[-1] if found else Path(str(on_path))).parent


def _user() -> str | None:
    """As whom it runs: PostgreSQL refuses to be started by root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        raise PeerUnavailable("PostgreSQL won't run as root, and there is no user postgres") from None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _wait_for(programs: Path, port: int, server: subprocess.Popen[bytes]) -> None:
    asked = [str(programs / "pg_isready"), "--quiet", "--host=127.0.0.1", f"--port={port}"]
    until = time.monotonic() + _PATIENCE_S
    while subprocess.run(asked, check=False, env=environment()).returncode != 0:
        if server.poll() is not None or time.monotonic() > until:
            raise PeerUnavailable("the PostgreSQL installed here doesn't start")
        time.sleep(0.1)
