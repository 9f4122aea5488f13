"""What git says of its objects, read: the answers of `ls-tree` and `cat-file --batch`."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

# A hook or a script that calls Loom says by these where *its* repository is.
_NOT_INHERITED = frozenset(
    {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE"}
    | {"GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH"}
)

LIST_FILES = ("ls-tree", "-r", "-l", "-z", "--full-tree")
"""What to ask git for `listed`, followed by a commit or a tree."""

READ_BLOBS = ("cat-file", "--batch")
"""What to ask git for `read`, with `asked_for` on its standard input."""


class Listed(NamedTuple):
    """A file: its path in the tree, its mode, and git's name for its content, of so many bytes."""

    path: str
    mode: str
    blob: str
    size: int


class LostObject(Exception):
    """Git doesn't have what it was asked for. blob: which. said: git's words."""

    def __init__(self, blob: str, said: str) -> None:
        self.blob, self.said = blob, said
        super().__init__(f"{blob}: {said}")


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """What git gets of `env`: it finds the repository that it is asked of, and says the same everywhere."""
    own = {name: value for name, value in env.items() if name not in _NOT_INHERITED}
    return own | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}


def listed(answer: bytes) -> Iterator[Listed]:
    """The files that `LIST_FILES` is answered with."""
    for row in answer.split(b"\0")[:-1]:
        about, _, path = row.partition(b"\t")
        mode, kind, blob, size = about.decode("ascii").split()
        if kind == "blob":
            yield Listed(os.fsdecode(path), mode, blob, int(size))


def asked_for(blobs: Sequence[str]) -> bytes:
    return "".join(f"{blob}\n" for blob in blobs).encode()


def read(blobs: Sequence[str], answer: bytes) -> Iterator[bytes]:
    """What is in these blobs, in their order. Raises LostObject."""
    at = 0
    for blob in blobs:
        head, _, _ = answer[at : at + 200].partition(b"\n")
        words = head.split()
        if len(words) != 3:
            raise LostObject(blob, head.decode(errors="replace"))
        begin = at + len(head) + 1
        at = begin + int(words[2]) + 1
        yield answer[begin : at - 1]
