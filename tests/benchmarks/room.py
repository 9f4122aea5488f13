"""What a benchmark is given."""

from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.peers import Peers


@dataclass(frozen=True, slots=True)
class Room:
    """folder: its own, there and empty. peers: the environments of others. rounds: how often each contender
    is measured, after once to warm up."""

    folder: Path
    peers: Peers
    rounds: int
