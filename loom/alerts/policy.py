"""Which bad news a person must hear now. Pure: what is open and what happened -> what is said.

An alert is an episode per subject: it opens, gathers silently, reminds, and closes with a recovery
notice. A subject is a worker's id or a part of Loom's own set-up ('loom:enforcement').
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from loom.alerts import troubles as setup
from loom.alerts import wording
from loom.alerts.book import Book
from loom.alerts.troubles import Trouble
from loom.domain.alert import Alert, Episode, Event
from loom.domain.run import OpenReason, Outcome, Run
from loom.domain.standing import Standing
from loom.domain.worker import AlertPolicy
from loom.values import dataclass, replace

__all__ = ["NOT_COUNTED", "Considered", "Trouble", "consider"]

NOT_COUNTED = "not counted"

_HELD = "held"
_DEFAULT = AlertPolicy()


@dataclass(frozen=True, slots=True)
class Considered:
    """episodes: new versions to record. alerts: what is to be said, in order, and the episode it is part of.
    belongs: for every bad run its episode's id, 'held 1 of 3' or 'not counted', by run id. standings: as
    they are once the runs are recorded."""

    episodes: tuple[Episode, ...]
    alerts: tuple[tuple[Alert, Episode], ...]
    belongs: Mapping[str, str]
    standings: Mapping[str, Standing]


def consider(
    episodes: Mapping[str, Episode],
    *,
    runs: Sequence[Run],
    policies: Mapping[str, AlertPolicy],
    standings: Mapping[str, Standing],
    troubles: Sequence[Trouble],
    now: datetime,
    new_id: Callable[[], str],
    run_url: str | None,
    zone: str = "UTC",
    removed: Collection[str] = (),
    paused: Collection[str] = (),
) -> Considered:
    """Decide what a person must hear of one tick.

    episodes: the open ones, by subject. runs: what this tick recorded, in order; one that is updated in place
    still names the episode it belongs to. standings: as they were before it. troubles: every one there is
    now; a trouble that isn't listed is over. policies: by worker id, the default where absent. zone: IANA
    name, for the times in summaries. run_url: where the tick's log can be read. removed: ids that are no
    longer registered or are disabled; their episodes end without a word, for a person ended them. paused:
    ids that get no reminders.
    """
    book = Book(episodes, now=now, new_id=new_id, zone=ZoneInfo(zone), run_url=run_url)
    belongs = {run.run_id: NOT_COUNTED for run in runs if run.bad and not run.counts}
    counted = [run for run in runs if run.counts]
    held = [run for run in counted if setup.held_by_enforcement(run)]
    now_wrong = setup.current(troubles, held)

    setup.end_those_gone(book, now_wrong)
    for trouble in now_wrong.values():
        ours = held if trouble.subject == setup.ENFORCEMENT else []
        remind = policies.get(trouble.worker or "", _DEFAULT).remind
        episode = setup.speak_of(book, trouble, held={run.worker for run in ours}, remind=remind)
        belongs.update({run.run_id: episode.id for run in ours})

    standing = dict(standings)
    for run in counted:
        before = run.outcome if run.episode else None
        after = (standing.get(run.worker) or Standing(worker=run.worker)).after(run, before)
        standing[run.worker] = after
        if run.outcome is Outcome.SUCCEEDED:
            _recover(book, run)
        elif run.bad and not setup.held_by_enforcement(run):
            policy = policies.get(run.worker, _DEFAULT)
            belongs[run.run_id] = _gather(book, run, policy, after.consecutive_failures)

    for episode in book.open:
        worker = episode.subject
        if setup.is_own(worker):
            continue
        if worker in removed:
            book.close(episode)
        elif worker not in paused and book.overdue(episode, policies.get(worker, _DEFAULT).remind):
            _remind(book, episode, standing.get(worker))
    return Considered(book.changed, book.alerts, belongs, standing)


def _gather(book: Book, run: Run, policy: AlertPolicy, failures: int) -> str:
    """Returns what the run belongs to: the episode's id, or 'held 1 of 3'."""
    episode = book.of(run.worker) or book.begin(run.worker)
    fresh = 0 if _gathered(episode, run) else run.count
    episode = replace(episode, gathered=episode.gathered + fresh, last_run=run.run_id)
    if not episode.announced:
        episode = replace(episode, held=episode.held + fresh)
        if not _never_waits(run) and episode.held < policy.after:
            book.keep(episode)
            return f"{_HELD} {episode.held} of {policy.after}"
    event, kind = _event(run), _kind(run)
    reminding = book.overdue(episode, policy.remind)
    if not episode.announced or kind != episode.kind or _gave_up(episode, event) or reminding:
        summary = wording.bad_run(run, book.zone)
        if episode.announced:
            summary += wording.still_bad(episode, book.zone)
        episode = book.say(episode, book.about_run(event, run, summary, failures), kind)
    return book.keep(episode).id


def _gathered(episode: Episode, run: Run) -> bool:
    """Whether `run`, updated in place, is one of the episode's already."""
    if run.run_id == episode.last_run or run.episode == episode.id:
        return True
    return episode.gathered > 0 and run.episode.startswith(_HELD)


def _recover(book: Book, run: Run) -> None:
    episode = book.of(run.worker)
    if episode is None:
        return
    summary = wording.recovered(run, episode, book.zone)
    alert = book.about_run(Event.WORKER_RECOVERED, run, summary, 0)
    book.close(episode, alert if episode.announced else None)


def _remind(book: Book, episode: Episode, standing: Standing | None) -> None:
    said = episode.last_alert or Alert(
        event=Event.WORKER_DOWN, summary="", at=book.now, worker=episode.subject
    )
    reminder = replace(
        said,
        summary=wording.reminder(episode, book.zone),
        at=book.now,
        run_url=book.run_url,
        consecutive_failures=standing.consecutive_failures if standing else 0,
    )
    book.say(episode, reminder, episode.kind)


def _never_waits(run: Run) -> bool:
    """A rejected output, a forbidden act and a missing requirement don't heal by themselves."""
    return run.outcome in (Outcome.INVALID, Outcome.BLOCKED) or run.open_reason is OpenReason.REQUIREMENT


def _event(run: Run) -> Event:
    if run.outcome is Outcome.MISSED:
        return Event.SLOT_MISSED
    return Event.WORKER_DOWN if run.final else Event.WORKER_FAILING


def _kind(run: Run) -> str:
    if run.open_reason is OpenReason.REQUIREMENT:
        return f"requirement {run.reason}"
    return f"{run.outcome.value} {run.error.kind}" if run.error else run.outcome.value


def _gave_up(episode: Episode, event: Event) -> bool:
    """Whether it was said that the worker will be tried again, and now it won't be."""
    if event is not Event.WORKER_DOWN:
        return False
    return episode.last_alert is None or episode.last_alert.event is Event.WORKER_FAILING
