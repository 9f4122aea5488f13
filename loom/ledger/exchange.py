"""What goes between a working copy and its state branch: catching up, pushing, compacting.

Every method runs within a write transaction on the copy that the caller opens and ends, so that copy and
branch move together or not at all.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from sqlite3 import connect

from loom.clock import Clock
from loom.errors import LedgerError
from loom.ledger import working_copy as copy
from loom.ledger.folding import compacted, fold
from loom.ledger.following import blob_id, follow
from loom.ledger.git import RemoteBranch, Stored
from loom.ledger.layout import DAMAGED, day_file, older
from loom.ledger.lines import Form, Redact, latest, outward, to_text
from loom.ledger.wording import about, about_compaction
from loom.values import dataclass

Batch = tuple[str, Sequence[Form]]
"""Its id, and what its lines say."""


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """batches: the ids of those read anew. lost: keys of tickets that others took over; what was recorded of
    them here is gone."""

    batches: frozenset[str] = frozenset()
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opening:
    """How the copy stands before something is written to it that is to be pushed. seed: the files that a
    branch begins with which isn't there, while the copy holds more than is waiting to be pushed."""

    held: copy.Position
    seed: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Compaction:
    """files, size: how many files of entries the branch has, and their bytes."""

    files_before: int
    files: int
    size_before: int
    size: int


class Exchange:
    """Between the ledger `db`, in the file `path`, and `branch`. redact: as `BranchLedger` says.

    Every method raises GitFailed and LedgerError."""

    def __init__(
        self, db: sqlite3.Connection, path: Path, branch: RemoteBranch, clock: Clock, redact: Redact | None
    ) -> None:
        self._db = db
        self._path = path
        self._branch = branch
        self._clock = clock
        self._redact = redact

    def position(self) -> copy.Position:
        return copy.position(self._db, self._branch.branch, self._branch.remote)

    def catch_up(self) -> CaughtUp:
        """Fetch the branch and take in what is new; what waits to be pushed goes on top of it."""
        held = self.position()
        tip = self._branch.fetch()
        done = CaughtUp()
        if tip is None:
            # Never there, or removed: what lies here goes to it with the next push.
            own = held.related and held.tip is None and held.seeded
            held = copy.Position(related=True, tip=None, files={}, seeded=own)
        elif not held.related or tip != held.tip:
            held, done = self._take_in(held, tip)
        self._advance(held)
        return done

    def opening(self) -> Opening:
        held = self.position()
        if held.seeded or copy.is_empty(self._db):
            return Opening(held, {})
        return Opening(held, fold(self._db, until=self._clock.now(), redact=self._redact))

    def push(self, opening: Opening, batches: Sequence[Batch]) -> None:
        """Push `batches`, behind all that waits to be pushed, in one commit. Raises Overtaken."""
        held = opening.held
        waiting, unpushed = copy.unpushed(self._db)
        changes: dict[str, bytes] = dict(opening.seed)
        if waiting is not None and not opening.seed:
            batches = [(waiting, latest(unpushed)), *batches]
        said = [(batch, [outward(form, self._redact) for form in forms]) for batch, forms in batches]
        if text := b"".join(to_text(batch, forms) for batch, forms in said):
            path = day_file(self._clock.now(), [*held.files, *changes])
            changes[path] = self._content(held.files.get(path)) + text
        commit = self._branch.commit(
            changes, parent=held.tip, message=about(forms for _, forms in said), at=self._clock.now()
        )
        self._branch.push(commit)
        copy.all_pushed(self._db)
        files = {**held.files, **_stored(changes, commit)}
        self._advance(copy.Position(related=True, tip=commit, files=files, seeded=True))

    def compact(self, *, before: datetime, forget_before: datetime) -> Compaction:
        """As `BranchLedger.compact`, once. Raises Overtaken."""
        held = self.position()
        if held.tip is None:
            raise LedgerError(f"there is no branch {self._branch.branch!r} on {self._branch.remote} yet")
        everything = self._branch.files(held.tip)
        folding = older(held.files, before)
        blobs = [held.files[path].blob for path in folding]
        texts = dict(zip(folding, self._branch.contents(blobs), strict=True))
        months, damaged = compacted(
            texts, until=before, forget_before=forget_before, folder=self._path.parent
        )
        staying: dict[str, bytes | str | None] = {
            path: stored.blob for path, stored in everything.items() if path not in texts
        }
        if damaged:
            staying[DAMAGED] = self._content(everything.get(DAMAGED)) + damaged
        commit = self._branch.commit(
            {**staying, **months},
            parent=None,
            message=about_compaction(len(texts), len(months)),
            at=self._clock.now(),
        )
        self._branch.push(commit, instead_of=held.tip)
        copy.forget_damage(self._db, texts)
        files = {path: stored for path, stored in held.files.items() if path not in texts}
        files |= _stored(months, commit)
        self._advance(copy.Position(related=True, tip=commit, files=files, seeded=True))
        return Compaction(
            files_before=len(held.files),
            files=len(files),
            size_before=sum(stored.size for stored in held.files.values()),
            size=sum(stored.size for stored in files.values()),
        )

    def _take_in(self, held: copy.Position, tip: str) -> tuple[copy.Position, CaughtUp]:
        waiting, _ = copy.unpushed(self._db)
        followed = None
        lost: list[str] = []
        if held.related and held.tip is not None and waiting is None:
            followed = follow(self._db, self._branch, tip, held.files)
        if followed is None:
            if not (held.seeded or copy.is_empty(self._db)):
                self._put_aside()
            copy.empty(self._db)
            followed = follow(self._db, self._branch, tip, {})
            assert followed is not None  # noqa: S101  (nothing is known, so everything goes on from it)
            # A push whose answer never came may have gone through.
            copy.pushed(self._db, followed.batches)
            lost = copy.write_again(self._db)
        reached = copy.Position(related=True, tip=tip, files=followed.files, seeded=True)
        return reached, CaughtUp(followed.batches, tuple(lost))

    def _put_aside(self) -> None:
        """Keep a copy of a ledger that the branch has never heard of, before it becomes the branch's."""
        aside = self._path.with_name(f"{self._path.name}.before-{self._clock.real():%Y%m%dT%H%M%SZ}")
        with closing(connect(self._path)) as reader:
            reader.execute("VACUUM INTO ?", (str(aside),))
        aside.chmod(0o600)

    def _content(self, stored: Stored | None) -> bytes:
        if stored is None:
            return b""
        (content,) = self._branch.contents([stored.blob])
        # A line that was cut off must not swallow the next one.
        return content if content.endswith(b"\n") else content + b"\n"

    def _advance(self, reached: copy.Position) -> None:
        copy.advance(self._db, self._branch.branch, self._branch.remote, reached, self._clock.real())


def _stored(changes: Mapping[str, bytes], commit: str) -> dict[str, Stored]:
    return {path: Stored(blob_id(content, commit), len(content)) for path, content in changes.items()}
