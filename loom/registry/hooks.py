"""``alerts:``: the kinds of hook and the options of each."""

from collections.abc import Mapping as MappingOf
from datetime import timedelta
from enum import StrEnum
from functools import cache
from posixpath import normpath
from types import MappingProxyType
from typing import Any, Final

from loom.domain.alert import Event
from loom.domain.registry import HookSettings, StateSettings
from loom.registry.containers import Key, ListOf, Record
from loom.registry.mistakes import Fault, Mistakes, mistake
from loom.registry.nodes import Mapping, Node
from loom.registry.shapes import Constant, Flag, Text, Word, expected
from loom.registry.terms import ENV_NAME, PROJECT_PATH, URL, Duration
from loom.values import dataclass, replace


def _one_address(values: MappingOf[str, Any], example: str = "LOOM_ALERT_WEBHOOK_URL") -> None:
    if ("url" in values) == ("url_env" in values):
        got = "both" if "url" in values else "neither"
        raise mistake(
            f"expected exactly one of 'url' and 'url_env', got {got}; "
            f"write url_env: {example} to keep the address out of the file"
        )


def _one_apprise_address(values: MappingOf[str, Any]) -> None:
    _one_address(values, "LOOM_ALERT_APPRISE_URL")


_GOES_BY: Final = "is a file that Loom goes by; alerts would be appended to it; name one of their own"


def _not_looms_own(values: MappingOf[str, Any]) -> None:
    path = normpath(values["path"])
    if path == "worker-registry.yaml" or path.startswith("enforcement/"):
        raise mistake(f"at key 'path': {values['path']!r} {_GOES_BY}")


def beside_the_ledger(values: MappingOf[str, Any]) -> None:
    """Raises Mistakes for a file hook of the whole registry that would append to the ledger."""
    ledger = normpath(values.get("state", {}).get("ledger", StateSettings().ledger))
    taken = {f"{ledger}{end}" for end in ("", "-wal", "-shm")}
    faults = [
        Fault(f"{hook.options['path']!r} {_GOES_BY}", ("key 'alerts'", f"item {number}", "key 'path'"))
        for number, hook in enumerate(values.get("alerts", ()), start=1)
        if hook.kind == "file" and normpath(str(hook.options["path"])) in taken
    ]
    if faults:
        raise Mistakes(faults)


def _kind(name: str, keys: MappingOf[str, Key]) -> Record:
    always = {
        "kind": Key(Constant(name, f"'{name}'"), f"A hook of kind {name}.", required=True, example=name),
        "events": Key(ListOf(Word(Event), least=1), "Only these events; every event without it."),
    }
    return Record(f"a {name} hook", always | dict(keys), name=f"alert_{name}")


_TOKEN: Final = "GITHUB_TOKEN"  # noqa: S105  (a variable's name)
_TIMEOUT: Final = Duration(most=timedelta(days=1))


@cache
def kinds() -> MappingOf[str, Record]:
    """By their names. Made only for a file that has hooks."""
    return {
        "stderr": _kind("stderr", {}),
        "webhook": replace(
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
                        _TIMEOUT,
                        "The longest a delivery may take, its tries and waits included.",
                        default="10s",
                    ),
                    "optional": Key(
                        Flag(),
                        "Whether the hook simply isn't there when its url_env isn't set.",
                        default=False,
                    ),
                },
            ),
            check=_one_address,
            also={"oneOf": [{"required": ["url"]}, {"required": ["url_env"]}]},
        ),
        "command": _kind(
            "command",
            {
                "command": Key(
                    ListOf(Text(), least=1, words=True),
                    "The program and its arguments, one item each; it gets the payload as JSON on stdin.",
                    required=True,
                    example="[notify-send, Loom]",
                ),
                "timeout": Key(_TIMEOUT, "The longest it may take.", default="30s"),
            },
        ),
        "file": replace(
            _kind(
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
            check=_not_looms_own,
        ),
        "github-issue": _kind(
            "github-issue",
            {
                "repository": Key(
                    Text("a repository such as acme/robots", r"[0-9A-Za-z_.-]+/[0-9A-Za-z_.-]+"),
                    "The repository whose issues are written; GITHUB_REPOSITORY without it.",
                    example="acme/robots",
                ),
                "token_env": Key(
                    ENV_NAME,
                    "The environment variable that holds the token; it needs to write issues.",
                    default=_TOKEN,
                ),
                "api_url": Key(
                    URL, "GitHub's REST API; GITHUB_API_URL, else https://api.github.com, without it."
                ),
                "labels": Key(
                    ListOf(Text("a label of at most 50 characters", r".{1,50}")),
                    "Labels beside 'loom', which every issue carries.",
                ),
                "timeout": Key(
                    _TIMEOUT,
                    "The longest a delivery may take, its requests, tries and waits included.",
                    default="20s",
                ),
                "optional": Key(
                    Flag(),
                    "Whether the hook simply isn't there when the token or the repository isn't known.",
                    default=False,
                ),
            },
        ),
        "apprise": replace(
            _kind(
                "apprise",
                {
                    "url": Key(
                        Text("one or more Apprise URLs"),
                        "One or more Apprise URLs, with white space, ',' or ';' between. Use url_env for "
                        "what is secret.",
                    ),
                    "url_env": Key(ENV_NAME, "The environment variable that holds them."),
                    "timeout": Key(_TIMEOUT, "The longest a delivery to one URL may take.", default="20s"),
                    "optional": Key(
                        Flag(),
                        "Whether the hook simply isn't there when its url_env isn't set.",
                        default=False,
                    ),
                },
            ),
            check=_one_apprise_address,
            also={"oneOf": [{"required": ["url"]}, {"required": ["url_env"]}]},
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
            raise mistake(f"key 'kind' is missing; add it: {', '.join(kinds())}")
        try:
            record = kinds()[Word(kinds()).read(entry.value)]
        except Mistakes as found:
            raise Mistakes(fault.under("key 'kind'", entry.line) for fault in found.faults) from None
        options = record.read(node)
        if options["kind"] == "github-issue":
            # Named here even when the file doesn't, so that it leaves the environment like every secret.
            options.setdefault("token_env", _TOKEN)
        return HookSettings(options.pop("kind"), MappingProxyType({k: _plain(v) for k, v in options.items()}))

    def schema(self) -> dict[str, Any]:
        return {"oneOf": [record.schema() for record in kinds().values()]}


def _plain(value: object) -> object:
    """As the ledger keeps it, in JSON: durations in seconds."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, StrEnum) else value
