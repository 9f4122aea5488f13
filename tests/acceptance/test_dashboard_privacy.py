"""Every text that people or foreign code wrote, each with a mail address and a secret of its own: none of it
leaves with the page."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from loom.domain.alert import Alert, Delivery, DeliveryState, Episode, Event
from loom.domain.pause import Pause
from loom.domain.record import Entry
from loom.domain.run import OpenReason, Outcome, Run, RunError, Trigger
from loom.domain.slot import Slot, Ticket, TicketState
from loom.domain.tick import Mark, Tick
from loom.ids import new_id
from loom.ledger.sqlite import SqliteLedger
from tests.ground.command import Command
from tests.ground.project import Project

NOW = datetime(2026, 11, 20, 12, 10, tzinfo=UTC)
AT = NOW - timedelta(minutes=10)


@dataclass
class Texts:
    """A text for each place, which tells where it comes from."""

    places: list[str]

    def __call__(self, place: str) -> str:
        if place not in self.places:
            self.places.append(place)
        return f"{self.mail(place)} {self.secret(place)}"

    @staticmethod
    def mail(place: str) -> str:
        return f"{place}.mail@customer.example"

    @staticmethod
    def secret(place: str) -> str:
        return f"battery-staple-of-{place}"


SHOWN = {
    *("description", "agent", "pause-by", "pause-reason", "skip-reason", "ticket-detail"),
    *("alert-summary", "hook-error", "episode-summary", "trouble-summary", "error-message", "error-where"),
    *("summary", "title", "detail", "subject", "url", "action", "metric", "metric-above"),
}
"""What the page shows where personal data may leave."""
NEVER = {
    *("episode-kind", "alert-error", "log", "rejected", "value", "param", "host"),
    *("ended-by", "pause-over"),
}
"""What it shows nowhere."""


def entries(text: Texts) -> list[Entry]:
    tick = Tick(id=new_id(AT), at=AT, trigger="schedule", finished_at=AT, exit_code=1, host=text("host"))

    def run(worker: str, outcome: Outcome, **more: object) -> Run:
        plain = Run(
            run_id=new_id(AT),
            worker=worker,
            agent=text("agent"),
            slot=AT,
            trigger=Trigger.SCHEDULE,
            outcome=outcome,
            attempts=1,
            started_at=AT,
            finished_at=AT + timedelta(seconds=3),
            duration_s=3.0,
            tick_id=tick.id,
            tick_at=AT,
            log=text("log"),
            settings={"param": text("param")},
        )
        return replace(plain, **more)  # type: ignore[arg-type]

    error = RunError("ValueError", text("error-message"), text("error-where"))
    finding = {
        "severity": "warning",
        **{name: text(name) for name in ("title", "detail", "subject", "action")},
        "url": f"https://customer.example/?of={text('url')}",
    }
    output = {
        "summary": text("summary"),
        "findings": [finding],
        "metrics": {text("metric"): 2.5},
        text("metric-above"): 7,
        "else": {"deep": text("value")},
    }

    def alert(worker: str | None, event: Event, place: str) -> Alert:
        told = RunError("ValueError", text("alert-error"), None)
        return Alert(event=event, summary=text(place), at=AT, worker=worker, agent=text("agent"), error=told)

    def episode(subject: str, place: str, event: Event) -> Episode:
        last = alert(None if ":" in subject else subject, event, place)
        kind = text("episode-kind")
        return Episode(
            id=new_id(AT), subject=subject, opened_at=AT, announced=True, kind=kind, last_alert=last
        )

    down = episode("faller", "episode-summary", Event.WORKER_DOWN)
    skipped = run("skipper", Outcome.SKIPPED, reason=text("skip-reason"), started_at=None)
    refused = run("refused", Outcome.INVALID, rejected=text("rejected"), errors=(error,))
    held = Ticket(
        key=Slot("held", AT).key,
        worker="held",
        slot=AT,
        trigger=Trigger.SCHEDULE,
        state=TicketState.OPEN,
        reason=OpenReason.REQUIREMENT,
        detail=text("ticket-detail"),
    )
    before = AT - timedelta(days=2)
    return [
        tick,
        *(Mark(worker, AT) for worker in WORKERS),
        run("teller", Outcome.SUCCEEDED, output=output),
        skipped,
        run("faller", Outcome.FAILED, error=error),
        refused,
        held,
        down,
        episode("loom:clock", "trouble-summary", Event.CLOCK_BACKWARDS),
        Delivery(
            id=new_id(AT),
            alert=alert("faller", Event.WORKER_DOWN, "alert-summary"),
            hook="webhook",
            episode=down.id,
            state=DeliveryState.FAILED,
            tries=3,
            error=text("hook-error"),
            changed_at=AT,
        ),
        Pause(worker="teller", by=text("pause-by"), at=AT, reason=text("pause-reason")),
        Pause(
            worker="skipper",
            by=text("pause-over"),
            at=before,
            until=before + timedelta(hours=1),
            ended_by=text("ended-by"),
        ),
    ]


WORKERS = ("teller", "skipper", "faller", "refused", "held")


@pytest.fixture
def texts(project: Project) -> Texts:
    """Those of a project whose registry and ledger are full of them."""
    text = Texts([])
    said = entries(text)
    plain = {
        "agent": text("agent"),
        "description": text("description"),
        "schedule": "0 6 * * *",
        "entrypoint": "workers.echo:run",
        "requires": {"env": [f"WORD_{number}" for number in range(len(text.places) + 1)]},
    }
    project.entries("\n".join(f"{worker}: {json.dumps(plain)}" for worker in WORKERS))
    ledger = SqliteLedger(project.ledger)
    ledger.record(said)
    ledger.close()
    return text


def page_of(loom: Command, project: Project, texts: Texts, *, secret: bool) -> str:
    words = {f"WORD_{number}": texts.secret(place) for number, place in enumerate(texts.places)}
    options = ("--out", "site", "--at", NOW.isoformat(), "--days", "30")
    result = loom("dashboard", *options, cwd=project.root, env=words if secret else {})
    assert result.exit_code == 0, result
    return (project.root / "site" / "index.html").read_text(encoding="utf-8")


def test_no_text_of_a_person_or_a_worker_takes_a_mail_address_or_a_secret_along(
    loom: Command, project: Project, texts: Texts
) -> None:
    assert set(texts.places) == SHOWN | NEVER
    page = page_of(loom, project, texts, secret=True)
    assert [place for place in texts.places if texts.mail(place) in page] == []
    assert [place for place in texts.places if texts.secret(place) in page] == []


def test_the_same_texts_stand_on_the_page_where_they_may(
    loom: Command, project: Project, texts: Texts
) -> None:
    registry = project.root / "worker-registry.yaml"
    registry.write_text("state: {outputs: full}\n" + registry.read_text(encoding="utf-8"), encoding="utf-8")
    page = page_of(loom, project, texts, secret=False)
    assert {place for place in texts.places if texts.mail(place) in page} == SHOWN
    assert {place for place in texts.places if texts.secret(place) in page} == SHOWN
