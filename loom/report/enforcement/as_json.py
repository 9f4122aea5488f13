"""The JSON contracts of `loom enforcement explain`, `show` and `diff`. Keys are only ever added."""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from loom.domain.enforcement import EnforcementContext
from loom.domain.explanation import Explanation
from loom.domain.revision import FileChange, Revision, RulesFile
from loom.domain.rules import Rule
from loom.report.enforcement.terminal import unified
from loom.report.enforcement.words import sentences


def explanation(each: Explanation) -> dict[str, Any]:
    return {
        "worker": each.worker,
        "agent": each.agent,
        "act": each.act,
        "allowed": each.ruling.allowed,
        "rule": each.ruling.rule,
        "why": each.ruling.why,
        "rules": [
            {
                "id": opinion.rule,
                "kind": opinion.kind,
                "applies_to": opinion.applies_to,
                "applies": opinion.applies,
                "decides": opinion.decides,
                "says": opinion.says.value,
                "because": opinion.because,
            }
            for opinion in each.opinions
        ],
        "notes": each.notes,
        "remedy": each.remedy or None,
    }


def context(each: EnforcementContext, limits: Mapping[str, tuple[str, int]]) -> dict[str, Any]:
    return {
        "digest": each.digest,
        "rules": [rule(one) | {"sha256": each.sha256.get(f"rules/{one.id}.yaml")} for one in each.rules],
        "guidance": [
            {
                "id": text.id,
                "applies_to": text.applies_to,
                "text": text.text,
                "sha256": each.sha256.get(f"guidance/{text.id}.md"),
            }
            for text in each.guidance
        ],
        "limits": {name: {"rule": id_, "most": most} for name, (id_, most) in limits.items()},
    }


def rule(each: Rule) -> dict[str, Any]:
    return {
        "id": each.id,
        "kind": each.kind,
        "applies_to": each.applies_to,
        "why": each.why,
        "says": sentences(each),
    }


def revision(each: Revision | None, zone: ZoneInfo) -> dict[str, Any] | None:
    if each is None:
        return None
    return {"commit": each.commit, "at": each.at.astimezone(zone).isoformat(), "subject": each.subject}


def changes(each: Sequence[FileChange]) -> list[dict[str, Any]]:
    return [
        {
            "file": change.file,
            "change": change.verb,
            "before": _of_file(change.before),
            "now": _of_file(change.now),
            "diff": "".join(f"{line}\n" for line in unified(change)),
        }
        for change in each
    ]


def _of_file(file: RulesFile | None) -> dict[str, Any] | None:
    return None if file is None or file.rule is None else rule(file.rule)
