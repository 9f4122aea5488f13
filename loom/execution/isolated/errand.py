"""Errand: a run as it is told to its own process. It goes that way only: nothing that comes is unpickled."""

import copyreg
import io
import pickle
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from loom.domain.enforcement import EnforcementContext
from loom.domain.worker import Worker
from loom.execution.assignment import Assignment
from loom.values import dataclass, fields

if TYPE_CHECKING:
    from loom.domain.record import RunReader
    from loom.ports import Guard


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """An Assignment but for its guard and its listener, which every process has its own of.

    started: when the run began, in the machine's monotonic seconds. output_limit: bytes of JSON.
    """

    key: str
    worker: Worker
    slot: datetime | None
    slot_key: str
    now: datetime
    project: Path
    previous: Mapping[str, Any] | None
    runs: "RunReader"
    enforcement: EnforcementContext
    secrets: Mapping[str, str]
    params: Mapping[str, str]
    preview: bool
    started: float
    output_limit: int

    def assignment(self, guard: "Guard", say: Callable[[str], None]) -> Assignment:
        shared = {name: getattr(self, name) for name in _SHARED}
        return Assignment(**shared, guard=guard, say=say)


_SHARED = tuple(field.name for field in fields(Errand) if field.name not in ("started", "output_limit"))


def packed(assignment: Assignment, *, started: float, output_limit: int) -> bytes:
    """The assignment as an errand's bytes, behind 8 bytes of their length."""
    shared = {name: getattr(assignment, name) for name in _SHARED}
    data = pickled(Errand(**shared, started=started, output_limit=output_limit))
    return len(data).to_bytes(8) + data


def pickled(value: object) -> bytes:
    """Also with frozen mappings in it, which have no pickled form of their own."""
    stream = io.BytesIO()
    _Pickler(stream).dump(value)
    return stream.getvalue()


def unpacked(data: bytes) -> Errand:
    errand = pickle.loads(data)  # noqa: S301  (Loom itself wrote it)
    if not isinstance(errand, Errand):
        raise TypeError(f"expected an errand, got a {type(errand).__name__}")
    return errand


class _Pickler(pickle.Pickler):
    dispatch_table = copyreg.dispatch_table | {MappingProxyType: lambda mapping: (_frozen, (dict(mapping),))}


def _frozen(mapping: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(mapping)
