"""``alerts:`` of the registry -> hooks. Each kind's module is loaded only if the registry names it."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TextIO

from loom.alerts.missing import MissingHook
from loom.domain.alert import EVERY_EVENT, Event
from loom.domain.registry import HookSettings
from loom.ports import AlertHook
from loom.values import replace

FALLBACK = (
    HookSettings("stderr", MappingProxyType({})),
    HookSettings("webhook", MappingProxyType({"url_env": "LOOM_ALERT_WEBHOOK_URL", "optional": True})),
)
"""The hooks for a day when neither the registry nor the ledger can say which there are."""


def build(
    settings: Sequence[HookSettings],
    *,
    env: Mapping[str, str],
    project: Path,
    stderr: TextIO,
    withheld: Collection[str] = (),
) -> tuple[AlertHook, ...]:
    """One hook per entry, in order, named after its kind: 'webhook', then 'webhook 2'. An apprise entry with
    several URLs becomes several hooks, so that one that fails doesn't make the others speak again.

    env: where whatever ends in '_env' is looked up; an empty value counts as not set, which is how GitHub
    passes a secret that isn't there. withheld: names a command hook must not see (the workers' secrets);
    it gets the rest of `env`. project: where commands run and what file paths start from.
    A hook that can't work here fails each delivery and says why; an optional one takes no new alerts.
    """
    seen: Counter[str] = Counter()
    hooks: list[AlertHook] = []
    for entry in (part for whole in settings for part in _parts(whole, env)):
        seen[entry.kind] += 1
        name = entry.kind if seen[entry.kind] == 1 else f"{entry.kind} {seen[entry.kind]}"
        events = frozenset(Event(event) for event in entry.options.get("events") or EVERY_EVENT)
        hooks.append(_hook(entry, name, events, env, project, stderr, withheld))
    return tuple(hooks)


def _hook(
    entry: HookSettings,
    name: str,
    events: frozenset[Event],
    env: Mapping[str, str],
    project: Path,
    stderr: TextIO,
    withheld: Collection[str],
) -> AlertHook:
    options = entry.options
    match entry.kind:
        case "stderr":
            from loom.alerts.stderr import StderrHook

            return StderrHook(stderr, name=name, events=events)
        case "file":
            from loom.alerts.file import FileHook

            return FileHook(project / options["path"], name=name, events=events)
        case "command":
            from loom.alerts.command import CommandHook

            seen = {key: value for key, value in env.items() if key not in withheld}
            timeout = _seconds(options, 30.0)
            return CommandHook(
                options["command"], cwd=project, env=seen, timeout=timeout, name=name, events=events
            )
        case "webhook":
            return _webhook(options, name, events, env)
        case "github-issue":
            return _github_issue(options, name, events, env)
        case "apprise":
            return _apprise(options, name, events)
    why = f"this Loom knows no hook of kind {entry.kind!r}; update Loom or change alerts:"
    return MissingHook(why, name=name, events=events)


def _webhook(
    options: Mapping[str, Any], name: str, events: frozenset[Event], env: Mapping[str, str]
) -> AlertHook:
    found = {key: env.get(options[key], "").strip() for key in ("url_env", "secret_env") if options.get(key)}
    unset = [options[key] for key, value in found.items() if not value]
    if unset:
        why = f"{' and '.join(unset)} {'is' if len(unset) == 1 else 'are'} not set; set it, or change alerts:"
        # Optional: there only where its address is. A signature that was asked for is never left out.
        absent = options.get("optional", False) and options.get("url_env") in unset
        return MissingHook(why, name=name, events=frozenset() if absent else events)
    from loom.alerts.webhook import WebhookHook

    hook = WebhookHook(
        found.get("url_env") or options["url"],
        secret=found.get("secret_env"),
        timeout=_seconds(options, 10.0),
        name=name,
        events=events,
    )
    if hook.mistake is None:
        return hook
    source = f"{options['url_env']}: " if options.get("url_env") else ""
    return MissingHook(f"{source}{hook.mistake}", name=name, events=events)


def _github_issue(
    options: Mapping[str, Any], name: str, events: frozenset[Event], env: Mapping[str, str]
) -> AlertHook:
    token_env = options.get("token_env", "GITHUB_TOKEN")
    token = env.get(token_env, "").strip()
    repository = options.get("repository") or env.get("GITHUB_REPOSITORY", "").strip()
    missing = []
    if not token:
        given = "${{ github.token }}"
        missing.append(f"{token_env} is not set; in a workflow, give the step env: {{{token_env}: {given}}}")
    if not repository:
        missing.append("no repository is known outside GitHub Actions; add repository: owner/name")
    if missing:
        absent = options.get("optional", False)
        return MissingHook("; ".join(missing), name=name, events=frozenset() if absent else events)
    from loom.alerts.github_issue import GithubIssueHook
    from loom.alerts.github_issue_repository import Repository

    api = options.get("api_url") or env.get("GITHUB_API_URL", "").strip() or "https://api.github.com"
    known = Repository(api=api, name=repository, token=token, token_env=token_env)
    if known.mistake is not None:
        return MissingHook(known.mistake, name=name, events=events)
    return GithubIssueHook(
        known,
        labels=options.get("labels", ()),
        timeout=_seconds(options, 20.0),
        name=name,
        events=events,
    )


def _parts(entry: HookSettings, env: Mapping[str, str]) -> Iterator[HookSettings]:
    """The entry itself, or for apprise one entry for each of its URLs."""
    if entry.kind != "apprise":
        yield entry
        return
    from loom.alerts.apprise_hook import separate

    urls = entry.options.get("url") or env.get(entry.options["url_env"], "")
    for url in separate(urls):
        yield replace(entry, options={**entry.options, "url": url})


def _apprise(options: Mapping[str, Any], name: str, events: frozenset[Event]) -> AlertHook:
    """options: with one URL as its 'url', empty if there is none."""
    if not options["url"]:
        why = f"{options['url_env']} is not set; set it, or change alerts:"
        absent = options.get("optional", False)
        return MissingHook(why, name=name, events=frozenset() if absent else events)
    from loom.alerts.apprise_hook import INSTALL, AppriseHook, installed

    if not installed():
        return MissingHook(INSTALL, name=name, events=events)
    return AppriseHook(options["url"], timeout=_seconds(options, 20.0), name=name, events=events)


def _seconds(options: Mapping[str, Any], default: float) -> float:
    return float(options.get("timeout", default))
