"""What stands where the ledger belongs: nothing, a file, or something that can't be one."""

from pathlib import Path

from loom.errors import LedgerError


def is_taken(path: Path) -> bool:
    """Whether anything is left of a ledger at `path`: a link that leads nowhere, or a log without its file,
    tells that there was one."""
    return path.exists() or _link_to_nothing(path) is not None or Path(f"{path}-wal").exists()


def refuse_a_link_to_nothing(path: Path) -> None:
    """Raises LedgerError: a ledger on a disk that isn't there right now is not one that was never made."""
    link = _link_to_nothing(path)
    if link is not None:
        what = f"the ledger {path}" if link == path else f"the folder {link} of the ledger"
        raise LedgerError(
            f"{what} is a link to {link.readlink()}, which isn't there. Bring that back "
            "(is its disk mounted?), or take the link away to begin a new ledger"
        )


def _link_to_nothing(path: Path) -> Path | None:
    """The file itself, or a folder that it is in."""
    return next((each for each in (path, *path.parents) if each.is_symlink() and not each.exists()), None)


def refuse_what_is_no_file(path: Path) -> None:
    """Raises LedgerError for a pipe, a socket or a device, which say of themselves that they are empty."""
    if not path.is_file():
        raise LedgerError(
            f"the ledger {path} is no file but a pipe, a socket or a device; take it away, or name a file, "
            "as in `state: {ledger: .loom/ledger.db}`"
        )
