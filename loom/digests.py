"""SHA-256 without OpenSSL, which takes 3 ms to load: longer than hashing every rule of a project does.

`hashlib` always loads it. The standard library's `random` takes its own digest in the same way.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import sha256
else:
    try:
        from _sha256 import sha256
    except ImportError:
        try:
            from _sha2 import sha256  # its name from Python 3.12 on
        except ImportError:
            from hashlib import sha256

__all__ = ["sha256"]
