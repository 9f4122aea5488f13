"""A worker run in a process of its own, which says at the end what it took.

python -m tests.workers.hubspot_memory WORKER API TOKEN   ->   {"checked": 1, "peak_mb": 80.5, "seconds": 2.5}
"""

import importlib
import json
import sys
import tempfile
import time
from pathlib import Path

import httpx

from tests.workers.conftest import Contexts


def main(worker: str, api: str, token: str) -> None:
    module = importlib.import_module(f"workers.{worker}")
    settings = module.Settings.model_validate({"api": api, "delay": 0})
    started = time.monotonic()
    with httpx.Client(trust_env=False) as client, tempfile.TemporaryDirectory() as project:
        contexts = Contexts(Path(project))
        output = module.run(contexts(settings, http=client, secrets={"HUBSPOT_ACCESS_TOKEN": token}))
    checked = getattr(output, "contacts_checked", None) or output.records_checked
    told = {"checked": checked, "peak_mb": _peak_mb(), "seconds": time.monotonic() - started}
    print(json.dumps(told | {"findings": len(output.findings), "problems": output.metrics}))


def _peak_mb() -> float:
    """The most memory this process ever had, all of it: interpreter, libraries, data."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
