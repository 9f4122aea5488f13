"""``alerts:``: the kinds of hook and the options of each."""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from loom.domain.alert import Event
from loom.domain.registry import HookSettings
from loom.registry.containers import Key, ListOf, Record
from loom.registry.mistakes import Mistakes, mistake
from loom.registry.nodes import Mapping, Node
from loom.registry.shapes import Constant, Flag, Text, Word, expected
from loom.registry.terms import ENV_NAME, PROJECT_PATH, URL, Duration


class HookKind(StrEnum):
    STDERR = "stderr"
    WEBHOOK = "webhook"
    COMMAND = "command"
    FILE = "file"


def _one_address(values: MappingOf[str, Any]) -> None:
    if ("url" in values) == ("url_env" in values):
        got = "both" if "url" in values else "neither"
        raise mistake(
            f"expected exactly one of 'url' and 'url_env', got {got}; "
            "write url_env: LOOM_ALERT_WEBHOOK_URL to keep the address out of the file"
        )


def _kind(name: str, keys: MappingOf[str, Key]) -> Record:
    always = {
        "kind": Key(Constant(name, f"'{name}'"), f"A hook of kind {name}.", required=True, example=name),
        "events": Key(ListOf(Word(Event), least=1), "Only these events; every event without it."),
    }
    return Record(f"a {name} hook", always | dict(keys), name=f"alert_{name}")


_TIMEOUT: Final = Duration(most=timedelta(days=1))

KINDS: Final[MappingOf[str, Record]] = {
    HookKind.STDERR: _kind("stderr", {}),
    HookKind.WEBHOOK: replace(
        _kind(
            "webhook",
            {
                "url": Key(
                    URL, "Where the payload is posted as JSON. Use url_env for an address that is secret."
                ),
                "url_env": Key(ENV_NAME, "The environment variable that holds the address."),
                "secret_env": Key(
                    ENV_NAME, "The environment variable that holds the key of the HMAC-SHA256 signature."
                ),
                "timeout": Key(
                    _TIMEOUT, "The longest a delivery may take, its tries and waits included.", default="10s"
                ),
                "optional": Key(
                    Flag(), "Whether the hook simply isn't there when its url_env isn't set.", default=False
                ),
            },
        ),
        check=_one_address,
        also={"oneOf": [{"required": ["url"]}, {"required": ["url_env"]}]},
    ),
    HookKind.COMMAND: _kind(
        "command",
        {
            "command": Key(
                ListOf(Text(), least=1),
                "The program and its arguments, one item each; it gets the payload as JSON on stdin.",
                required=True,
                example="[notify-send, Loom]",
            ),
            "timeout": Key(_TIMEOUT, "The longest it may take.", default="30s"),
        },
    ),
    HookKind.FILE: _kind(
        "file",
        {
            "path": Key(
                PROJECT_PATH,
                "The file each payload is appended to, as a line of JSON, from the project's root.",
                required=True,
                example=".loom/alerts.jsonl",
            )
        },
    ),
}


@dataclass(frozen=True, slots=True)
class Hook:
    """One entry of ``alerts:``; its `kind` says which other keys it may have."""

    def read(self, node: Node) -> HookSettings:
        if not isinstance(node, Mapping):
            raise expected("a mapping with the key 'kind'", node, "write {kind: stderr}")
        entry = next((entry for entry in node.entries if entry.key == "kind"), None)
        if entry is None:
            raise mistake(f"key 'kind' is missing; add it: {', '.join(KINDS)}")
        try:
            record = KINDS[Word(HookKind).read(entry.value)]
        except Mistakes as found:
            raise Mistakes(fault.under("key 'kind'", entry.line) for fault in found.faults) from None
        options = record.read(node)
        return HookSettings(options.pop("kind"), MappingProxyType({k: _plain(v) for k, v in options.items()}))

    def schema(self) -> dict[str, Any]:
        return {"oneOf": [record.schema() for record in KINDS.values()]}


def _plain(value: object) -> object:
    """As the ledger keeps it, in JSON: durations in seconds."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, StrEnum) else value
