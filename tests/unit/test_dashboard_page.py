"""The page as text: whatever stands in it, it is one page, of a bounded size, that lets in nothing else."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loom.dashboard.calendar import days_until, offsets
from loom.domain.alert import Alert, Delivery, DeliveryState, Episode, Event
from loom.domain.board import Board, Figures, Row
from loom.domain.dashboard import BriefRun, Dashboard, DashboardWorker, DigestSpan, TickDay
from loom.domain.finding import Found
from loom.domain.health import Health
from loom.domain.run import Outcome, Trigger
from loom.domain.slot_outcome import SlotOutcome
from loom.domain.trigger import TriggerHealth, TriggerSpan
from loom.report.dashboard.embedding import embed
from loom.report.dashboard.page import render

NOW = datetime(2026, 11, 21, 12, 10, tzinfo=UTC)
ZONE = "America/Chicago"
HOSTILE = "</script><script>alert(1)</script><!--\u2028 \" ' & ]]> <img src=x onerror=alert(1)>"
_SPAN = TriggerSpan(
    hours=24, expected=24, received=24, lateness_median_s=1.0, lateness_p95_s=2.0, longest_gap_s=3600.0
)


def a_row(worker: str, **changes: Any) -> Row:
    plain = {"agent": "Echo", "schedule": "0 6 * * *", "status": "active", "health": Health.UP}
    return Row(**{"worker": worker, "next_slot": NOW + timedelta(hours=18), **plain, **changes})


def a_dashboard(*rows: Row, workers: tuple[DashboardWorker, ...] = (), **changes: Any) -> Dashboard:
    days = days_until(NOW, ZONE, 365)
    board = Board(
        at=NOW,
        zone=ZONE,
        rows=rows,
        last_tick=None,
        trigger=TriggerHealth(cron="0 * * * *", zone=ZONE, day=_SPAN, week=replace(_SPAN, hours=168)),
        figures=Figures(days=7, slots=10, on_time=9, runs=10, under_digest=10, bad=0, bad_delivered=0),
        undelivered=0,
    )
    plain: dict[str, Any] = {"trigger_lines": (), "lateness": (), "tick_days": ()}
    plain |= {"deliveries": (), "deliveries_left": 0, "episodes": (), "episodes_left": 0, "digests": ()}
    return Dashboard(
        project="operations",
        at=NOW,
        zone=ZONE,
        days=days,
        offsets=offsets(days, ZONE),
        board=board,
        workers=workers or tuple(a_worker(row.worker) for row in rows),
        **{**plain, **changes},
    )


def a_worker(worker: str, **changes: Any) -> DashboardWorker:
    plain: dict[str, Any] = {"days": ({"succeeded": 1},) * 365, "runs": (), "findings": (), "found_at": None}
    return DashboardWorker(**{"worker": worker, "zone": ZONE, **plain, **changes})


def a_brief_run(number: int, **changes: Any) -> BriefRun:
    at = NOW - timedelta(days=number)
    plain: dict[str, Any] = {
        **{"run_id": f"0193{number:028x}", "outcome": Outcome.SUCCEEDED, "final": True, "waits": None},
        **{"trigger": Trigger.SCHEDULE, "slot": at, "slot_last": None, "count": 1, "at": at},
        **{"started": True, "duration_s": 3.25, "said": "all well", "metrics": {}},
    }
    return BriefRun(**{**plain, **changes})


class Elements(HTMLParser):
    """Every element with its attributes, and the text directly inside it."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str], str]] = []
        self._inside = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}, ""))
        self._inside = True

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            tag, attributes, text = self.found[-1]
            self.found[-1] = (tag, attributes, text + data)

    def of(self, tag: str) -> Iterator[tuple[dict[str, str], str]]:
        return ((attributes, text) for name, attributes, text in self.found if name == tag)


def data_of(page: str) -> Any:
    """What the page's scripts read."""
    (text,) = (text for attributes, text in Elements(page).of("script") if "id" in attributes)
    return json.loads(text)


any_text = st.text(st.characters() | st.sampled_from("<>&'\"/!-\u2028\u2029\ud800\udfff@"))
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=8,
)


@given(any_json)
def test_embedded_json_says_the_same_with_no_character_that_html_or_a_script_reads(
    value: Any,
) -> None:
    embedded = embed(value)
    assert json.loads(embedded) == value
    assert re.search("[<>&\u2028\u2029]", embedded) is None
    embedded.encode("utf-8")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_json_cannot_say_is_refused_rather_than_written(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        embed(number)


def test_hostile_text_is_text_in_the_data_and_in_the_table_and_adds_no_element() -> None:
    def page(text: str) -> Elements:
        finding = Found(severity="critical", title=text, detail=text, subject=text, url=text, action=text)
        runs = (a_brief_run(1, said=text, metrics={text: 1.0}),)
        rows = (
            a_row(
                text,
                agent=text,
                description=text,
                said=text,
                health=Health.DOWN,
                last_outcome=Outcome.FAILED,
                consecutive_failures=1,
            ),
            a_row("other", skipped=text),
        )
        workers = (a_worker(text, runs=runs, findings=(finding,), found_at=NOW), a_worker("other"))
        dashboard = a_dashboard(*rows, workers=workers, trigger_lines=(text,), notes=(text,))
        return Elements(render(replace(dashboard, project=text), version=text))

    tame, hostile = page("tame"), page(HOSTILE)
    assert [tag for tag, _, _ in hostile.found] == [tag for tag, _, _ in tame.found]
    assert [set(attributes) for _, attributes, _ in hostile.found] == [
        set(attributes) for _, attributes, _ in tame.found
    ]
    cells = [text for _, text in hostile.of("td")]
    assert any("<script>alert(1)</script>" in cell for cell in cells)
    rows = [attributes for attributes, _ in hostile.of("tr") if "data-worker" in attributes]
    assert rows[0]["data-worker"].startswith("</script><script>")


def test_the_policy_names_the_hash_of_each_script_and_style_and_allows_nothing_else() -> None:
    page = render(a_dashboard(a_row("echo")), version="1.2.3")
    elements = Elements(page)
    (policy,) = (
        attributes["content"]
        for attributes, _ in elements.of("meta")
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    scripts = [text for attributes, text in elements.of("script") if "type" not in attributes]
    assert len(scripts) == 2
    assert rules == {
        "default-src": "'none'",
        "script-src": " ".join(map(hash_of, scripts)),
        "style-src": " ".join(hash_of(text) for _, text in elements.of("style")),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def hash_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_page_loads_nothing_and_no_place_of_its_template_is_left_empty() -> None:
    page = render(a_dashboard(a_row("echo")), version="1.2.3")
    elements = Elements(page)
    assert not list(elements.of("link"))[1:]
    for _, attributes, _ in elements.found:
        assert "src" not in attributes
        assert "style" not in attributes
        assert attributes.get("href", "#").startswith(("#", "data:image/svg+xml,"))
    assert not re.search("@@[a-z_]+@@", page)
    assert "1.2.3" in page
    assert "Copyright (c) 2022 Leon Sorokin" in page, "its licence asks for that"


def test_what_looks_like_a_place_of_the_template_is_only_text() -> None:
    page = render(a_dashboard(a_row("echo", skipped="@@data@@ @@script@@")), version="1.2.3")
    assert [text for _, text in Elements(page).of("td")][-1] == "@@data@@ @@script@@"


def test_without_scripts_the_page_has_each_worker_with_its_health() -> None:
    rows = (a_row("echo"), a_row("scout", health=None), a_row("late", health=Health.LATE))
    elements = Elements(render(a_dashboard(*rows), version="1"))
    shown = [
        (attributes["data-worker"], attributes["data-health"])
        for attributes, _ in elements.of("tr")
        if "data-worker" in attributes
    ]
    assert shown == [("echo", "up"), ("scout", "broken"), ("late", "late")]
    assert "Sun 22 Nov 00:10 CST" in [text for _, text in elements.of("td")]
    assert list(elements.of("noscript"))


def test_a_trouble_is_told_once_and_by_its_name() -> None:
    def episode(subject: str, said: str) -> Episode:
        alert = Alert(event=Event.REGISTRY_BROKEN, summary=said, at=NOW)
        return Episode(id=subject, subject=subject, opened_at=NOW, announced=True, last_alert=alert)

    broken = a_row("typo", health=None, needs="no such schedule")
    page = a_dashboard(a_row("echo"), broken)
    troubles = (episode("loom:registry:typo", "no such schedule"), episode("loom:clock", "it is 03:00"))
    data = data_of(render(replace(page, board=replace(page.board, troubles=troubles)), version="1"))
    ((said, command),) = data["troubles"]
    assert said == "the clock of a machine has gone backwards, since 06:10: it is 03:00"
    assert command == "loom check"
    assert "no such schedule" in data["workers"][1]["why"][0]


def test_each_day_of_the_calendar_is_a_number_of_a_combination_of_outcomes() -> None:
    days: tuple[dict[str, int], ...] = (
        {},
        {"succeeded": 23, "failed": 1},
        {"succeeded": 24},
        {"failed": 1, "succeeded": 23},
    )
    worker = a_worker("echo", days=days)
    data = data_of(render(a_dashboard(a_row("echo"), workers=(worker,)), version="1"))
    said = [dict(data["combinations"][number]) for number in data["workers"][0]["heat"]]
    assert said == list(days)
    assert len(data["combinations"]) == 3


def test_metrics_stand_beside_the_runs_that_measured_them() -> None:
    runs = tuple(
        a_brief_run(number, metrics={"pages": number, "__proto__": 1.5} if number % 2 else {"links": 7})
        for number in range(6)
    )
    page = render(a_dashboard(a_row("echo"), workers=(a_worker("echo", runs=runs),)), version="1")
    (worker,) = data_of(page)["workers"]
    metrics = {each["name"]: each["values"] for each in worker["metrics"]}
    assert metrics == {
        "pages": [None, 1, None, 3, None, 5],
        "__proto__": [None, 1.5] * 3,
        "links": [7, None] * 3,
    }
    assert [dict(zip(worker["runs"]["columns"], row, strict=True))["took"] for row in worker["runs"]["rows"]]


def full(text: str, workers: int) -> Dashboard:
    """Everything there may be, each text as long and as costly to write as the one given."""
    finding = Found(
        severity="warning",
        title=text,
        detail=text,
        subject=text,
        url=f"https://example.com/{text}",
        action=text,
    )
    found: dict[str, Any] = {"findings": (finding,) * 1000, "found_at": NOW}
    metrics = {f"{number} {text}"[:80]: 1000 / 7 for number in range(40)}
    runs = tuple(
        a_brief_run(number, said=text, metrics=metrics, outcome=Outcome.FAILED) for number in range(200)
    )
    days = tuple({each.value: number + 1 for each in Outcome} for number in range(365))
    slots = [
        SlotOutcome(
            worker="w",
            run_id="r",
            first=NOW,
            last=NOW,
            count=99,
            tick_at=NOW,
            outcome=Outcome.SUPERSEDED,
            final=True,
            on_time=True,
            started=False,
        )
    ] * 14
    texts = dict.fromkeys(("agent", "needs", "said", "skipped", "description"), text)
    rows = [a_row(f"worker-{number}", recent=slots, **texts) for number in range(workers)]
    alert = Alert(event=Event.WORKER_RECOVERED, summary=text, at=NOW, worker="worker-1")
    delivery = Delivery(
        id="d", alert=alert, hook=text, episode="e", state=DeliveryState.FAILED, error=text, changed_at=NOW
    )
    digest = DigestSpan(digest=f"sha256:{'f' * 64}", first=NOW, last=NOW, runs=9999, rules=999)
    tick_day = TickDay(
        day=NOW.date(), expected=1440, came=1440, lateness_median_s=1 / 3, lateness_max_s=1e5 / 3
    )
    return a_dashboard(
        *rows,
        workers=tuple(a_worker(row.worker, runs=runs, days=days, **found) for row in rows),
        deliveries=(delivery,) * 1000,
        episodes=(Episode(id="e", subject="worker-1", opened_at=NOW, last_alert=alert),) * 300,
        digests=(digest,) * 5000,
        lateness=((NOW, 1e5 / 3),) * 2000,
        tick_days=(tick_day,) * 15,
    )


@pytest.mark.parametrize(
    "text", ["word " * 200, "<" * 1000, "\U0001f9f5\u65e5" * 500], ids=["words", "markup", "emoji"]
)
def test_a_year_of_twelve_workers_stays_under_two_megabytes_whatever_they_write(text: str) -> None:
    page = render(full(text, 12), version="1")
    assert len(page.encode("utf-8")) < 2_000_000
    data = data_of(page)
    for worker in data["workers"]:
        shown = sum(each["worker"] == worker["id"] for each in data["findings"])
        assert shown > 5, "each worker has its share"
        assert worker["findings_left"] == 1000 - shown
        assert len(worker["runs"]["rows"]) > 20
        assert worker["runs_left"] is (len(worker["runs"]["rows"]) < 200)
        assert len(worker["heat"]) == 365
    assert data["alerts_left"] == 1000 - len(data["alerts"])
    assert data["episodes_left"] == 300 - len(data["episodes"])


def test_ordinary_text_of_twelve_workers_is_shown_whole() -> None:
    ordinary = full("a contact has been quiet", 12)
    few = tuple(replace(each, findings=each.findings[:60]) for each in ordinary.workers)
    data = data_of(render(replace(ordinary, workers=few, deliveries=ordinary.deliveries[:500]), version="1"))
    assert len(data["findings"]) == 12 * 60
    assert all(not worker["runs_left"] for worker in data["workers"])
    assert data["alerts_left"] == 0


def test_a_finding_keeps_its_address_whole_or_has_none() -> None:
    def finding(url: str) -> Found:
        return Found(severity="info", title="t", detail="", subject="", url=url, action="")

    long = "https://example.com/" + "x" * 600
    worker = a_worker("echo", findings=(finding("https://example.com/a"), finding(long)), found_at=NOW)
    data = data_of(render(a_dashboard(a_row("echo"), workers=(worker,)), version="1"))
    assert [each["url"] for each in data["findings"]] == ["https://example.com/a", ""]
