"""Would the next tick work?"""

from loom.check.checking import check

__all__ = ["check"]
