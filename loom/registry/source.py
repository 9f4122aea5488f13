"""A file on disk -> its text, or the reason why it has none."""

import codecs
import stat
from pathlib import Path

from loom.registry.mistakes import Fault, Mistakes, mistake


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, with or without a byte order mark. Raises Mistakes."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise mistake("this is a folder; expected a file in YAML")
        if not stat.S_ISREG(mode):
            raise mistake("isn't a plain file; expected a file in YAML")
        # Here, because the codec that takes the mark away is one more module to load.
        content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    except FileNotFoundError:
        raise mistake(f"{_absence(path)}; restore it, e.g. git checkout -- {path.name}") from None
    except OSError as error:
        raise mistake(f"can't be read: {error.strerror or error}; check the file's permissions") from None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise mistake("the file is in UTF-16; save it as UTF-8")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"the byte 0x{content[error.start]:02x} isn't UTF-8; save the file as UTF-8"
        raise Mistakes([Fault(found, (), line)]) from None


def _absence(path: Path) -> str:
    return f"is a link to {path.readlink()}, which is not there" if path.is_symlink() else "is not there"
