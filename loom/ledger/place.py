"""What stands where the ledger belongs: nothing, a file, or something that can't be one."""

from pathlib import Path

from loom.errors import LedgerError


def is_taken(path: Path) -> bool:
    """Whether anything is left of a ledger at `path`: a link that leads nowhere, or a log without its file,
    tells that there was one."""
    return path.exists() or path.is_symlink() or Path(f"{path}-wal").exists()


def refuse_a_link_to_nothing(path: Path) -> None:
    """Raises LedgerError: a ledger on a disk that isn't there right now is not one that was never made."""
    if path.is_symlink() and not path.exists():
        raise LedgerError(
            f"the ledger {path} is a link to {path.readlink()}, which isn't there. Bring that file back "
            "(is its disk mounted?), or take the link away to begin a new ledger"
        )


def refuse_what_is_no_file(path: Path) -> None:
    """Raises LedgerError for a pipe, a socket or a device, which say of themselves that they are empty."""
    if not path.is_file():
        raise LedgerError(
            f"the ledger {path} is no file but a pipe, a socket or a device; take it away, or name a file, "
            "as in `state: {ledger: .loom/ledger.db}`"
        )
