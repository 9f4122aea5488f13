"""Files of the project that another file names, by a path from the project's folder."""

import re

from workers.sources.findings import plain
from workers.sources.folder import Folder

_PATH = re.compile(r"[^\n]{1,200}\.(?:md|markdown|txt|rst|pdf|docx?|odt|html?|png|jpe?g|webp|gif|svg)")
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)


def is_web_address(written: str) -> bool:
    return _ADDRESS.fullmatch(written) is not None


def why_unusable(folder: Folder, written: str | None) -> str:
    """Why the file that is named can't be used, as a sentence; empty when it can. Text that names no file,
    and an address, are fine."""
    if written is None or is_web_address(written) or not _PATH.fullmatch(written):
        return ""
    found = folder.find(written)
    if found is None or folder.is_folder(found.path):
        return f"There is no file {plain(written)}."
    if not found.exact:
        return f"The file is spelled {plain(found.path)}."
    return "" if (folder.root / found.path).stat().st_size else f"{plain(written)} is empty."
