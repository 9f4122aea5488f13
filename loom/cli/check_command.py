"""`loom check`: would the next tick work?"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loom.cli.options import json_option, project_option, settings_for
from loom.cli.streams import answer_alone
from loom.errors import ExitCode

if TYPE_CHECKING:
    from loom.domain.registry import Registry
    from loom.ports import AlertHook


@click.command(name="check")
@click.option(
    "--send-test-alert", is_flag=True, help="Also send a test alert through every hook, and say which failed."
)
@json_option
@project_option
def command(send_test_alert: bool, as_json: bool, project: Path | None) -> int:
    """Look at everything the next tick needs, and run nothing.

    Registry, enforcement, entrypoints and output models, settings, required secrets (named, never shown),
    the ledger, the alert hooks. Exit code 3 if something would keep a tick from working, 4 if a test alert
    could not be delivered, else 0.

    \b
    loom check
    loom check --send-test-alert
    """
    from loom.check import check
    from loom.clock import SystemClock
    from loom.domain.board import Answer
    from loom.settings import repository_is_public, take_secrets
    from loom.wiring.parts import (
        guard_of,
        hooks_in_need,
        open_ledger,
        read_enforcement,
        read_registry,
        state_branch,
    )

    settings = settings_for(project)

    def load_registry() -> "Registry":
        registry = read_registry(settings)
        take_secrets(os.environ, registry.declared_env)  # workers' modules are imported
        return registry

    # Modules are imported, and may print.
    stream = answer_alone()
    answers = list(
        check(
            project=settings.project,
            env=settings.env,
            forgetful=lambda registry: settings.in_actions and not state_branch(settings, registry),
            load_registry=load_registry,
            load_enforcement=lambda: read_enforcement(settings),
            guard=guard_of(settings),
            open_ledger=lambda registry: open_ledger(settings, registry, SystemClock()),
            hooks=lambda _: hooks_in_need(settings),
            state_branch=lambda registry: state_branch(settings, registry),
            public=repository_is_public(settings.env),
            now=SystemClock().now(),
        )
    )
    code = ExitCode.OK if all(answer.ok for answer in answers) else ExitCode.BROKEN
    if send_test_alert:
        asked, failures = _send_test_alert(settings.run_url, hooks_in_need(settings))
        answers += [Answer(level="error", what="test alert", detail=failure) for failure in failures]
        if failures and code is ExitCode.OK:
            code = ExitCode.UNDELIVERED
        if not failures:
            answers.append(Answer(level="ok", what="test alert", detail=f"delivered by {', '.join(asked)}"))
    if as_json:
        from loom.report import as_json as json_report

        stream.write(json_report.dump({"answers": json_report.answers(answers), "exit_code": int(code)}))
    else:
        from loom.report.terminal import console_for, show_answers

        show_answers(console_for(stream), answers)
    return code


def _send_test_alert(run_url: str | None, hooks: "tuple[AlertHook, ...]") -> tuple[list[str], list[str]]:
    """The hooks that were asked, each for an event that it takes, and what went wrong."""
    from loom.alerts.direct import cry
    from loom.clock import SystemClock
    from loom.domain.alert import Alert, Event
    from loom.values import replace

    alert = Alert(
        event=Event.WORKER_FAILING,
        summary="this is a test alert from loom check: nothing is wrong, and somebody hears Loom",
        at=SystemClock().now(),
        run_url=run_url,
    )
    asked: list[str] = []
    failures: list[str] = []
    for hook in hooks:
        event = next((event for event in Event if hook.wants(event)), None)
        if event is not None:
            asked.append(hook.name)
            failures += cry(replace(alert, event=event), [hook])
    return asked, failures if asked else ["no alert hook takes any alert: nobody would hear of anything"]
