"""What tests ask of a worker's output."""

from collections.abc import Sequence

from loom.worker import Finding, WorkerOutput


def only(output: WorkerOutput) -> Finding:
    assert len(output.findings) == 1, output.findings
    return output.findings[0]


def counted(output: WorkerOutput, kinds: Sequence[str]) -> dict[str, int]:
    """How many findings the metrics count of each of these kinds, where there are any."""
    return {kind: int(output.metrics[kind]) for kind in kinds if output.metrics[kind]}
