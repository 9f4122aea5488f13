"""Reads the lists of what is planted in the sample company, and holds findings against them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from loom.worker import WorkerOutput
from tests.workers.outputs import counted

FOLDER = Path(__file__).parent / "planted"


@dataclass(frozen=True, slots=True)
class Fault:
    """title: a part of the finding's. severity: None where the list doesn't say. drafted: whether the worker
    drafts what is missing."""

    kind: str
    subject: str
    title: str
    why: str
    severity: str | None = None
    drafted: bool = False

    def is_told_by(self, finding: Mapping[str, Any]) -> bool:
        return (
            finding["subject"] == self.subject
            and self.title in finding["title"]
            and self.severity in (None, finding["severity"])
        )


@dataclass(frozen=True, slots=True)
class Planted:
    """settings: the worker's in the sample's registry, with the services at their address."""

    worker: str
    settings: Mapping[str, Any]
    faults: tuple[Fault, ...]


def lists() -> tuple[str, ...]:
    """The ids of the workers that have a list."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.yaml")))


def planted(worker: str, *, base: str = "") -> Planted:
    """base: the services' address, such as http://127.0.0.1:8788, for a worker that asks them."""
    text = (FOLDER / f"{worker}.yaml").read_text(encoding="utf-8").replace("${BASE}", base)
    said = yaml.safe_load(text)
    return Planted(
        worker,
        said.get("settings") or {},
        tuple(Fault(**each) for each in said["planted"]),
    )


def differences(expected: Planted, findings: Iterable[Mapping[str, Any]]) -> list[str]:
    """What was planted and not found, and what was found and not planted; each fault is found once."""
    missed = list(expected.faults)
    strays: list[str] = []
    for finding in findings:
        told = next((fault for fault in missed if fault.is_told_by(finding)), None)
        if told is None:
            strays.append(f"{expected.worker}: not planted: {finding}")
        else:
            missed.remove(told)
    return [*(f"{expected.worker}: not found: {fault}" for fault in missed), *strays]


def assert_found(output: WorkerOutput, expected: Planted, kinds: Sequence[str]) -> None:
    """All that was planted and nothing else, and counted so. kinds: those that the worker's metrics count."""
    assert differences(expected, [finding.model_dump() for finding in output.findings]) == []
    assert counted(output, kinds) == Counter(fault.kind for fault in expected.faults)
