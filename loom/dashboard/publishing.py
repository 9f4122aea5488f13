"""The page, put where it is read: whole or not at all."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

NAME = "index.html"


def publish(folder: Path, page: str) -> tuple[Path, int]:
    """Write `page` to `folder`/index.html, and return that path and its size in bytes. The folder is made if
    it isn't there; what else is in it stays. Whoever reads meanwhile has the page before or this one.

    Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    content = page.encode("utf-8")
    file = folder / NAME
    handle, draft = tempfile.mkstemp(dir=folder, prefix=f".{NAME}.", suffix=".new")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        # A page is read by whoever may read what is published beside it, not only by who wrote it.
        Path(draft).chmod(0o644)
        Path(draft).replace(file)
    except BaseException:
        with suppress(OSError):
            Path(draft).unlink()
        raise
    return file, len(content)
